"""Counts in parts: whatever an archive holds, no element of the pipeline, and no file of a part, grows with it.

A part holds the keys whose hash leaves its number as the remainder: a RecordBatch, of which the first column is the
key and the others are counted of it.
"""

import math
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LEAST, MOST = 16, 4096
# What a worker puts out at a time of one part; a single key may be longer.
MOST_BYTES = 1 << 20
# So many batches, and rows beside those merged before, wait until they are merged.
_WAITING_BATCHES, _WAITING_ROWS = 64, 1 << 15


def count_parts(archive_bytes: int) -> int:
    """Chooses the number of parts for an archive of this size.

    The distinct tokens of a text grow about as the square root of its length (Heaps' law): some 10,000 come to a part
    of English reviews, whether these take a gigabyte or a terabyte.

    >>> [count_parts(size) for size in (0, 10**9, 10**12, 10**15)]
    [16, 123, 3906, 4096]
    """
    return min(max(math.isqrt(archive_bytes >> 16), LEAST), MOST)


def cut(batch: pa.RecordBatch, hashes: np.ndarray, parts: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cuts a batch into parts, and these into pieces of about `MOST_BYTES`.

    Args:
      batch: Its rows may stand in any order.
      hashes: uint64 [rows], of their keys.
      parts: Their number.
    """
    part_of = (hashes % np.uint64(parts)).astype(np.uint16)
    by_part = np.argsort(part_of, kind="stable")
    row_bytes = _row_bytes(batch)
    ends = np.cumsum(np.bincount(part_of, minlength=parts))
    for part, rows in enumerate(np.split(by_part, ends[:-1])):
        if len(rows):
            # A piece is full where these sums pass a multiple of its size.
            full = np.flatnonzero(np.diff(np.cumsum(row_bytes[rows]) // MOST_BYTES)) + 1
            # Taken, not sliced: a slice would carry the whole batch along.
            yield from ((part, batch.take(pa.array(piece))) for piece in np.split(rows, full))


def _row_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """About how many bytes each row takes, int64 [rows]."""
    key = batch.column(0)
    lengths = pc.binary_length(key).to_numpy() if pa.types.is_binary(key.type) else 0
    # Beside the bytes of a key, those of a number or of where it ends, and of a count.
    return np.full(len(key), 16, np.int64) + lengths


class MergeParts(beam.CombineFn):
    """Merges the rows of equal keys: RecordBatches of one part -> RecordBatch.

    An accumulator is what is merged, followed by a bounded number of batches that wait.

    Args:
      function: What merges the counts of a key, one of pyarrow's for groups, such as "sum".
    """

    def __init__(self, function: str):
        self.function = function

    def create_accumulator(self) -> list[pa.RecordBatch]:
        return []

    def add_input(self, batches: list[pa.RecordBatch], batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        batches.append(batch)
        # A waiting row is merged once for each time that as many have come: linear but for a logarithm.
        waiting = sum(later.num_rows for later in batches[1:])
        is_full = len(batches) > _WAITING_BATCHES or waiting > max(batches[0].num_rows, _WAITING_ROWS)
        return self.compact(batches) if is_full else batches

    def merge_accumulators(self, accumulators: Iterable[list[pa.RecordBatch]]) -> list[pa.RecordBatch]:
        merged = self.create_accumulator()
        for batches in accumulators:
            for batch in batches:
                merged = self.add_input(merged, batch)
        return merged

    def compact(self, batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
        """Merges what waits, as an accumulator must be small before it travels."""
        return [self.extract_output(batches)] if batches else []

    def extract_output(self, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
        table = pa.Table.from_batches(batches)
        key, *counts = table.column_names
        grouped = table.group_by(key, use_threads=False).aggregate([(name, self.function) for name in counts])
        merged = grouped.select([key, *(f"{name}_{self.function}" for name in counts)])
        return merged.rename_columns([key, *counts]).combine_chunks().to_batches()[0]
