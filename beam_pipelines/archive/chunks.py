"""What is read of a file at once, and how it is cut into blocks and extents."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.csv_and_json_lines import ValueReader
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.positions import Position
from beam_pipelines.archive.rejects import Reject
from beam_pipelines.archive.rows.raw_rows import RawRows


class Chunk(Protocol):
    """Rows of a file that follow each other."""

    @property
    def file(self) -> InputFile: ...

    @property
    def stored_bytes(self) -> float: ...

    @property
    def starts(self) -> np.ndarray:
        """Where it may be cut: offsets in the file, int64 [rows]; of Parquet the first row's alone."""

    @property
    def end(self) -> int:
        """The offset behind it."""

    def take(self, rows: slice) -> Self:
        """Takes some of its rows."""

    def position(self, row: int) -> Position:
        """Where a row stands in the archive."""

    def shares_block_with(self, other: "Chunk") -> bool:
        """Whether its rows and those of another one can be read together."""


@dataclasses.dataclass(frozen=True, eq=False)
class TextChunk:
    """Rows of a text file.

    Attributes:
      file: The file.
      rows: The rows, at least one.
      reader: What reads their values.
      stored_bytes: About how much of the file they take, as it lies.
    """

    file: InputFile
    rows: RawRows
    reader: ValueReader
    stored_bytes: float

    @property
    def starts(self) -> np.ndarray:
        return self.rows.offsets

    @property
    def end(self) -> int:
        return int(self.rows.offsets[-1] + self.rows.ends[-1] - self.rows.starts[-1])

    def take(self, rows: slice) -> "TextChunk":
        taken = self.rows.take(rows)
        share = len(taken) / len(self.rows)
        return dataclasses.replace(self, rows=taken, stored_bytes=self.stored_bytes * share)

    def position(self, row: int) -> Position:
        return Position(*self.file.position, int(self.rows.offsets[row]))

    def shares_block_with(self, other: Chunk) -> bool:
        if not isinstance(other, TextChunk):
            return False
        if self.file is other.file:
            return True
        names, others = ([name for name, _ in chunk.file.partitions] for chunk in (self, other))
        return self.reader == other.reader and names == others


@dataclasses.dataclass(frozen=True, eq=False)
class ParquetChunk:
    """Rows of a Parquet file.

    Attributes:
      file: The file.
      batch: The wanted columns as they are stored.
      row: The number of rows before it in the file.
      offset: About how many bytes of memory the rows before took; what it is cut by.
      stored_bytes: About how much of the file they take.
      unlisted: The columns of the file that are left out, where all are wanted.
    """

    file: InputFile
    batch: pa.RecordBatch
    row: int
    offset: int
    stored_bytes: float
    unlisted: tuple[str, ...] = ()

    @property
    def starts(self) -> np.ndarray:
        return np.array([self.offset])

    @property
    def end(self) -> int:
        return self.offset + self.batch.nbytes

    def take(self, rows: slice) -> "ParquetChunk":
        return self  # It is cut nowhere, so that all of it is taken.

    def position(self, row: int) -> Position:
        return Position(*self.file.position, self.row)

    def shares_block_with(self, other: Chunk) -> bool:
        if not isinstance(other, ParquetChunk):
            return False
        names, others = ([name for name, _ in chunk.file.partitions] for chunk in (self, other))
        return self.batch.schema.equals(other.batch.schema) and names == others


@dataclasses.dataclass(frozen=True, eq=False)
class RejectedChunk:
    """What cannot be read of a file, rejected as one.

    Attributes:
      file: The file.
      reject: What tells so.
      offset: Where it begins, as of the chunks before.
      unread_bytes: How much of the file that is, as it lies.
    """

    file: InputFile
    reject: Reject
    offset: int
    unread_bytes: int

    @property
    def starts(self) -> np.ndarray:
        return np.array([self.offset])

    @property
    def end(self) -> int:
        return self.offset + 1

    @property
    def stored_bytes(self) -> float:
        return self.unread_bytes

    def take(self, rows: slice) -> "RejectedChunk":
        return self

    def position(self, row: int) -> Position:
        return Position(*self.file.position, self.offset)

    def shares_block_with(self, other: Chunk) -> bool:
        return True


class BlockChunks(NamedTuple):
    """The chunks of a block.

    Attributes:
      extent: Where its extent begins.
      chunks: What it consists of; [] of an extent without any row.
      next_extent: Where the next extent begins, if the block is the last of its own; else None.
    """

    extent: Position
    chunks: list
    next_extent: Position | None


def cut_into_blocks(
    chunks: Iterable[Chunk], begin: Position, end: Position, *, block_bytes: int, extent_bytes: int | None = None
) -> Iterator[BlockChunks]:
    """Cuts a stream of rows into blocks, and where that is wanted into extents.

    A block ends before the first row that starts `block_bytes` behind its own start. The cuts do not depend on how the
    rows come in chunks, so a compressed file has the blocks that it has unpacked.

    Args:
      chunks: The rows from `begin` on.
      begin: Where the first extent begins.
      end: Where the archive goes on behind the last one.
      block_bytes: The size of a block.
      extent_bytes: Extents begin with the first rows at or behind the multiples of so many bytes, of all files that
        the stream consists of; None for one extent.
    """
    cutter = _Cutter(begin, block_bytes, extent_bytes)
    for chunk in chunks:
        yield from cutter.add(chunk)
    yield cutter.flush(end)


class _Cutter:
    """Cuts chunks one after the other; positions are bytes of all files together, from the start of the first one."""

    def __init__(self, begin: Position, block_bytes: int, extent_bytes: int | None):
        self._extent, self._block_bytes, self._extent_bytes = begin, block_bytes, extent_bytes
        self._file: InputFile | None = None
        # Of the file, of all bytes so far, and where the block begins.
        self._file_start = self._end = 0
        self._block_start = self._extent_start = begin.offset
        self._block: list[Chunk] = []

    def add(self, chunk: Chunk) -> Iterator[BlockChunks]:
        """Adds rows; yields the blocks that end before them or within them."""
        self._begin_file(chunk.file)
        if self._block and not chunk.shares_block_with(self._block[-1]):
            yield self._cut_before(chunk, 0)
        while (cut := self._find_cut(chunk)) < len(chunk.starts):
            if cut:
                self._block.append(chunk.take(slice(0, cut)))
            yield self._cut_before(chunk, cut)
            chunk = chunk.take(slice(cut, None))
        self._block.append(chunk)
        self._end = self._file_start + chunk.end

    def flush(self, end: Position) -> BlockChunks:
        return self._take(end, self._end)

    @property
    def _extent_end(self) -> int:
        assert self._extent_bytes is not None
        return (self._extent_start // self._extent_bytes + 1) * self._extent_bytes

    def _begin_file(self, file: InputFile) -> None:
        if file is not self._file:
            self._file_start = self._end if self._file else 0
            self._file = file

    def _find_cut(self, chunk: Chunk) -> int:
        """The index of the first row behind the block; a block has at least one row."""
        limit = self._block_start + self._block_bytes
        if self._extent_bytes is not None:
            limit = min(limit, self._extent_end)
        # Even the first row of a file may begin at the limit, behind a byte order mark.
        return max(int(np.searchsorted(chunk.starts, limit - self._file_start)), 0 if self._block else 1)

    def _cut_before(self, chunk: Chunk, row: int) -> BlockChunks:
        start = self._file_start + int(chunk.starts[row])
        is_new_extent = self._extent_bytes is not None and start >= self._extent_end
        return self._take(chunk.position(row) if is_new_extent else None, start)

    def _take(self, next_extent: Position | None, start: int) -> BlockChunks:
        """Takes the block; the next one begins at `start`."""
        taken = BlockChunks(self._extent, self._block, next_extent)
        self._block, self._block_start = [], start
        if next_extent is not None:
            self._extent, self._extent_start = next_extent, start
        return taken
