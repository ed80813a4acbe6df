"""The compiled form of the transform graph: text in, ids and what is said of them out."""

import pathlib

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.text import compiled_ids, vocabulary
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer, Tokenized
from beam_pipelines.text.encoded import Encoded


class CompiledEncoder:
    """Makes the ids of texts that `transform_graph.preprocessing_fn` makes.

    Args:
      saved_model: The local folder of a SavedModel that holds the graph, for its vocabulary.
      rule: That of the graph's tokeniser.
      first_trained_id: See `transform_graph.preprocessing_fn`.
      max_tokens: See `transform_graph.preprocessing_fn`.
    """

    def __init__(self, saved_model: str, *, rule: Tokenizer, first_trained_id: int, max_tokens: int):
        lines = pathlib.Path(saved_model, prepared.VOCABULARY).read_bytes().split(b"\n")[:-1]
        self._tokenizer = CompiledTokenizer(rule, pa.array(lines, pa.binary()))
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
        ids, lengths, known = compiled_ids.cut_ids(
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
