"""Runs the signatures of an exported model: its graph makes ids of texts, and scores of padded batches."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines.scoring.engines.engine_metrics import EngineMetrics
from beam_pipelines.text import tokens
from beam_pipelines.text.encoded import Encoded

# A batch holds at most this many tokens, padding included, and this many reviews.
BATCH_TOKENS = 8192
BATCH_REVIEWS = 256


class Engine(Protocol):
    """Makes ids of texts, and scores of ids: the SavedModel's signatures, or their compiled form."""

    name: str

    def encode(self, texts: pa.Array) -> Encoded: ...

    def run(
        self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray, metrics: EngineMetrics
    ) -> dict[str, np.ndarray]: ...


class SavedModelEngine:
    """Runs the export's functions `encode` and `score_ids`.

    Args:
      model: The loaded export.
    """

    name = "saved_model"

    def __init__(self, model: Any):
        self._model = model

    def encode(self, texts: pa.Array) -> Encoded:
        """Makes ids of texts, string [batch]."""
        parts = [
            {name: values.numpy() for name, values in self._model.encode(as_tensor(part)).items()}
            for part in tokens.batches_by_bytes(texts)
        ]
        of_all = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        # TensorFlow counts, since an object for each unknown token would take longer.
        unknown, _, counts = tf.unique_with_counts(of_all.pop("unknown"), tf.int64)
        return Encoded(
            lengths=of_all.pop("row_lengths"),
            unknown=(pa.array(unknown.numpy(), pa.large_binary()), counts.numpy()),
            **of_all,
        )

    def run(
        self, ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray, metrics: EngineMetrics
    ) -> dict[str, np.ndarray]:
        """Scores reviews.

        Args:
          ids: int [tokens].
          starts: int64 [batch], where each review's ids begin.
          lengths: int64 [batch], how many they are, at least one.
          metrics: Counts what was done.

        Returns:
          `score`, `score_low`, `score_high`, float32 [batch].
        """
        scores: dict[str, np.ndarray] = {}
        # An empty block is run too, for the names of the scores.
        for rows in batches(lengths, BATCH_TOKENS) if len(lengths) else [np.empty(0, np.int64)]:
            padded = pad(ids, starts[rows], lengths[rows])
            metrics.add_batch(tokens=lengths[rows].sum(), slots=padded.size)
            for name, values in self._model.score_ids(tf.constant(padded)).items():
                scores.setdefault(name, np.empty(len(lengths), np.float32))[rows] = values.numpy()
        return scores


def as_tensor(texts: pa.Array) -> tf.Tensor:
    """Copies texts, string [batch], to TensorFlow."""
    return tf.constant(texts.to_numpy(zero_copy_only=False), tf.string)


def batches(lengths: np.ndarray, most_tokens: int) -> Iterator[np.ndarray]:
    """Cuts reviews into batches of similar length, longest first: yields the rows of each.

    Args:
      lengths: int64 [reviews].
      most_tokens: A batch holds at most so many, padding included, or a single review.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = min(max(most_tokens // int(lengths[order[start]]), 1), BATCH_REVIEWS)
        yield order[start : start + rows]
        start += rows


def pad(ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Gathers rows of flat ids into int64 [batch, time], padded with 0.

    >>> pad(np.array([7, 8, 9]), np.array([0, 1]), np.array([1, 2])).tolist()
    [[7, 0], [8, 9]]
    """
    columns = np.arange(lengths.max(initial=1))
    inside = columns < lengths[:, None]
    padded = np.zeros(inside.shape, np.int64)
    padded[inside] = ids[(starts[:, None] + columns)[inside]]
    return padded
