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
from beam_pipelines.learning import counting, statistics
from beam_pipelines.learning.splits import SPLITS
from beam_pipelines.preprocess_settings import PreprocessSettings
from beam_pipelines.progress import Progress
from beam_pipelines.scale import Scale

WRITTEN = ["ids", "score", "id"]
SHARD = "{split}/{block}.tfrecord.gz"


class WriteExamples(beam.DoFn):
    """Writes the examples of a block: PCollection[(RecordBatch, dict)] -> PCollection[Counts]."""

    def __init__(self, settings: PreprocessSettings, folder: str):
        self.settings = settings
        self.folder = folder

    def setup(self):
        self._progress = Progress("prepared")
        self._recurring = counting.read_recurring(self.folder)
        self._encoder = RecordBatchToExamplesEncoder()

    def process(self, element: tuple[pa.RecordBatch, dict]) -> Iterator[statistics.Counts]:
        batch, _ = element
        self._progress.add(batch.num_rows)
        fingerprints = _values(batch, "fingerprint")
        keys = [key.decode() for key in _values(batch, "split_key")] if self.settings.split_column else None
        split = counting.assign_splits(keys, fingerprints, self.settings)
        recurring = (split == 0) & np.isin(fingerprints, self._recurring)
        block = _values(batch, "block")[0].decode()
        written = batch.select(WRITTEN)
        for index, name in enumerate(SPLITS):
            rows = written.filter(pa.array((split == index) & ~recurring))
            if rows.num_rows:
                data = tfrecord_gzip(self._encoder.encode(rows))
                storage.write_bytes(self.folder, SHARD.format(split=name, block=block), data)
        scale = Scale(self.settings.score_min, self.settings.score_max)
        counted = (_values(batch, name) for name in ("score", "tokens", "known_share"))
        yield statistics.count_examples(split, recurring, *counted, scale)


def _values(batch: pa.RecordBatch, name: str) -> np.ndarray:
    """A column of lists of one value each, as an array of the values."""
    return batch.column(batch.schema.get_field_index(name)).flatten().to_numpy(zero_copy_only=False)


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
