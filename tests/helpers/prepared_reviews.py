"""Writes what the preprocess job leaves for the trainer, of reviews that a test makes itself."""

import dataclasses
import pathlib
import types

import numpy as np
import tensorflow as tf

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.preparing.example_files import tfrecord_gzip
from trainer.fitting.fit_options import FitOptions
from trainer.prepared_reviews import PreparedReviews

SCALE = Scale(0, 10)
# Of a hash, what is below it says nothing of the fold.
FOLD_DIGITS = 10**12

# Of fits that take a moment.
FIT_OPTIONS = FitOptions(
    epochs=1,
    batch_size=8,
    learning_rate=0.05,
    cosine=True,
    patience=10,
    seed=3,
    balanced=False,
    mixed_precision=False,
)


@dataclasses.dataclass(frozen=True)
class Review:
    """A prepared review; its fold, of so many as are asked for, is `group` modulo their number."""

    name: str
    ids: list[int]
    score: float
    group: int = 0
    split: str = "train"


def _example(review: Review) -> bytes:
    feature = {
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=review.ids)),
        "score": tf.train.Feature(float_list=tf.train.FloatList(value=[review.score])),
        "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[review.name.encode()])),
        "split_hash": tf.train.Feature(int64_list=tf.train.Int64List(value=[review.group * FOLD_DIGITS + 7])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write_unrated(folder: pathlib.Path, texts: list[list[int]]) -> None:
    """Writes reviews without a score, given their ids."""
    examples = [
        tf.train.Example(
            features=tf.train.Features(feature={"ids": tf.train.Feature(int64_list=tf.train.Int64List(value=ids))})
        ).SerializeToString()
        for ids in texts
    ]
    (folder / "unrated").mkdir()
    (folder / "unrated/0.tfrecord.gz").write_bytes(tfrecord_gzip(examples))


def write_reviews(folder: pathlib.Path, reviews: list[Review], vectors: np.ndarray) -> PreparedReviews:
    """Writes reviews, on a scale from 0 to 10, and the vectors of all ids."""
    kept, histogram = {}, {}
    for split in ("train", "validation", "test"):
        of_split = [review for review in reviews if review.split == split]
        kept[split] = len(of_split)
        scores = np.array([review.score for review in of_split])
        histogram[split] = np.bincount(SCALE.bins(scores), minlength=10).tolist()
        (folder / split).mkdir(parents=True)
        if of_split:
            (folder / split / "0.tfrecord.gz").write_bytes(tfrecord_gzip([_example(review) for review in of_split]))
    np.save(folder / "vectors.npy", vectors.astype(np.float32))
    statistics = types.SimpleNamespace(
        scale=SCALE,
        rows=types.SimpleNamespace(kept_by_split=kept),
        scores=types.SimpleNamespace(histogram=histogram),
        vocabulary=types.SimpleNamespace(first_trained_id=len(vectors)),
        unrated=None,
    )
    return PreparedReviews(folder, statistics)
