"""Counts the tokens of the training split, block by block, before Beam shuffles anything."""

import collections
import io
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from beam_pipelines import storage
from beam_pipelines.learning import splits, tokens
from beam_pipelines.learning.reviews import Reviews
from beam_pipelines.preprocess_settings import PreprocessSettings
from beam_pipelines.progress import Progress

PARTS = 16
TRAINING, HELD_OUT = "training", "held_out"


class CountTokens(beam.DoFn):
    """Counts a block's training tokens; with a split column also lists the hashes of its texts.

    PCollection[Reviews] -> `counts`: (part, (tokens, counts)); `texts`: (split, hashes).
    """

    def __init__(self, settings: PreprocessSettings):
        self.settings = settings

    def setup(self):
        self._progress = Progress("counted")
        self._tokenize = tf.function(
            lambda texts: _with_fingerprints(tokens.tokenize(texts)),
            input_signature=[tf.TensorSpec([None], tf.string)],
        )
        self._count = tf.function(
            self._count_tokens,
            input_signature=[tf.RaggedTensorSpec([None, None], tf.string), tf.TensorSpec([None], tf.bool)],
        )

    def _count_tokens(self, tokenized, training):
        kept = tf.ragged.boolean_mask(tokenized, training)[:, : self.settings.max_tokens]
        distinct, _, counts = tf.unique_with_counts(kept.flat_values, tf.int64)
        return distinct, counts, tf.strings.to_hash_bucket_fast(distinct, PARTS)

    def process(self, reviews: Reviews):
        self._progress.add(reviews.rows_read)
        if not reviews.ids:
            return
        tokenized, fingerprints = self._tokenize(reviews.texts.to_numpy(zero_copy_only=False))
        fingerprints = fingerprints.numpy()
        split = assign_splits(reviews.split_keys, fingerprints, self.settings)
        distinct, counts, parts = (t.numpy() for t in self._count(tokenized, split == 0))
        for part in np.unique(parts):
            inside = parts == part
            yield beam.pvalue.TaggedOutput("counts", (int(part), (distinct[inside], counts[inside])))
        if reviews.split_keys is not None:
            yield beam.pvalue.TaggedOutput("texts", (TRAINING, np.unique(fingerprints[split == 0])))
            yield beam.pvalue.TaggedOutput("texts", (HELD_OUT, np.unique(fingerprints[split > 0])))


def _with_fingerprints(tokenized):
    return tokenized, tokens.fingerprints(tokenized)


def assign_splits(split_keys, fingerprints: np.ndarray, settings: PreprocessSettings) -> np.ndarray:
    """The split of each review, int8 [reviews]: by its key's hash, or else by its text's."""
    return splits.assign(
        fingerprints if split_keys is None else splits.key_hashes(split_keys),
        test_share=settings.test_share,
        validation_share=settings.validation_share,
        sample_share=settings.sample_share,
    )


class MergeCounts(beam.CombineFn):
    """Adds up counts: (tokens, counts) of blocks -> {token: count}."""

    def create_accumulator(self) -> collections.Counter:
        return collections.Counter()

    def add_input(self, total: collections.Counter, counted) -> collections.Counter:
        for token, count in zip(*counted, strict=True):
            total[token] += int(count)
        return total

    def merge_accumulators(self, totals: Iterable[collections.Counter]) -> collections.Counter:
        merged = collections.Counter()
        for total in totals:
            merged.update(total)
        return merged

    def extract_output(self, total: collections.Counter) -> collections.Counter:
        return total


class MergeHashes(beam.CombineFn):
    """The union of arrays of hashes, int64 and sorted."""

    def create_accumulator(self) -> np.ndarray:
        return np.empty(0, np.int64)

    def add_input(self, union: np.ndarray, hashes: np.ndarray) -> np.ndarray:
        return np.union1d(union, hashes)

    def merge_accumulators(self, unions: Iterable[np.ndarray]) -> np.ndarray:
        return np.unique(np.concatenate([*unions, self.create_accumulator()]))

    def extract_output(self, union: np.ndarray) -> np.ndarray:
        return union


def write_counts(counted: tuple[int, dict[bytes, int]], *, folder: str) -> None:
    """Writes the counts of one part of the tokens."""
    part, counts = counted
    table = pa.table({"token": pa.array(counts.keys(), pa.binary()), "count": pa.array(counts.values(), pa.int64())})
    data = io.BytesIO()
    pq.write_table(table, data)
    storage.write_bytes(folder, f"{storage.TEMPORARY}/counts/{part:02d}.parquet", data.getvalue())


def read_counts(folder: str) -> dict[str, int]:
    """Reads what `write_counts` wrote: how often each token stands in the training split."""
    counts: dict[str, int] = {}
    parts = storage.join(folder, storage.TEMPORARY, "counts")
    for name in storage.listing(parts):
        table = pq.read_table(io.BytesIO(storage.read_bytes(storage.join(parts, name))))
        tokens_of_part = table.column("token").cast(pa.string()).to_pylist()
        counts.update(zip(tokens_of_part, table.column("count").to_pylist(), strict=True))
    return counts


def write_hashes(hashes: tuple[str, np.ndarray], *, folder: str) -> None:
    """Writes the hashes of one side's texts."""
    side, values = hashes
    data = io.BytesIO()
    np.save(data, values)
    storage.write_bytes(folder, f"{storage.TEMPORARY}/texts/{side}.npy", data.getvalue())


def read_recurring(folder: str) -> np.ndarray:
    """The hashes of training texts that also stand in validation or test, int64 and sorted."""
    sides = []
    for side in (TRAINING, HELD_OUT):
        path = storage.join(folder, storage.TEMPORARY, "texts", f"{side}.npy")
        sides.append(np.load(io.BytesIO(storage.read_bytes(path))) if storage.exists(path) else np.empty(0, np.int64))
    return np.intersect1d(*sides)
