"""Computes what an exported model does, in compiled loops: faster on many reviews, and no padding."""

import pathlib

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.compiling import compiled
from beam_pipelines.learning import compiled_tokens, vocabulary
from beam_pipelines.scoring.compiled_cnn import CompiledCnn
from beam_pipelines.scoring.encoded import Encoded
from beam_pipelines.scoring.work import Work


class CompiledEngine:
    """The compiled tokeniser over the export's vocabulary, and the compiled form of its model.

    Args:
      model: The loaded export, with `fold` and `finish`; see `trainer.folding`.
      folder: Its folder, local.
      about: What the export says of itself.
    """

    name = "compiled"

    def __init__(self, model, folder: str, about: dict):
        words = pathlib.Path(folder, "assets", vocabulary.FILE).read_bytes().split(b"\n")[:-1]
        self._tokenizer = compiled_tokens.CompiledTokenizer(compiled_tokens.lowered, pa.array(words, pa.binary()))
        self._max_tokens = about["max_tokens"]
        self._past_known = vocabulary.past_known(about["training"]["vocabulary"]["first_trained_id"])
        self._network = CompiledCnn(**{name: values.numpy() for name, values in model.fold().items()})
        self._finish = model.finish

    def encode(self, texts: pa.Array) -> Encoded:
        """Makes ids of texts, string [batch]."""
        tokenized = self._tokenizer(texts)
        most = self._max_tokens
        ids, lengths, known = _cut(tokenized.codes, tokenized.lengths, most, self._past_known)
        others = np.bincount(-1 - tokenized.codes[tokenized.codes < 0], minlength=len(tokenized.others))
        return Encoded(
            ids,
            lengths,
            tokenized.lengths,
            known.astype(np.float32) / np.maximum(tokenized.lengths, 1).astype(np.float32),
            tokenized.lengths > most,
            (tokenized.others.tokens.to_numpy(zero_copy_only=False), others),
        )

    def run(self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray, work: Work) -> dict[str, np.ndarray]:
        """Scores reviews: see `SavedModelEngine.run`."""
        work.add_batch(lengths.sum(), lengths.sum())
        pooled = self._network.pool(ids, starts, lengths)
        return {name: values.numpy() for name, values in self._finish(*map(tf.constant, pooled)).items()}


@compiled
def _cut(codes, lengths, most, past_known):
    """The ids of codes, cut at `most` and at least one for each text, their lengths, and how many tokens are known."""
    ids = np.empty(len(codes) + len(lengths), np.int32)
    cut, known = np.empty_like(lengths), np.zeros_like(lengths)
    start = at = 0
    for row in range(len(lengths)):
        before = at
        for place in range(lengths[row]):
            code = codes[start + place]
            token = code + vocabulary.FIRST_ID if code >= 0 else vocabulary.UNKNOWN_ID
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
