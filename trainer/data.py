"""The prepared reviews as tf.data: batches of similar length, padded to their own longest."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from beam_pipelines import storage
from beam_pipelines.flags import UserError
from beam_pipelines.scale import Scale

# Batches hold reviews of one bucket, so padding is at most half of the longest; see `batches`.
BUCKET_BOUNDARIES = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072]
SHUFFLE_BUFFER = 20_000
_FEATURES = {
    "ids": tf.io.RaggedFeature(tf.int64),
    "score": tf.io.FixedLenFeature([], tf.float32),
    "id": tf.io.FixedLenFeature([], tf.string),
}


@dataclasses.dataclass(frozen=True)
class PreparedReviews:
    """What the preprocess job wrote, in a local folder.

    Attributes:
      folder: The folder.
      statistics: Its `statistics.json`.
    """

    folder: pathlib.Path
    statistics: dict

    @classmethod
    def load(cls, folder: str) -> "PreparedReviews":
        """Opens a folder.

        Raises:
          UserError: The job that writes it has not been there or has not ended.
        """
        path = storage.join(folder, "statistics.json")
        if not storage.exists(path):
            raise UserError(f"--data {folder} has no statistics.json: run beam_pipelines.preprocess to its end first")
        return cls(pathlib.Path(folder), storage.read_json(path))

    @property
    def scale(self) -> Scale:
        return Scale(self.statistics["scores"]["min"], self.statistics["scores"]["max"])

    @property
    def first_trained_id(self) -> int:
        """The first id whose vector is not a pretrained one."""
        return self.statistics["vocabulary"]["first_trained_id"]

    @property
    def transform_graph(self) -> pathlib.Path:
        return self.folder / "transform" / "transform_fn"

    def vectors(self) -> np.ndarray:
        """float32 [vocab, dim]."""
        return np.load(self.folder / "vectors.npy")

    def rows(self, split: str) -> int:
        return self.statistics["rows"]["kept_by_split"][split]

    def files(self, split: str) -> list[str]:
        return sorted(str(path) for path in (self.folder / split).glob("*.tfrecord.gz"))


def bin_weights(histogram: list[int]) -> np.ndarray:
    """Sample weights that make the bins count equally, float32 [bins].

    Empty bins are left out; the mean over the reviews is 1.

    >>> bin_weights([1, 0, 3]).tolist()
    [2.0, 0.0, 0.6666666865348816]
    """
    counts = np.array(histogram, np.float64)
    filled = counts > 0
    weights = np.zeros(len(counts))
    weights[filled] = counts.sum() / (filled.sum() * counts[filled])
    return weights.astype(np.float32)


def examples(files: list[str], *, seed: int | None = None) -> tf.data.Dataset:
    """The reviews of a split: dicts of `ids` int64 [time], `score` float32 [] and `id` string [].

    Args:
      files: TFRecord files.
      seed: Shuffles, the same way for the same seed; None keeps the order of the files.
    """
    if seed is not None:
        files = np.random.default_rng(seed).permutation(files).tolist()
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    if seed is not None:
        dataset = dataset.shuffle(SHUFFLE_BUFFER, seed=seed)
    dataset = dataset.batch(256).map(lambda records: tf.io.parse_example(records, _FEATURES), tf.data.AUTOTUNE)
    return dataset.unbatch()


def batches(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Batches of reviews of similar length; `ids` is padded with 0 to int64 [batch, time]."""
    return dataset.map(lambda review: {**review, "ids": tf.convert_to_tensor(review["ids"])}).bucket_by_sequence_length(
        lambda review: tf.size(review["ids"]),
        bucket_boundaries=BUCKET_BOUNDARIES,
        bucket_batch_sizes=[batch_size] * (len(BUCKET_BOUNDARIES) + 1),
    )


def training_batches(prepared: PreparedReviews, *, batch_size: int, balanced: bool, seed: int) -> tf.data.Dataset:
    """One epoch: (ids int64 [batch, time], score in [0, 1] [batch, 1], sample weight [batch])."""
    scale = prepared.scale
    histogram = prepared.statistics["scores"]["histogram"]["train"]
    weights = tf.constant(bin_weights(histogram) if balanced else np.ones(len(histogram), np.float32))
    edges = tf.constant(scale.edges(), tf.float32)

    def to_pair(review):
        score = review["score"]
        weight = tf.gather(weights, tf.searchsorted(edges, score, side="left"))
        return review["ids"], scale.to_unit(score)[:, tf.newaxis], weight

    reviews = batches(examples(prepared.files("train"), seed=seed), batch_size)
    return reviews.map(to_pair, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
