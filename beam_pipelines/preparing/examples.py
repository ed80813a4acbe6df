"""Writes encoded reviews as TFRecords of tf.Examples, a shard for each block and split.

An example holds `ids` (int64 list), `score` (float, in the archive's unit) and `id` (bytes).
"""

import os
import tempfile

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from beam_pipelines.artifacts import prepared
from beam_pipelines.artifacts.scale import Scale
from beam_pipelines.commands.progress import Progress
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.preparing import recurring_texts
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.row_counts import ExampleCounts
from beam_pipelines.preparing.splits import TRAIN_INDEX, SplitShares, assign_reviews
from beam_pipelines.text.compiled_encoder import CompiledEncoder
from beam_pipelines.text.encoded import Encoded


class WriteExamples(OverlappedDoFn):
    """Writes the examples of a block: PCollection[Reviews] -> PCollection[ExampleCounts].

    Args:
      folder: The prepared folder, which holds the graph already.
      temporary: The folder of what the first reading has left.
      first_trained_id: Of the vocabulary.
      max_tokens: A review is cut after so many.
      shares: How reviews are divided; the same as when their tokens were counted.
      scale: The range of the scores.
    """

    # Compressing takes one core.
    threads = 2

    def __init__(
        self,
        folder: str,
        temporary: str,
        *,
        first_trained_id: int,
        max_tokens: int,
        shares: SplitShares,
        scale: Scale,
    ):
        self.folder = folder
        self.temporary = temporary
        self.first_trained_id = first_trained_id
        self.max_tokens = max_tokens
        self.shares = shares
        self.scale = scale

    def setup(self):
        self._progress = Progress("prepared")
        self._recurring = recurring_texts.read(self.temporary)
        with storage.local_copy(storage.join(self.folder, prepared.TRANSFORM_GRAPH)) as graph:
            self._encoder = CompiledEncoder(graph, first_trained_id=self.first_trained_id, max_tokens=self.max_tokens)
        self._examples = RecordBatchToExamplesEncoder()
        super().setup()

    def process_one(self, reviews: Reviews, stopwatch: Stopwatch) -> list[ExampleCounts]:
        self._progress.add(len(reviews.ids))
        with stopwatch.timed("encode"):
            tokenized = self._encoder.tokenize(reviews.texts)
            encoded, fingerprints = self._encoder.encode(tokenized), self._encoder.fingerprints(tokenized)
        split = assign_reviews(reviews.split_keys, fingerprints, self.shares)
        recurring = (split == TRAIN_INDEX) & recurring_texts.contains(self._recurring, fingerprints)
        with stopwatch.timed("write"):
            self._write(reviews, encoded, np.where(recurring, -1, split))
        counts = ExampleCounts.of(
            split=split,
            recurring=recurring,
            scores=reviews.scores,
            lengths=encoded.tokens,
            known_shares=encoded.known_share,
            scale=self.scale,
        )
        return [counts]

    def _write(self, reviews: Reviews, encoded: Encoded, split: np.ndarray) -> None:
        batch = _record_batch(reviews, encoded)
        for index, name in enumerate(prepared.SPLITS):
            rows = batch.filter(pa.array(split == index))
            if rows.num_rows:
                data = tfrecord_gzip(in_one_order(self._examples.encode(rows)))
                storage.write_bytes(self.folder, prepared.example_shard(name, reviews.block), data)


def _record_batch(reviews: Reviews, encoded: Encoded) -> pa.RecordBatch:
    """What is written of reviews, every column one of lists, as the encoder takes it."""
    single = np.arange(len(reviews.ids) + 1)
    columns = {
        prepared.IDS: (np.concatenate([[0], np.cumsum(encoded.lengths)]), encoded.ids.astype(np.int64)),
        prepared.SCORE: (single, reviews.scores),
        prepared.ID: (single, pa.array(reviews.ids, pa.large_string()).cast(pa.large_binary())),
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
