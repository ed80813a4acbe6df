"""Cuts an archive into blocks: the unit that is read, transformed, scored and written.

A block is known by its file's index among the sorted inputs and by its start there, the same on every
run, retry and runner. Its size is chosen from the archive's: a hundred blocks or more where it can,
but no more than 4 MB, since a job needs some 30 MB of memory for each MB of a block.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.block_names import block_name
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows import raw_rows
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.commands.progress import Progress

# Whatever it holds, a block becomes up to three files.
MIN_BYTES = 1 << 20
MAX_BYTES = 4 << 20
# Enough for a runner to share out evenly, and for a progress line to move.
WANTED_BLOCKS = 128


@dataclasses.dataclass(frozen=True)
class Extent:
    """What one worker reads at a time, without its text.

    It is one block of a plain text file, one row group of a plain Parquet file, or what nothing can
    enter in the middle: a whole compressed file, a member of a .zip, or all members of a .tar.

    Attributes:
      files: The file; several only of a .tar.
      start: The offset of its first byte; of Parquet, the number of rows before.
      end: Where the next extent starts; None at the end of the file.
      row_number: The line (text) or row (Parquet) that it starts with, from 1.
      row_group: Of Parquet, the index of the row group; None where all are read.
    """

    files: tuple[InputFile, ...]
    start: int = 0
    end: int | None = None
    row_number: int = 1
    row_group: int | None = None


@dataclasses.dataclass(frozen=True)
class Block:
    """Some megabytes of rows.

    Attributes:
      file: The file that they stand in.
      start: Where: the offset of the first byte, or of Parquet the number of rows before.
      end: Where the next block of the file starts; None for its last one.
      rows: The readable rows, one column for each wanted one.
      row_numbers: The line (text) or row (Parquet) of each, from 1.
      rejects: The rows that could not be read.
      raw: What stood in the file for each of `rows`, or None of Parquet.
      encodings: Of `raw`; a row has the first one that it is valid in.
      stored_bytes: About how much of the file it took, of `file.size_bytes`.
      notes: What was counted beside the rows.
    """

    file: InputFile
    start: int
    end: int | None
    rows: pa.RecordBatch
    row_numbers: list[int]
    rejects: list[Reject]
    raw: RawRows | None = None
    encodings: tuple[str, ...] = ("utf-8",)
    stored_bytes: int = 0
    notes: Notes = dataclasses.field(default_factory=Notes)

    @property
    def name(self) -> str:
        """The stem of its shard; names in order are rows in order."""
        return block_name(self.file.index, self.start)

    @property
    def rows_read(self) -> int:
        return self.rows.num_rows + len(self.rejects)

    @property
    def row_names(self) -> list[str]:
        """FILE:NUMBER of each row, which names it where no column does."""
        return [f"{self.file.name}:{number}" for number in self.row_numbers]

    def row_name(self, row: int) -> str:
        """The same of one row, by its index in `rows`."""
        return f"{self.file.name}:{self.row_numbers[row]}"

    def rejected(self, reasons: dict[int, str]) -> list[Reject]:
        """Makes the rejects of rows, by their index in `rows`, behind those that the block has."""
        more = [
            Reject.of(self.file.label, self.row_numbers[row], reason, self._raw(row), encodings=self.encodings)
            for row, reason in reasons.items()
        ]
        return self.rejects + more

    def reject(self, reasons: dict[int, str]) -> "Block":
        """Moves rows, by their index, from `rows` to `rejects`."""
        if not reasons:
            return self
        kept = [row for row in range(self.rows.num_rows) if row not in reasons]
        return dataclasses.replace(
            self,
            rows=self.rows.take(pa.array(kept, pa.int64())),
            row_numbers=[self.row_numbers[row] for row in kept],
            rejects=self.rejected(reasons),
            raw=None if self.raw is None else self.raw.take(np.array(kept, np.int64)),
        )

    def _raw(self, row: int) -> object:
        """What stood there: the text's own bytes, or of Parquet the wanted columns."""
        if self.raw is not None:
            return self.raw[row]
        return {name: self.rows.column(name)[row].as_py() for name in self.rows.schema.names}


def block_bytes(files: Iterable[InputFile]) -> int:
    """Chooses the size of a block for an archive of these files."""
    total = sum(file.size_bytes for file in files)
    return min(max(total // WANTED_BLOCKS, MIN_BYTES), MAX_BYTES)


def list_extents(group: tuple[InputFile, ...], options: ReadOptions) -> Iterator[Extent]:
    """Lists what is to be read of a group of `input_files.group_containers`, in its order."""
    file = group[0]
    if not file.is_seekable:
        yield Extent(group)
    elif file.format == "parquet":
        yield from _list_row_groups(file)
    else:
        yield from _list_ranges(file, options)


def _list_row_groups(file: InputFile) -> Iterator[Extent]:
    import pyarrow.parquet as pq

    with input_files.open_file(file) as stream:
        metadata = pq.ParquetFile(stream.data).metadata
    start = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        # An empty group would have the start, and so the name, of the next one.
        if rows:
            end = start + rows
            yield Extent(
                (file,),
                start=start,
                end=end if end < metadata.num_rows else None,
                row_number=start + 1,
                row_group=group,
            )
            start = end


def _list_ranges(file: InputFile, options: ReadOptions) -> Iterator[Extent]:
    # Whether a newline ends a row is known only from all that comes before: a quote may be open.
    with input_files.open_file(file) as stream:
        rows = raw_rows.scan_raw_rows(stream.data, options.text_format.dialect(file), options.max_row_bytes)
        counted = _count_rows(rows, Progress(f"looking for the blocks of {file.name}:"))
        for start, end, chunks in cut_into_blocks(counted, 0, None, options.block_bytes):
            yield Extent((file,), start=start, end=end, row_number=int(chunks[0].lines[0]))


def _count_rows(rows: Iterable[RawRows], progress: Progress) -> Iterator[RawRows]:
    for chunk in rows:
        progress.add(len(chunk))
        yield chunk


def cut_into_blocks(
    rows: Iterable[RawRows], start: int, end: int | None, size: int
) -> Iterator[tuple[int, int | None, list[RawRows]]]:
    """Cuts a stream of rows into blocks: each ends before the first row that starts `size` bytes behind its own start.

    The cuts do not depend on how the rows come in chunks, so a compressed file has the blocks that it has unpacked.

    Args:
      rows: The rows from `start` on.
      start: The offset of the first block.
      end: Where the last one ends; None at the end of the file.
      size: The size of a block in bytes.

    Yields:
      The start, the end and the rows of each block.
    """
    block: list[RawRows] = []
    for chunk in rows:
        # A block has at least one row: even its first may begin at `size`, behind a byte order mark.
        while (cut := max(int(np.searchsorted(chunk.offsets, start + size)), 0 if block else 1)) < len(chunk):
            if cut:
                block.append(chunk.take(slice(0, cut)))
            next_start = int(chunk.offsets[cut])
            yield start, next_start, block
            start, block, chunk = next_start, [], chunk.take(slice(cut, None))
        block.append(chunk)
    if block:
        yield start, end, block
