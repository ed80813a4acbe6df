"""Many rows of a text file at a time, as they lie there: what `row_scanner` tells of each, in arrays.

A RawRow each would cost more time than all that is then done to a plain row.
"""

import dataclasses
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.row_scanner import READ_BYTES, RawRow, RowScanner, WholeRows


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class RawRows:
    """Rows in the order of their file.

    Attributes:
      data: Bytes that hold them.
      starts, ends: int64 [rows], where each lies in `data`.
      offsets: int64 [rows], where each starts in the uncompressed file.
      lines: int64 [rows], the line that each starts on, from 1.
      broken: bool [rows], whether it is too long or its quote is never closed; of such a one, the start of its first
        line is in `data`.
    """

    data: bytes
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    lines: np.ndarray
    broken: np.ndarray

    @classmethod
    def of(cls, rows: list[RawRow]) -> "RawRows":
        """Copies rows, at least one, behind each other."""
        bounds = np.cumsum([0, *(len(row.data) for row in rows)])
        starts, lines, broken = zip(*((row.start, row.line, row.broken) for row in rows), strict=True)
        data = b"".join(row.data for row in rows)
        return cls(
            data=data,
            starts=bounds[:-1],
            ends=bounds[1:],
            offsets=np.array(starts),
            lines=np.array(lines),
            broken=np.array(broken),
        )

    @classmethod
    def of_whole(cls, rows: WholeRows) -> "RawRows":
        """Takes rows that were found together; nothing is copied."""
        starts = rows.bounds[:-1]
        return cls(
            data=rows.data,
            starts=starts,
            ends=rows.bounds[1:],
            offsets=starts - starts[0] + rows.offset,
            lines=rows.lines[:-1],
            broken=np.zeros(len(starts), bool),
        )

    @classmethod
    def joined(cls, chunks: list["RawRows"], file_of_chunk: list[int]) -> "RawRows":
        """Joins chunks, at least one.

        Args:
          chunks: Those of a file follow each other.
          file_of_chunk: The index of the file of each.
        """
        if len(chunks) == 1:
            return chunks[0]
        # A chunk that was taken out of another shares its data, of which its own rows are a part. Between files stands
        # a newline, since the last row of one may end within a letter that the first of the next seems to go on with.
        pieces: list[bytes | memoryview] = []
        starts = []
        length = 0
        for index, chunk in enumerate(chunks):
            if index and file_of_chunk[index] != file_of_chunk[index - 1]:
                pieces.append(b"\n")
                length += 1
            starts.append(length - int(chunk.starts[0]))
            pieces.append(memoryview(chunk.data)[chunk.starts[0] : chunk.ends[-1]])
            length += int(chunk.ends[-1] - chunk.starts[0])
        shifted = list(zip(chunks, starts, strict=True))
        return cls(
            data=b"".join(pieces),
            starts=np.concatenate([chunk.starts + shift for chunk, shift in shifted]),
            ends=np.concatenate([chunk.ends + shift for chunk, shift in shifted]),
            offsets=np.concatenate([chunk.offsets for chunk in chunks]),
            lines=np.concatenate([chunk.lines for chunk in chunks]),
            broken=np.concatenate([chunk.broken for chunk in chunks]),
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, row: int) -> bytes:
        """The bytes of a row, with its line's end."""
        return self.data[self.starts[row] : self.ends[row]]

    def iter_rows(self) -> Iterator[RawRow]:
        # One by one, numbers of Python's are several times as fast as numpy's.
        arrays = (self.starts, self.ends, self.offsets, self.lines, self.broken)
        for start, end, offset, line, broken in zip(*(values.tolist() for values in arrays), strict=True):
            yield RawRow(offset, line, self.data[start:end], broken)

    def take(self, rows: slice | np.ndarray) -> "RawRows":
        """Takes some of them, by their indices; `data` is shared."""
        return RawRows(
            data=self.data,
            starts=self.starts[rows],
            ends=self.ends[rows],
            offsets=self.offsets[rows],
            lines=self.lines[rows],
            broken=self.broken[rows],
        )


def scan_raw_rows(stream: IO[bytes], dialect: Dialect, max_bytes: int, **options: Any) -> Iterator[RawRows]:
    """Yields the rows that `row_scanner.scan_rows` yields, in chunks of about a megabyte or of what is at hand."""
    scanner = RowScanner(stream, dialect, max_bytes, **options)
    # Rows that were found one by one since the last chunk: unusual ones, or all of a short file.
    single: list[RawRow] = []
    try:
        while (taken := scanner.take_whole_rows() or scanner.next_row()) is not None:
            if isinstance(taken, RawRow):
                single.append(taken)
                if taken.start - single[0].start < READ_BYTES:
                    continue
            if single:
                yield RawRows.of(single)
                single = []
            if isinstance(taken, WholeRows):
                yield RawRows.of_whole(taken)
    except Exception:
        # They come before what is damaged.
        if single:
            yield RawRows.of(single)
        raise
    if single:
        yield RawRows.of(single)
