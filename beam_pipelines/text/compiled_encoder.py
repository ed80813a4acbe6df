"""The compiled form of the transform graph: text in, ids and what is said of them out."""

import pathlib

import numpy as np
import pyarrow as pa

from beam_pipelines.compiling.cache import compiled
from beam_pipelines.text import vocabulary
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer, Tokenized
from beam_pipelines.text.encoded import Encoded


class CompiledEncoder:
    """Makes the ids of texts that `transform_graph.preprocessing_fn` makes.

    Args:
      saved_model: The local folder of a SavedModel that holds the graph, for its vocabulary.
      first_trained_id: See `transform_graph.preprocessing_fn`.
      max_tokens: See `transform_graph.preprocessing_fn`.
    """

    def __init__(self, saved_model: str, *, first_trained_id: int, max_tokens: int):
        lines = pathlib.Path(saved_model, "assets", vocabulary.FILE).read_bytes().split(b"\n")[:-1]
        self._tokenizer = CompiledTokenizer(pa.array(lines, pa.binary()))
        self._end_of_known_ids = vocabulary.end_of_known_ids(first_trained_id)
        self._max_tokens = max_tokens

    def tokenize(self, texts: pa.Array) -> Tokenized:
        """Tokenises texts, string [batch]."""
        return self._tokenizer(texts)

    def fingerprints(self, tokenized: Tokenized) -> np.ndarray:
        """See `CompiledTokenizer.fingerprints`."""
        return self._tokenizer.fingerprints(tokenized)

    def encode(self, tokenized: Tokenized) -> Encoded:
        """Makes ids of the tokens."""
        tokens = tokenized.lengths
        unknown_counts = np.zeros(len(tokenized.others), np.int64)
        ids, lengths, known = _cut_ids(
            tokenized.codes, tokens, self._max_tokens, self._end_of_known_ids, unknown_counts
        )
        return Encoded(
            ids=ids,
            lengths=lengths,
            tokens=tokens,
            # In float32, as the graph divides: both engines give the same bits.
            known_share=known.astype(np.float32) / np.maximum(tokens, 1).astype(np.float32),
            truncated=tokens > self._max_tokens,
            unknown=(tokenized.others.tokens, unknown_counts),
        )


@compiled
def _cut_ids(codes, lengths, max_tokens, end_of_known_ids, unknown_counts):
    """Makes ids of codes, at most `max_tokens` of each text and at least one.

    Args:
      codes, lengths: See `Tokenized`.
      max_tokens: The most ids of a text.
      end_of_known_ids: See `vocabulary.end_of_known_ids`.
      unknown_counts: int64 [others], to which the count of each token outside the vocabulary is added.

    Returns:
      The ids of all, int32 [ids], the number of each text's ids, and of its known tokens, int64 [batch].
    """
    ids = np.empty(len(codes) + len(lengths), np.int32)
    id_counts, known_counts = np.empty_like(lengths), np.zeros_like(lengths)
    start = count = 0
    for row in range(len(lengths)):
        # Here the texts before this row have codes[:start] and ids[:count].
        first = count
        for index in range(lengths[row]):
            code = codes[start + index]
            token_id = code + vocabulary.FIRST_ID
            if code < 0:
                token_id = vocabulary.UNKNOWN_ID
                unknown_counts[-1 - code] += 1
            known_counts[row] += vocabulary.FIRST_ID <= token_id < end_of_known_ids
            if index < max_tokens:
                ids[count] = token_id
                count += 1
        if count == first:
            ids[count] = vocabulary.UNKNOWN_ID
            count += 1
        id_counts[row] = count - first
        start += lengths[row]
    return ids[:count], id_counts, known_counts
