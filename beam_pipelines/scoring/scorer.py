"""Runs an exported model over reviews of any lengths."""

import time

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beam_pipelines import storage
from beam_pipelines.exports import Export
from beam_pipelines.flags import UserError, logger
from beam_pipelines.learning import tokens as tokenizer
from beam_pipelines.scoring.work import Work

# A batch of the SavedModel holds at most this many tokens, padding included, and this many reviews.
BATCH_TOKENS = 8192
BATCH_REVIEWS = 256
SCORES = ("score", "score_low", "score_high")
# What the export's `finish` takes, in its order.
POOLED = ("highest", "lowest", "mean", "sums")
# Explaining holds a row of all filters for each token, so its batches are smaller.
EXPLAINED_TOKENS = 4096
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
      work: What it did; see `take_work`.

    Raises:
      UserError: The engine that was asked for does not agree.
    """

    def __init__(self, export: Export, engine: str = "auto"):
        started = time.perf_counter()
        self.work = Work()
        with storage.local_copy(export.path) as folder:
            self._model = tf.saved_model.load(folder)
        self._span = export.about["score_max"] - export.about["score_min"]
        self._max_tokens = export.about["max_tokens"]
        self._compiled = None
        self.engine = "saved_model"
        if engine != "saved_model" and hasattr(self._model, "fold"):
            self._use_compiled()
        gap = self._gap(export)
        if self.engine == "compiled" and engine == "auto" and not gap <= TOLERANCE * self._span:
            logger.warning("the compiled engine is %g off on the fixed texts; using the SavedModel", gap)
            self._compiled, self.engine = None, "saved_model"
            gap = self._gap(export)
        if not gap <= TOLERANCE * self._span:
            raise UserError(f"{export.path} scores its fixed texts {gap:g} otherwise than when it was exported")
        self.work = Work()
        self.work.seconds["load"] = time.perf_counter() - started

    def take_work(self) -> Work:
        """What it did since the last call; loading counts to the first."""
        done, self.work = self.work, Work()
        return done

    def _use_compiled(self) -> None:
        from beam_pipelines.scoring import compiled_cnn

        folded = {name: values.numpy() for name, values in self._model.fold().items()}
        self._compiled = compiled_cnn.CompiledCnn(**folded)
        self.engine = "compiled"

    def _gap(self, export: Export) -> float:
        fixed = export.about["fixed_texts"]
        found = self.score(pa.array([one["text"] for one in fixed]))
        gaps = [np.abs(found[name] - np.array([one[name] for one in fixed], np.float32)).max() for name in SCORES]
        return float(max(gaps))

    def score(self, texts: pa.Array) -> dict[str, np.ndarray]:
        """Scores texts, in any order of lengths.

        Args:
          texts: string [batch].

        Returns:
          `score`, `score_low`, `score_high` float32, `tokens` int64, `known_share` float32 and
          `truncated` bool, all [batch].
        """
        parts = [self._score(part) for part in tokenizer.parts(texts)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _score(self, texts: pa.Array) -> dict[str, np.ndarray]:
        with self.work.timed("tokenise"):
            encoded = self._encode(texts)
        ids, lengths = encoded.pop("ids"), encoded.pop("row_lengths")
        with self.work.timed("score"):
            scores = self._run_compiled(ids, lengths) if self._compiled else self._run_padded(ids, lengths)
        return {**scores, **encoded}

    def _encode(self, texts: pa.Array) -> dict[str, np.ndarray]:
        encoded = self._model.signatures["encode"](text=tf.constant(texts.to_numpy(zero_copy_only=False), tf.string))
        # TensorFlow counts, since an object for each unknown token would take longer.
        unknown, _, counts = tf.unique_with_counts(encoded.pop("unknown"), tf.int64)
        self.work.unknown.append((unknown.numpy(), counts.numpy()))
        return {name: values.numpy() for name, values in encoded.items()}

    def _run_compiled(self, ids: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
        self.work.add_batch(len(ids), len(ids))
        pooled = self._compiled.pool(ids, lengths)
        scores = self._model.finish(*(tf.constant(pooled[name]) for name in POOLED))
        return {name: scores[name].numpy() for name in SCORES}

    def _run_padded(self, ids: np.ndarray, lengths: np.ndarray) -> dict[str, np.ndarray]:
        starts = np.cumsum(lengths) - lengths
        scores = {name: np.empty(len(lengths), np.float32) for name in SCORES}
        for rows in batches(lengths, BATCH_TOKENS):
            padded = tf.constant(pad(ids, starts[rows], lengths[rows]))
            self.work.add_batch(lengths[rows].sum(), tf.size(padded))
            found = self._model.signatures["score_ids"](ids=padded)
            for name in SCORES:
                scores[name][rows] = found[name].numpy()
        return scores

    def explain(self, texts: pa.Array, tokens: np.ndarray) -> dict[str, list]:
        """Tells why texts got their scores.

        Args:
          texts: string [batch].
          tokens: int64 [batch], how many each has.

        Returns:
          `reasons`, a list of {phrase, points} for each text, the strongest first;
          `explained_score` and, of a CNN, `explained_rest`, float32 [batch].
        """
        with self.work.timed("explain"):
            return self._explain(texts.to_numpy(zero_copy_only=False), tokens)

    def _explain(self, texts: np.ndarray, tokens: np.ndarray) -> dict[str, list]:
        found: dict = {}
        parts = list(batches(np.clip(tokens, 1, self._max_tokens), EXPLAINED_TOKENS))
        # An empty block has the same columns.
        for rows in parts or [np.empty(0, np.int64)]:
            told = self._model.signatures["explain"](text=tf.constant(texts[rows], tf.string))
            told = {name: values.numpy() for name, values in told.items()}
            told["reasons"] = [_reasons(*one) for one in zip(told.pop("phrases"), told.pop("points"), strict=True)]
            for name, values in told.items():
                column = found.setdefault(name, [None] * len(texts))
                for row, value in zip(rows, values, strict=True):
                    column[row] = value
        return found


def _reasons(phrases: np.ndarray, points: np.ndarray) -> list[dict]:
    # By way of its text, a float32 gets as few digits as it needs.
    return [
        {"phrase": phrases[place].decode(), "points": float(str(points[place]))}
        for place in np.argsort(-np.abs(points), kind="stable")
        if phrases[place]
    ]


def batches(lengths: np.ndarray, most_tokens: int):
    """Cuts reviews into batches of similar length, longest first: yields arrays of indices.

    Args:
      lengths: int64 [reviews].
      most_tokens: A batch holds so many, padding included, or a single review.
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
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, None]
    padded = np.zeros(inside.shape, np.int64)
    padded[inside] = ids[(starts[:, None] + columns)[inside]]
    return padded
