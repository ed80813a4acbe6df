"""Reviews as TFRecord files of tf.Examples.

An example holds `ids` (int64 list), `score` (float, in the archive's unit), `id` (bytes) and `split_hash` (int64); an
unrated one `ids`, `id` and, with a teacher, `teacher_scores` and `teacher_weights` (float lists of equal length).
"""

import hashlib
import os
import tempfile

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from beam_pipelines.artifacts import prepared
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.unrated_reviews import UnratedReviews
from beam_pipelines.text.encoded import Encoded


class ExampleFiles:
    """Makes the TFRecord files of blocks."""

    def __init__(self):
        self._encoder = RecordBatchToExamplesEncoder()

    def by_split(self, reviews: Reviews, encoded: Encoded, split: np.ndarray, hashes: np.ndarray) -> dict[str, bytes]:
        """The bytes of a gzipped file for each split that has a review.

        Args:
          reviews: A block.
          encoded: Its ids.
          split: Of each review the index in `prepared.SPLITS`; of one that is left out -1.
          hashes: int64 [reviews], by which the splits were chosen.
        """
        batch, files = _record_batch(reviews, encoded, hashes), {}
        for index, name in enumerate(prepared.SPLITS):
            rows = batch.filter(pa.array(split == index))
            if rows.num_rows:
                files[name] = tfrecord_gzip(in_one_order(self._encoder.encode(rows)))
        return files

    def unrated(self, reviews: UnratedReviews, encoded: Encoded, is_used: np.ndarray) -> tuple[bytes, int]:
        """The bytes of a gzipped file, empty without an example, and a digest of the examples.

        Args:
          reviews: A block.
          encoded: Its ids.
          is_used: bool [reviews], which ones become examples.
        """
        rows = _unrated_batch(reviews, encoded).filter(pa.array(is_used))
        examples = in_one_order(self._encoder.encode(rows)) if rows.num_rows else []
        return (tfrecord_gzip(examples) if examples else b""), _digest(rows)


def _record_batch(reviews: Reviews, encoded: Encoded, hashes: np.ndarray) -> pa.RecordBatch:
    """What is written of rated reviews."""
    single = np.arange(len(reviews.ids) + 1)
    scores, hashes_of_split = (single, reviews.scores), (single, hashes)
    return _of_lists({**_text_columns(reviews, encoded), prepared.SCORE: scores, prepared.SPLIT_HASH: hashes_of_split})


def _unrated_batch(reviews: UnratedReviews, encoded: Encoded) -> pa.RecordBatch:
    """What is written of unrated reviews."""
    columns = _text_columns(reviews, encoded)
    if reviews.teachers is not None:
        ends = np.cumsum([0, *map(len, reviews.teachers)])
        scores = [score for teacher in reviews.teachers for score in teacher]
        weights = [weight for teacher in reviews.teachers for weight in teacher.values()]
        columns[prepared.TEACHER_SCORES] = (ends, np.array(scores, np.float32))
        columns[prepared.TEACHER_WEIGHTS] = (ends, np.array(weights, np.float32))
    return _of_lists(columns)


def _text_columns(reviews: Reviews, encoded: Encoded) -> dict[str, tuple[np.ndarray, np.ndarray | pa.Array]]:
    """The ids and the name of each review, as the bounds of lists and their values."""
    single = np.arange(len(reviews.ids) + 1)
    return {
        prepared.IDS: (np.concatenate([[0], np.cumsum(encoded.lengths)]), encoded.ids.astype(np.int64)),
        prepared.ID: (single, pa.array(reviews.ids, pa.large_string()).cast(pa.large_binary())),
    }


def _of_lists(columns: dict[str, tuple[np.ndarray, np.ndarray | pa.Array]]) -> pa.RecordBatch:
    """Makes every column one of lists, as the encoder takes it."""
    lists = [pa.LargeListArray.from_arrays(pa.array(splits), pa.array(values)) for splits, values in columns.values()]
    return pa.RecordBatch.from_arrays(lists, names=[*columns])


def _digest(batch: pa.RecordBatch) -> int:
    """Sums up the hashes of examples, 64 bits of each, but for their names: equal however they are cut into blocks."""
    columns = [batch.column(name).to_pylist() for name in batch.schema.names if name != prepared.ID]
    hashes = (hashlib.blake2b(repr(values).encode(), digest_size=8).digest() for values in zip(*columns, strict=True))
    return sum(int.from_bytes(digest, "little") for digest in hashes) % 2**64


def in_one_order(examples: list[bytes]) -> list[bytes]:
    """Sorts the features of each example by name; the encoder gives them in any order."""
    return [tf.train.Example.FromString(example).SerializeToString(deterministic=True) for example in examples]


def tfrecord_gzip(examples: list[bytes]) -> bytes:
    """The bytes of a gzipped TFRecord file."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    try:
        # The fastest level: ids hardly shrink more at others.
        options = tf.io.TFRecordOptions("GZIP", compression_level=1)
        with tf.io.TFRecordWriter(path, options) as writer:
            for example in examples:
                writer.write(example)
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.remove(path)
