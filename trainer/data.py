"""The prepared reviews as tf.data: batches of similar length, padded to their own longest."""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.prepared import ID, IDS, SCORE, TRAIN, Statistics
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

SHUFFLE_BUFFER = 20_000
# Reviews are sorted by length within this many batches.
WINDOW_BATCHES = 256
_FEATURES = {
    IDS: tf.io.RaggedFeature(tf.int64),
    SCORE: tf.io.FixedLenFeature([], tf.float32),
    ID: tf.io.FixedLenFeature([], tf.string),
}
# The parts of the statistics that say what the data are; the others say how they were made.
_DIGESTED = ("rows", "scores", "tokens_per_review", "vocabulary")


@dataclasses.dataclass(frozen=True)
class PreparedReviews:
    """What the preprocess job wrote, in a local folder.

    Attributes:
      folder: The folder.
      statistics: Its `statistics.json`.
    """

    folder: pathlib.Path
    statistics: Statistics

    @classmethod
    def load(cls, folder: str, named: str | None = None) -> "PreparedReviews":
        """Opens a folder; `named` is what --data says, where that is elsewhere.

        Raises:
          UserError: The job that writes it has not been there or has not ended, an earlier version wrote it, or its
            vectors cannot be used.
        """
        if not storage.exists(storage.join(folder, prepared.STATISTICS)):
            raise UserError(
                f"--data {named or folder} has no {prepared.STATISTICS}: run beam_pipelines.preprocess to its end first"
            )
        reviews = cls(pathlib.Path(folder), Statistics.read(folder))
        if reviews.statistics.tokenizer is None:
            raise UserError(
                f"--data {named or folder} was prepared by an earlier version, which cut texts into other tokens: run "
                "beam_pipelines.preprocess again"
            )
        reviews._check_vectors(named or folder)
        return reviews

    @property
    def scale(self) -> Scale:
        return self.statistics.scale

    @property
    def rule(self) -> Tokenizer:
        """How the texts were cut into tokens."""
        assert self.statistics.tokenizer, "`load` has looked"
        return self.statistics.tokenizer

    @property
    def first_trained_id(self) -> int:
        """The first id whose vector is not a pretrained one."""
        return self.statistics.vocabulary.first_trained_id

    @property
    def transform_graph(self) -> pathlib.Path:
        """The folder of the SavedModel that makes ids of texts."""
        return self.folder / prepared.TRANSFORM_GRAPH

    @property
    def training_histogram(self) -> list[int]:
        """The training reviews by the ten bins of their scores."""
        return self.statistics.scores.histogram[TRAIN]

    def digest(self) -> str:
        """Hashes what the data are: the same when the same archive is prepared the same way again."""
        statistics = self.statistics.to_json()
        vectors = hashlib.sha256((self.folder / prepared.VECTORS).read_bytes()).hexdigest()
        digested = [{name: statistics[name] for name in _DIGESTED}, vectors]
        return hashlib.sha256(json.dumps(digested, sort_keys=True).encode()).hexdigest()

    def vectors(self) -> np.ndarray:
        """Reads the vectors of all ids, float32 [vocab, dim]."""
        return np.load(self.folder / prepared.VECTORS)

    def _check_vectors(self, named: str) -> None:
        try:
            is_finite = np.isfinite(self.vectors()).all(axis=1)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"--data {named}: {prepared.VECTORS} cannot be read ({error}); run beam_pipelines.preprocess again"
            ) from error
        # Else the loss is not finite either, and no learning rate would help.
        if not is_finite.all():
            raise UserError(
                f"--data {named}: {np.count_nonzero(~is_finite):,} of {len(is_finite):,} vectors in {prepared.VECTORS} "
                "are not finite; run beam_pipelines.preprocess again, which passes such vectors over"
            )

    def vocabulary(self) -> list[str]:
        """Reads the tokens, from id 2."""
        return (self.transform_graph / prepared.VOCABULARY).read_text(encoding="utf-8").splitlines()

    def rows(self, split: str) -> int:
        """How many reviews a split has."""
        return self.statistics.rows.kept_by_split[split]

    def files(self, split: str) -> list[str]:
        """Lists the TFRecord files of a split, in the order of the archive."""
        return sorted(str(path) for path in self.folder.glob(prepared.example_shard(split, "*")))


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


def batches(files: list[str], batch_size: int, *, seed: int | None = None) -> tf.data.Dataset:
    """Makes batches of reviews of similar length, each padded to its own longest.

    Some thousands of reviews at a time are sorted by length and cut into batches, whose order is
    then shuffled: buckets with as many reviews in each, and no odd batch left over in any but the
    last. (Keras and tf.data's own buckets leave one for each length, all at the end of an epoch,
    after which this net has forgotten what it learned.)

    Args:
      files: TFRecord files.
      batch_size: Reviews in a batch.
      seed: Shuffles, the same way for the same seed; None keeps the order of the files.

    Returns:
      Dicts of `ids` int64 [batch, time], padded with 0, `score` float32 [batch] and `id` string
      [batch].
    """
    if seed is not None:
        files = np.random.default_rng(seed).permutation(files).tolist()
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    if seed is not None:
        dataset = dataset.shuffle(SHUFFLE_BUFFER, seed=seed)
    windows = dataset.batch(batch_size * WINDOW_BATCHES).map(_parse_by_length)
    return windows.flat_map(lambda window: _cut(window, batch_size, seed))


def _parse_by_length(records: tf.Tensor) -> dict:
    window = tf.io.parse_example(records, _FEATURES)
    order = tf.argsort(window[IDS].row_lengths(), stable=True)
    return {name: tf.gather(values, order) for name, values in window.items()}


def _cut(window: dict, batch_size: int, seed: int | None) -> tf.data.Dataset:
    starts = tf.data.Dataset.range(0, window[IDS].nrows(tf.int64), batch_size)
    if seed is not None:
        starts = starts.shuffle(WINDOW_BATCHES, seed=seed)
    batched = starts.map(lambda start: {name: values[start : start + batch_size] for name, values in window.items()})
    return batched.map(lambda batch: {**batch, IDS: batch[IDS].to_tensor()})


def training_batches(
    reviews: PreparedReviews, *, batch_size: int, balanced: bool, seed: int, replicas: int = 1
) -> tf.data.Dataset:
    """Makes the batches of an epoch: (ids int64 [batch, time], score in [0, 1] [batch, 1], sample weight [batch]).

    With several replicas all batches are whole, since no replica may get an empty part (Keras 3.15);
    the reviews that this leaves out are others in each epoch.
    """
    scale, histogram = reviews.scale, reviews.training_histogram
    weights = tf.constant(bin_weights(histogram) if balanced else np.ones(len(histogram), np.float32))
    edges = tf.constant(scale.edges(), tf.float32)

    def to_pair(batch):
        # As `Scale.bins` finds them: a score on an edge belongs to the bin below.
        weight = tf.gather(weights, tf.searchsorted(edges, batch[SCORE], side="left"))
        return batch[IDS], scale.to_unit(batch[SCORE])[:, tf.newaxis], weight

    dataset = batches(reviews.files(TRAIN), batch_size, seed=seed)
    if replicas > 1:
        dataset = dataset.filter(lambda batch: tf.size(batch[SCORE]) == batch_size)
    # Keras asks for the number of steps, which tf.data does not know after `flat_map`.
    count = steps(reviews.rows(TRAIN), batch_size, replicas)
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


def scores(reviews: PreparedReviews, split: str) -> np.ndarray:
    """Reads the scores of a split, in the archive's unit, float64 [reviews]."""
    dataset = tf.data.TFRecordDataset(reviews.files(split), compression_type="GZIP").batch(1024)
    feature = {SCORE: _FEATURES[SCORE]}
    parts = [tf.io.parse_example(records, feature)[SCORE].numpy() for records in dataset]
    return np.concatenate([*parts, np.empty(0)]).astype(np.float64)
