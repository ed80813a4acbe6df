"""Runs an exported model over reviews of any lengths."""

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines import storage
from beam_pipelines.exports import Export
from beam_pipelines.flags import UserError, logger
from beam_pipelines.scale import Scale

# A batch of the SavedModel holds at most this many tokens, padding included, and this many reviews.
BATCH_TOKENS = 8192
BATCH_REVIEWS = 256
# Tokens take many times the memory of their text, so a block is tokenised in parts of this size.
PART_BYTES = 1 << 20
# Scores may differ from the export's fixed ones by this share of the range (float32 rounding).
TOLERANCE = 1e-5


class Scorer:
    """Scores texts with an export.

    The compiled engine computes what the SavedModel does, in a form that is faster on many reviews;
    only a CNN has one. Whichever runs must first give the scores of the export's fixed texts.

    Args:
      export: Where it lies.
      engine: "auto" (compiled where there is one and it agrees), "compiled" or "saved_model".

    Attributes:
      engine: The one that runs.

    Raises:
      UserError: The engine that was asked for does not agree.
    """

    def __init__(self, export: Export, engine: str = "auto"):
        with storage.local_copy(export.path) as folder:
            self._model = tf.saved_model.load(folder)
        self._scale = Scale(export.about["score_min"], export.about["score_max"])
        self._compiled = None
        self.engine = "saved_model"
        if engine != "saved_model" and hasattr(self._model, "fold"):
            self._use_compiled()
        gap = self._gap(export)
        if self.engine == "compiled" and engine == "auto" and not gap <= TOLERANCE * self._scale.span:
            logger.warning("the compiled engine is %g off on the fixed texts; using the SavedModel", gap)
            self._compiled, self.engine = None, "saved_model"
            gap = self._gap(export)
        if not gap <= TOLERANCE * self._scale.span:
            raise UserError(f"{export.path} scores its fixed texts {gap:g} otherwise than when it was exported")

    def _use_compiled(self) -> None:
        from beam_pipelines.scoring import compiled_cnn

        folded = {name: values.numpy() for name, values in self._model.fold().items()}
        self._compiled = compiled_cnn.CompiledCnn(folded)
        self.engine = "compiled"

    def _gap(self, export: Export) -> float:
        fixed = export.about["fixed_texts"]
        found = self.score(pa.array([one["text"] for one in fixed]))["score"]
        return float(np.abs(found - np.array([one["score"] for one in fixed], np.float32)).max())

    def score(self, texts: pa.Array) -> dict[str, np.ndarray]:
        """Scores texts, in any order of lengths.

        Args:
          texts: string [batch].

        Returns:
          `score` float32, `tokens` int64, `known_share` float32 and `truncated` bool, all [batch].
        """
        rows = max(PART_BYTES * len(texts) // max(texts.nbytes, 1), 1)
        parts = [self._score(texts.slice(first, rows)) for first in range(0, max(len(texts), 1), rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _score(self, texts: pa.Array) -> dict[str, np.ndarray]:
        encoded = self._model.signatures["encode"](text=tf.constant(texts.to_numpy(zero_copy_only=False), tf.string))
        encoded = {name: values.numpy() for name, values in encoded.items()}
        ids, lengths = encoded.pop("ids"), encoded.pop("row_lengths")
        if self._compiled:
            shares = np.clip(self._compiled.score(ids, lengths), 0, 1)
            scores = np.clip(self._scale.from_unit(shares), self._scale.low, self._scale.high).astype(np.float32)
        else:
            scores = self._run_padded(ids, lengths)
        return {"score": scores, **encoded}

    def _run_padded(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        starts = np.cumsum(lengths) - lengths
        scores = np.empty(len(lengths), np.float32)
        for rows in batches(lengths):
            padded = tf.constant(pad(ids, starts[rows], lengths[rows]))
            scores[rows] = self._model.signatures["score_ids"](ids=padded)["score"].numpy()
        return scores


def batches(lengths: np.ndarray):
    """Cuts reviews into batches of similar length, longest first: yields arrays of indices."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = min(max(BATCH_TOKENS // int(lengths[order[start]]), 1), BATCH_REVIEWS)
        yield order[start : start + rows]
        start += rows


def pad(ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Gathers rows of flat ids into int64 [batch, time], padded with 0.

    >>> pad(np.array([7, 8, 9]), np.array([0, 1]), np.array([1, 2])).tolist()
    [[7, 0], [8, 9]]
    """
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, None]
    padded = np.zeros(inside.shape, np.int64)
    padded[inside] = ids[(starts[:, None] + columns)[inside]]
    return padded
