"""The prepared reviews as tf.data: batches of similar length, padded to their own longest."""

import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

SHUFFLE_BUFFER = 20_000
# Reviews are sorted by length within this many batches.
WINDOW_BATCHES = 256
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
    def load(cls, folder: str, named: str | None = None) -> "PreparedReviews":
        """Opens a folder; `named` is what --data says, where that is elsewhere.

        Raises:
          UserError: The job that writes it has not been there or has not ended.
        """
        path = storage.join(folder, "statistics.json")
        if not storage.exists(path):
            named = named or folder
            raise UserError(f"--data {named} has no statistics.json: run beam_pipelines.preprocess to its end first")
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

    def digest(self) -> str:
        """A hash of what the data are, the same when the same archive is prepared the same way again."""
        told = {name: self.statistics[name] for name in ("rows", "scores", "tokens_per_review", "vocabulary")}
        vectors = hashlib.sha256((self.folder / "vectors.npy").read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps([told, vectors], sort_keys=True).encode()).hexdigest()

    def vectors(self) -> np.ndarray:
        """float32 [vocab, dim]."""
        return np.load(self.folder / "vectors.npy")

    def vocabulary(self) -> list[str]:
        """The tokens, from id 2."""
        return next(self.transform_graph.glob("assets/*")).read_text(encoding="utf-8").splitlines()

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


def batches(files: list[str], batch_size: int, *, seed: int | None = None) -> tf.data.Dataset:
    """Batches of reviews of similar length, each padded to its own longest.

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
    order = tf.argsort(window["ids"].row_lengths(), stable=True)
    return {name: tf.gather(values, order) for name, values in window.items()}


def _cut(window: dict, batch_size: int, seed: int | None) -> tf.data.Dataset:
    starts = tf.data.Dataset.range(0, window["ids"].nrows(tf.int64), batch_size)
    if seed is not None:
        starts = starts.shuffle(WINDOW_BATCHES, seed=seed)
    batched = starts.map(lambda start: {name: values[start : start + batch_size] for name, values in window.items()})
    return batched.map(lambda batch: {**batch, "ids": batch["ids"].to_tensor()})


def training_batches(
    prepared: PreparedReviews, *, batch_size: int, balanced: bool, seed: int, replicas: int = 1
) -> tf.data.Dataset:
    """One epoch: (ids int64 [batch, time], score in [0, 1] [batch, 1], sample weight [batch]).

    With several replicas all batches are whole, since no replica may get an empty part (Keras 3.15);
    the reviews that this leaves out are others in each epoch.
    """
    scale, rows = prepared.scale, prepared.rows("train")
    histogram = prepared.statistics["scores"]["histogram"]["train"]
    weights = tf.constant(bin_weights(histogram) if balanced else np.ones(len(histogram), np.float32))
    edges = tf.constant(scale.edges(), tf.float32)

    def to_pair(batch):
        weight = tf.gather(weights, tf.searchsorted(edges, batch["score"], side="left"))
        return batch["ids"], scale.to_unit(batch["score"])[:, tf.newaxis], weight

    reviews = batches(prepared.files("train"), batch_size, seed=seed)
    if replicas > 1:
        reviews = reviews.filter(lambda batch: tf.size(batch["score"]) == batch_size)
    reviews = reviews.apply(tf.data.experimental.assert_cardinality(steps(rows, batch_size, replicas)))
    return reviews.map(to_pair).prefetch(tf.data.AUTOTUNE)


def steps(rows: int, batch_size: int, replicas: int = 1) -> int:
    """The batches of an epoch.

    Raises:
      UserError: Several replicas would get none at all.
    """
    if replicas == 1:
        return -(-rows // batch_size)
    if batch_size > rows or batch_size < replicas:
        raise UserError(f"--batch_size {batch_size} must be between {replicas} (the GPUs) and {rows} (the reviews)")
    return rows // batch_size


def scores(prepared: PreparedReviews, split: str) -> np.ndarray:
    """The scores of a split, in the archive's unit, float64 [reviews]."""
    dataset = tf.data.TFRecordDataset(prepared.files(split), compression_type="GZIP").batch(1024)
    score = {"score": _FEATURES["score"]}
    parts = [tf.io.parse_example(records, score)["score"].numpy() for records in dataset]
    return np.concatenate([*parts, np.empty(0)]).astype(np.float64)
