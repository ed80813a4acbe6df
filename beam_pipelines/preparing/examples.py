"""Writes transformed reviews as TFRecords of tf.Examples, a shard for each block and split.

An example holds `ids` (int64 list), `score` (float, in the archive's unit) and `id` (bytes).
"""

import os
import tempfile

import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands.progress import Progress
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.preparing import counting, row_counts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.settings import PreprocessSettings
from beam_pipelines.preparing.splits import SPLITS
from beam_pipelines.text import transform_graph
from beam_pipelines.text.compiled_encoder import CompiledEncoder
from beam_pipelines.text.encoded import Encoded

SHARD = "{split}/{block}.tfrecord.gz"


class WriteExamples(OverlappedDoFn):
    """Writes the examples of a block: PCollection[Reviews] -> PCollection[Counts]."""

    # Compressing takes one core.
    threads = 2

    def __init__(self, settings: PreprocessSettings, folder: str, first_trained_id: int):
        self.settings = settings
        self.folder = folder
        self.first_trained_id = first_trained_id

    def setup(self):
        self._progress = Progress("prepared")
        self._recurring = counting.read_recurring(self.folder)
        with storage.local_copy(storage.join(self.folder, transform_graph.FOLDER)) as graph:
            self._encoder = CompiledEncoder(
                f"{graph}/{tft.TFTransformOutput.TRANSFORM_FN_DIR}",
                first_trained_id=self.first_trained_id,
                max_tokens=self.settings.max_tokens,
            )
        self._examples = RecordBatchToExamplesEncoder()
        super().setup()

    def process_one(self, reviews: Reviews, stopwatch: Stopwatch) -> list[row_counts.Counts]:
        self._progress.add(len(reviews.ids))
        with stopwatch.timed("encode"):
            tokenized = self._encoder.tokenize(reviews.texts)
            encoded, fingerprints = self._encoder.encode(tokenized), self._encoder.fingerprints(tokenized)
        split = counting.assign_splits(reviews.split_keys, fingerprints, self.settings)
        recurring = (split == 0) & np.isin(fingerprints, self._recurring)
        with stopwatch.timed("write"):
            written = _record_batch(reviews, encoded)
            for index, name in enumerate(SPLITS):
                rows = written.filter(pa.array((split == index) & ~recurring))
                if rows.num_rows:
                    data = tfrecord_gzip(self._examples.encode(rows))
                    storage.write_bytes(self.folder, SHARD.format(split=name, block=reviews.block), data)
        scale = Scale(self.settings.score_min, self.settings.score_max)
        counted = encoded.tokens, encoded.known_share
        return [row_counts.count_examples(split, recurring, reviews.scores, *counted, scale)]


def _record_batch(reviews: Reviews, encoded: Encoded) -> pa.RecordBatch:
    """What is written of reviews, every column one of lists, as the encoder takes it."""
    single = np.arange(len(reviews.ids) + 1)
    columns = {
        "ids": (np.concatenate([[0], np.cumsum(encoded.lengths)]), encoded.ids.astype(np.int64)),
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
        # The fastest level: ids hardly shrink more at others.
        options = tf.io.TFRecordOptions("GZIP", compression_level=1)
        with tf.io.TFRecordWriter(path, options) as writer:
            for example in examples:
                writer.write(example)
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.remove(path)
