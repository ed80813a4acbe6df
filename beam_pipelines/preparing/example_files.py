"""Reviews as TFRecord files of tf.Examples.

An example holds `ids` (int64 list), `score` (float, in the archive's unit), `id` (bytes) and `split_hash` (int64).
"""

import os
import tempfile

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from beam_pipelines.artifacts import prepared
from beam_pipelines.preparing.reviews import Reviews
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


def _record_batch(reviews: Reviews, encoded: Encoded, hashes: np.ndarray) -> pa.RecordBatch:
    """What is written of reviews, every column one of lists, as the encoder takes it."""
    single = np.arange(len(reviews.ids) + 1)
    columns = {
        prepared.IDS: (np.concatenate([[0], np.cumsum(encoded.lengths)]), encoded.ids.astype(np.int64)),
        prepared.SCORE: (single, reviews.scores),
        prepared.ID: (single, pa.array(reviews.ids, pa.large_string()).cast(pa.large_binary())),
        prepared.SPLIT_HASH: (single, hashes),
    }
    lists = [pa.LargeListArray.from_arrays(pa.array(splits), pa.array(values)) for splits, values in columns.values()]
    return pa.RecordBatch.from_arrays(lists, names=[*columns])


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
