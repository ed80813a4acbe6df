"""Counts the tokens of the training split, block after block, before Beam shuffles anything."""

import collections
import io
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from beam_pipelines.commands.progress import Progress
from beam_pipelines.execution.overlapped_dofn import OverlappedDoFn
from beam_pipelines.execution.stopwatch import Stopwatch
from beam_pipelines.files import storage
from beam_pipelines.preparing.reviews import Reviews
from beam_pipelines.preparing.splits import TRAIN_INDEX, SplitShares, assign_reviews
from beam_pipelines.text import compiled_ids
from beam_pipelines.text.compiled_token_table import TokenTable
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer

PARTS = 16
# So many distinct tokens, or bytes of them, are counted before they are handed on.
MOST_TOKENS, MOST_BYTES = 1 << 20, 64 << 20
TRAINING, HELD_OUT = "training", "held_out"


class CountTokens(OverlappedDoFn):
    """Counts the training tokens of many blocks; with a split column also lists the hashes of their texts.

    PCollection[Reviews] -> `counts`: (part, (tokens, counts)); `texts`: (split, hashes).
    """

    def __init__(self, shares: SplitShares, max_tokens: int):
        self.shares = shares
        self.max_tokens = max_tokens

    def setup(self):
        self._progress = Progress("counted")
        self._tokenizer = CompiledTokenizer()
        super().setup()

    def start_bundle(self):
        super().start_bundle()
        self._tokens, self._counts = TokenTable(), np.zeros(0, np.int64)

    def process_one(self, reviews: Reviews, stopwatch: Stopwatch) -> list[beam.pvalue.TaggedOutput]:
        self._progress.add(reviews.rows_read)
        if not reviews.ids:
            return []
        with stopwatch.timed("count"):
            tokenized = self._tokenizer(reviews.texts, self._tokens)
            fingerprints = self._tokenizer.fingerprints(tokenized)
            split = assign_reviews(reviews.split_keys, fingerprints, self.shares)
            self._counts = np.pad(self._counts, (0, len(self._tokens) - len(self._counts)))
            is_training = split == TRAIN_INDEX
            compiled_ids.count_tokens(tokenized.codes, tokenized.lengths, is_training, self.max_tokens, self._counts)
        is_full = len(self._tokens) >= MOST_TOKENS or self._tokens.data_bytes >= MOST_BYTES
        outputs = self.flush() if is_full else []
        if reviews.split_keys is not None:
            # Without a split column, equal texts are in one split anyway.
            by_side = {TRAINING: fingerprints[split == TRAIN_INDEX], HELD_OUT: fingerprints[split > TRAIN_INDEX]}
            outputs += [beam.pvalue.TaggedOutput("texts", (side, np.unique(texts))) for side, texts in by_side.items()]
        return outputs

    def flush(self) -> list[beam.pvalue.TaggedOutput]:
        """Returns the counts so far, and begins anew."""
        distinct, counts = self._tokens.tokens.to_numpy(zero_copy_only=False), self._counts
        parts = self._tokens.hashes % np.uint64(PARTS)
        self._tokens, self._counts = TokenTable(), np.zeros(0, np.int64)
        outputs = []
        for part in range(PARTS):
            # A token of a review that is held out was not counted.
            inside = (parts == part) & (counts > 0)
            if inside.any():
                outputs.append(beam.pvalue.TaggedOutput("counts", (part, (distinct[inside], counts[inside]))))
        return outputs


class MergeCounts(beam.CombineFn):
    """Adds up counts: (tokens, counts) of blocks -> {token: count}."""

    def create_accumulator(self) -> collections.Counter:
        return collections.Counter()

    def add_input(self, total: collections.Counter, counted) -> collections.Counter:
        for token, count in zip(*counted, strict=True):
            total[token] += int(count)
        return total

    def merge_accumulators(self, totals: Iterable[collections.Counter]) -> collections.Counter:
        merged: collections.Counter = collections.Counter()
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
    """Writes the counts of one part of the tokens into a temporary folder."""
    part, counts = counted
    table = pa.table({"token": pa.array(counts.keys(), pa.binary()), "count": pa.array(counts.values(), pa.int64())})
    data = io.BytesIO()
    pq.write_table(table, data)
    storage.write_bytes(folder, f"counts/{part:02d}.parquet", data.getvalue())


def read_counts(folder: str) -> dict[str, int]:
    """Reads what `write_counts` wrote: how often each token stands in the training split."""
    counts: dict[str, int] = {}
    parts = storage.join(folder, "counts")
    for name in storage.listing(parts):
        table = pq.read_table(io.BytesIO(storage.read_bytes(storage.join(parts, name))))
        tokens_of_part = table.column("token").cast(pa.string()).to_pylist()
        counts.update(zip(tokens_of_part, table.column("count").to_pylist(), strict=True))
    return counts


def write_hashes(hashes: tuple[str, np.ndarray], *, folder: str) -> None:
    """Writes the hashes of one side's texts into a temporary folder."""
    side, values = hashes
    data = io.BytesIO()
    np.save(data, values)
    storage.write_bytes(folder, f"texts/{side}.npy", data.getvalue())


def read_recurring(folder: str) -> np.ndarray:
    """The hashes of training texts that also stand in validation or test, int64 and sorted."""
    sides = []
    for side in (TRAINING, HELD_OUT):
        path = storage.join(folder, "texts", f"{side}.npy")
        sides.append(np.load(io.BytesIO(storage.read_bytes(path))) if storage.exists(path) else np.empty(0, np.int64))
    training, held_out = sides
    return np.intersect1d(training, held_out)
