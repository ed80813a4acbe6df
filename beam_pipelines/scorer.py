"""Runs an exported model over reviews of any lengths, in batches of similar length."""

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines import storage
from beam_pipelines.exports import Export

# A batch holds at most this many tokens, padding included, and this many reviews.
BATCH_TOKENS = 16_384
BATCH_REVIEWS = 256
# Scores may differ from the export's fixed ones by this share of the range (float32 rounding).
TOLERANCE = 1e-5


class Scorer:
    """Scores texts with an export's SavedModel.

    Args:
      export: Where it lies.

    Raises:
      RuntimeError: It does not give the scores that it gave when it was exported.
    """

    def __init__(self, export: Export):
        with storage.local_copy(export.path) as folder:
            self._signatures = tf.saved_model.load(folder).signatures
        self._span = export.about["score_max"] - export.about["score_min"]
        self._check(export)

    def score(self, texts: pa.Array) -> dict[str, np.ndarray]:
        """Scores texts, in any order of lengths.

        Args:
          texts: string [batch].

        Returns:
          `score` float32, `tokens` int64, `known_share` float32 and `truncated` bool, all [batch].
        """
        encoded = self._signatures["encode"](text=tf.constant(texts.to_numpy(zero_copy_only=False), tf.string))
        encoded = {name: values.numpy() for name, values in encoded.items()}
        ids, lengths = encoded.pop("ids"), encoded.pop("row_lengths")
        starts = np.cumsum(lengths) - lengths
        scores = np.empty(len(lengths), np.float32)
        for rows in batches(lengths):
            padded = pad(ids, starts[rows], lengths[rows])
            scores[rows] = self._signatures["score_ids"](ids=tf.constant(padded))["score"].numpy()
        return {"score": scores, **encoded}

    def _check(self, export: Export) -> None:
        fixed = export.about["fixed_texts"]
        found = self.score(pa.array([one["text"] for one in fixed]))["score"]
        gap = np.abs(found - np.array([one["score"] for one in fixed], np.float32)).max()
        if not gap <= TOLERANCE * self._span:
            raise RuntimeError(f"{export.path} scores its fixed texts {gap} away from what it did when exported")


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
