"""Writes transformed reviews as TFRecords of tf.Examples, a shard for each block and split.

An example holds `ids` (int64 list), `score` (float, in the archive's unit) and `id` (bytes).
"""

import os
import tempfile
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from beam_pipelines import storage
from beam_pipelines.learning import counting, statistics, transform
from beam_pipelines.learning.reviews import Reviews
from beam_pipelines.learning.splits import SPLITS
from beam_pipelines.preprocess_settings import PreprocessSettings
from beam_pipelines.progress import Progress
from beam_pipelines.scale import Scale

SHARD = "{split}/{block}.tfrecord.gz"


class WriteExamples(beam.DoFn):
    """Writes the examples of a block: PCollection[Reviews] -> PCollection[Counts]."""

    def __init__(self, settings: PreprocessSettings, folder: str):
        self.settings = settings
        self.folder = folder

    def setup(self):
        self._progress = Progress("prepared")
        self._recurring = counting.read_recurring(self.folder)
        self._to_ids = transform.TextToIds(self.folder)
        self._encoder = RecordBatchToExamplesEncoder()

    def process(self, reviews: Reviews) -> Iterator[statistics.Counts]:
        self._progress.add(len(reviews.ids))
        encoded = self._to_ids(reviews.texts)
        fingerprints = encoded["fingerprint"].numpy()
        split = counting.assign_splits(reviews.split_keys, fingerprints, self.settings)
        recurring = (split == 0) & np.isin(fingerprints, self._recurring)
        written = _record_batch(reviews, encoded["ids"])
        for index, name in enumerate(SPLITS):
            rows = written.filter(pa.array((split == index) & ~recurring))
            if rows.num_rows:
                data = tfrecord_gzip(self._encoder.encode(rows))
                storage.write_bytes(self.folder, SHARD.format(split=name, block=reviews.block), data)
        scale = Scale(self.settings.score_min, self.settings.score_max)
        counted = (encoded[name].numpy() for name in ("tokens", "known_share"))
        yield statistics.count_examples(split, recurring, reviews.scores, *counted, scale)


def _record_batch(reviews: Reviews, ids: tf.RaggedTensor) -> pa.RecordBatch:
    """What is written of reviews, every column one of lists, as the encoder takes it."""
    single = np.arange(len(reviews.ids) + 1)
    columns = {
        "ids": (ids.row_splits.numpy(), ids.flat_values.numpy()),
        "score": (single, reviews.scores),
        "id": (single, pa.array(reviews.ids, pa.large_string()).cast(pa.large_binary())),
    }
    lists = [pa.LargeListArray.from_arrays(pa.array(splits), pa.array(values)) for splits, values in columns.values()]
    return pa.RecordBatch.from_arrays(lists, names=[*columns])


def tfrecord_gzip(examples: list[bytes]) -> bytes:
    """The bytes of a gzipped TFRecord file."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    try:
        with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions("GZIP")) as writer:
            for example in examples:
                writer.write(example)
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.remove(path)
