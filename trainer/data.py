"""The prepared reviews as tf.data: batches of similar length, padded to their own longest."""

import functools

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.prepared import IDS, SCORE, TEACHER_SCORES, TEACHER_WEIGHTS
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from trainer.architectures.heads import Head
from trainer.prepared_reviews import FEATURES, RATED_OR_TAUGHT, PreparedReviews, Selection

SHUFFLE_BUFFER = 20_000
# Reviews are sorted by length within this many batches.
WINDOW_BATCHES = 256


def bin_weights(histogram: list[int]) -> np.ndarray:
    """Computes sample weights that make the bins count equally, float32 [bins].

    Empty bins are left out; the mean over the reviews is 1.

    >>> bin_weights([1, 0, 3]).tolist()
    [2.0, 0.0, 0.6666666865348816]
    """
    counts = np.array(histogram, np.float64)
    filled = counts > 0
    weights = np.zeros(len(counts))
    weights[filled] = counts.sum() / (filled.sum() * counts[filled])
    return weights.astype(np.float32)


def batches(
    reviews: PreparedReviews, selection: Selection, batch_size: int, *, seed: int | None = None
) -> tf.data.Dataset:
    """Makes batches of reviews of similar length, each padded to its own longest.

    Some thousands of reviews at a time are sorted by length and cut into batches, whose order is
    then shuffled: buckets with as many reviews in each, and no odd batch left over in any but the
    last. (Keras and tf.data's own buckets leave one for each length, all at the end of an epoch,
    after which this net has forgotten what it learned.)

    Args:
      reviews: The prepared reviews.
      selection: Which of them.
      batch_size: Reviews in a batch.
      seed: Shuffles, the same way for the same seed; None keeps the order of the files.

    Returns:
      Dicts of `ids` int64 [batch, time], padded with 0, `score` float32 [batch] and `id` string
      [batch]; where some are taught, also ragged `teacher_scores` and `teacher_weights`.
    """
    files = reviews.files(selection)
    if seed is not None:
        files = np.random.default_rng(seed).permutation(files).tolist()
    dataset = reviews.records(selection, files)
    if seed is not None:
        dataset = dataset.shuffle(SHUFFLE_BUFFER, seed=seed)
    features = RATED_OR_TAUGHT if selection.taught else FEATURES
    windows = dataset.batch(batch_size * WINDOW_BATCHES).map(functools.partial(_parse_by_length, features))
    return windows.flat_map(lambda window: _cut(window, batch_size, seed))


def _parse_by_length(features: dict, records: tf.Tensor) -> dict:
    window = tf.io.parse_example(records, features)
    order = tf.argsort(window[IDS].row_lengths(), stable=True)
    return {name: tf.gather(values, order) for name, values in window.items()}


def _cut(window: dict, batch_size: int, seed: int | None) -> tf.data.Dataset:
    starts = tf.data.Dataset.range(0, window[IDS].nrows(tf.int64), batch_size)
    if seed is not None:
        starts = starts.shuffle(WINDOW_BATCHES, seed=seed)
    batched = starts.map(lambda start: {name: values[start : start + batch_size] for name, values in window.items()})
    return batched.map(lambda batch: {**batch, IDS: batch[IDS].to_tensor()})


def scores_and_targets(batch: dict, scale: Scale, head: Head) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns what a batch of `batches` is to be learned as: scores, float32 [batch], and targets of the head.

    What a teacher says of a review is the mean of the targets of its scores.
    """
    scores = batch[SCORE]
    if TEACHER_SCORES not in batch:
        return scores, head.targets(scale.to_unit(scores))
    teacher, weights = batch[TEACHER_SCORES], batch[TEACHER_WEIGHTS].flat_values
    reviews, is_taught = teacher.value_rowids(), teacher.row_lengths() > 0

    def mean(values: tf.Tensor) -> tf.Tensor:
        weighted = values * tf.reshape(weights, [-1] + [1] * (len(values.shape) - 1))
        return tf.math.unsorted_segment_sum(weighted, reviews, tf.size(scores))

    taught = mean(head.targets(scale.to_unit(teacher.flat_values)))
    rated = head.targets(scale.to_unit(tf.where(is_taught, float(scale.low), scores)))
    return (
        tf.where(is_taught, mean(teacher.flat_values), scores),
        tf.where(is_taught[:, tf.newaxis], taught, rated),
    )


def training_batches(
    reviews: PreparedReviews,
    selection: Selection,
    head: Head,
    *,
    batch_size: int,
    balanced: bool,
    seed: int,
    replicas: int = 1,
) -> tf.data.Dataset:
    """Makes the batches of an epoch: (ids int64 [batch, time], targets of the head, sample weight [batch]).

    With several replicas all batches are whole, since no replica may get an empty part (Keras 3.15);
    the reviews that this leaves out are others in each epoch.
    """
    scale, histogram = reviews.scale, reviews.histogram(selection.splits)
    balancing = bin_weights(histogram)
    # A teacher may name scores that no rated review has.
    weights = tf.constant(np.where(balancing, balancing, 1) if balanced else np.ones_like(balancing))
    edges = tf.constant(scale.edges(), tf.float32)

    def to_pair(batch):
        # As `Scale.bins` finds them: a score on an edge belongs to the bin below.
        scores, targets = scores_and_targets(batch, scale, head)
        return batch[IDS], targets, tf.gather(weights, tf.searchsorted(edges, scores, side="left"))

    dataset = batches(reviews, selection, batch_size, seed=seed)
    if replicas > 1:
        dataset = dataset.filter(lambda batch: tf.size(batch[SCORE]) == batch_size)
    # Keras asks for the number of steps, which tf.data does not know after `flat_map`.
    count = steps(reviews.rows(selection), batch_size, replicas)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).map(to_pair).prefetch(tf.data.AUTOTUNE)


def steps(rows: int, batch_size: int, replicas: int = 1) -> int:
    """Counts the batches of an epoch.

    Raises:
      UserError: Several replicas would get none at all.
    """
    if replicas == 1:
        return -(-rows // batch_size)
    if batch_size > rows or batch_size < replicas:
        raise UserError(f"--batch_size {batch_size} must be between {replicas} (the GPUs) and {rows} (the reviews)")
    return rows // batch_size
