"""Cuts an archive into blocks: the unit that is read, transformed, scored and written.

A block is known by its file's place in the sorted inputs and by its start there, the same on every
run, retry and runner. Its size is chosen from the archive's: some hundreds of blocks where it can,
but no more than 4 MB, since a job needs some 30 MB of memory for each MB of a block.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import pyarrow as pa

from beam_pipelines.archive import records
from beam_pipelines.archive.inputs import InputFile
from beam_pipelines.archive.rejects import Reject

MIN_BYTES = 1 << 20
MAX_BYTES = 4 << 20
WANTED_BLOCKS = 256


@dataclasses.dataclass(frozen=True)
class Extent:
    """What one worker reads at a time, without its text.

    It is one block of a plain text file, one row group of a Parquet file, or a whole compressed
    file, which nothing can enter in the middle.

    Attributes:
      file: The file.
      start: The offset of its first byte; of Parquet, the place of the row group.
      end: The offset after its last byte; None for a whole compressed file.
      place: The line or row that it starts with, from 1.
    """

    file: InputFile
    start: int
    end: int | None
    place: int


@dataclasses.dataclass(frozen=True)
class Block:
    """Some megabytes of rows.

    Attributes:
      file: The file that they stand in.
      start: Where: the offset of the first byte, or of Parquet the number of rows before.
      rows: The readable rows, one column for each wanted one.
      places: The line or row of each, from 1.
      rejects: The rows that could not be read.
    """

    file: InputFile
    start: int
    rows: pa.RecordBatch
    places: list[int]
    rejects: list[Reject]

    @property
    def name(self) -> str:
        """The stem of its shard; names in order are rows in order."""
        return f"{self.file.place:05d}-{self.start:015d}"

    @property
    def rows_read(self) -> int:
        return self.rows.num_rows + len(self.rejects)

    def reject(self, reasons: dict[int, str]) -> "Block":
        """Moves rows, given by their index, from `rows` to `rejects`."""
        if not reasons:
            return self
        moved = [
            Reject.of(self.file.path, self.places[row], reason, _values(self.rows, row))
            for row, reason in reasons.items()
        ]
        kept = [row for row in range(self.rows.num_rows) if row not in reasons]
        return dataclasses.replace(
            self,
            rows=self.rows.take(pa.array(kept, pa.int64())),
            places=[self.places[row] for row in kept],
            rejects=self.rejects + moved,
        )


def _values(rows: pa.RecordBatch, row: int) -> dict:
    return {name: rows.column(name)[row].as_py() for name in rows.schema.names}


def block_bytes(files: Iterable[InputFile]) -> int:
    """The size of a block, for an archive of these files."""
    total = sum(file.size_bytes for file in files)
    return min(max(total // WANTED_BLOCKS, MIN_BYTES), MAX_BYTES)


def extents(file: InputFile, size: int, max_row_bytes: int) -> Iterator[Extent]:
    """Lists what is to be read of one file, in its order."""
    if file.format == "parquet":
        yield from _row_groups(file)
    elif file.compressed:
        yield Extent(file, 0, None, 1)
    else:
        yield from _ranges(file, size, max_row_bytes)


def _row_groups(file: InputFile) -> Iterator[Extent]:
    import pyarrow.parquet as pq

    with file.open() as stream:
        metadata = pq.ParquetFile(stream).metadata
        row = 1
        for group in range(metadata.num_row_groups):
            yield Extent(file, group, group + 1, row)
            row += metadata.row_group(group).num_rows


def _ranges(file: InputFile, size: int, max_row_bytes: int) -> Iterator[Extent]:
    with file.open() as stream:
        first = None
        for record in records.records(stream, file.format, max_row_bytes):
            if first is None:
                first = record
            elif record.start - first.start >= size:
                yield Extent(file, first.start, record.start, first.line)
                first = record
        if first is not None:
            yield Extent(file, first.start, file.size_bytes, first.line)


def groups(rows: Iterable[records.Record], size: int) -> Iterator[list[records.Record]]:
    """Cuts a stream of rows into blocks by the rule that `extents` uses for plain files."""
    block: list[records.Record] = []
    for row in rows:
        if block and row.start - block[0].start >= size:
            yield block
            block = []
        block.append(row)
    if block:
        yield block
