"""What the transform graph makes of texts, compiled."""

import pathlib

import numpy as np
import pyarrow as pa

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.text import vocabulary
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer, Tokenized
from beam_pipelines.text.encoded import Encoded


class CompiledEncoder:
    """Makes ids of texts, as `transform_graph.preprocessing_fn` does.

    Args:
      saved_model: The local folder of a SavedModel that holds the graph, for its vocabulary.
      first_trained_id: See `transform_graph.preprocessing_fn`.
      max_tokens: See `transform_graph.preprocessing_fn`.
    """

    def __init__(self, saved_model: str, *, first_trained_id: int, max_tokens: int):
        lines = pathlib.Path(saved_model, "assets", vocabulary.FILE).read_bytes().split(b"\n")[:-1]
        self._tokenizer = CompiledTokenizer(pa.array(lines, pa.binary()))
        self._past_known = vocabulary.past_known(first_trained_id)
        self._max_tokens = max_tokens

    def tokenize(self, texts: pa.Array) -> Tokenized:
        """Tokenises texts, string [batch]."""
        return self._tokenizer(texts)

    def fingerprints(self, tokenized: Tokenized) -> np.ndarray:
        """See `CompiledTokenizer.fingerprints`."""
        return self._tokenizer.fingerprints(tokenized)

    def encode(self, tokenized: Tokenized) -> Encoded:
        """Makes ids of the tokens."""
        codes, tokens = tokenized.codes, tokenized.lengths
        unknown = np.zeros(len(tokenized.others), np.int64)
        ids, lengths, known = _cut(codes, tokens, self._max_tokens, self._past_known, unknown)
        return Encoded(
            ids,
            lengths,
            tokens,
            known.astype(np.float32) / np.maximum(tokens, 1).astype(np.float32),
            tokens > self._max_tokens,
            (tokenized.others.tokens, unknown),
        )


@compiled
def _cut(codes, lengths, most, past_known, unknown):
    """The ids of codes, cut at `most` and at least one for each text, their lengths, and how many tokens are known.

    Adds to `unknown`, int64 [others], how often each token comes that is not in the vocabulary.
    """
    ids = np.empty(len(codes) + len(lengths), np.int32)
    cut, known = np.empty_like(lengths), np.zeros_like(lengths)
    start = at = 0
    for row in range(len(lengths)):
        before = at
        for place in range(lengths[row]):
            code = codes[start + place]
            token = code + vocabulary.FIRST_ID
            if code < 0:
                token = vocabulary.UNKNOWN_ID
                unknown[-1 - code] += 1
            known[row] += vocabulary.FIRST_ID <= token < past_known
            if place < most:
                ids[at] = token
                at += 1
        if at == before:
            ids[at] = vocabulary.UNKNOWN_ID
            at += 1
        cut[row] = at - before
        start += lengths[row]
    return ids[:at], cut, known
