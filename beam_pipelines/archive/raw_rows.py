"""Many rows of a text file at a time, as they lie there: what `row_scanner` tells of each, in arrays."""

import dataclasses
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from beam_pipelines.archive.row_scanner import READ_BYTES, Dialect, Record, Scanner


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
    def of(cls, records: list[Record]) -> "RawRows":
        bounds = np.cumsum([0, *(len(record.data) for record in records)])
        starts, lines, broken = zip(*((record.start, record.line, record.broken) for record in records), strict=True)
        data = b"".join(record.data for record in records)
        return cls(data, bounds[:-1], bounds[1:], *(np.array(values) for values in (starts, lines, broken)))

    @classmethod
    def between(cls, data: bytes, bounds: np.ndarray, lines: np.ndarray, offset: int) -> "RawRows":
        """Takes what `Scanner.take_whole` returns."""
        starts, ends = bounds[:-1], bounds[1:]
        return cls(data, starts, ends, starts - starts[0] + offset, lines[:-1], np.zeros(len(starts), bool))

    @classmethod
    def joined(cls, parts: list["RawRows"]) -> "RawRows":
        """Rows that follow each other, of one or several parts."""
        if len(parts) == 1:
            return parts[0]
        held = [memoryview(part.data)[part.starts[0] : part.ends[-1]] for part in parts]
        moves = np.cumsum([0, *(len(data) for data in held[:-1])]) - [part.starts[0] for part in parts]
        starts, ends = (
            np.concatenate([getattr(part, name) + move for part, move in zip(parts, moves, strict=True)])
            for name in ("starts", "ends")
        )
        others = (np.concatenate([getattr(part, name) for part in parts]) for name in ("offsets", "lines", "broken"))
        return cls(b"".join(held), starts, ends, *others)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, row: int) -> bytes:
        return self.data[self.starts[row] : self.ends[row]]

    def records(self) -> Iterator[Record]:
        places = (self.starts, self.ends, self.offsets, self.lines, self.broken)
        for start, end, offset, line, broken in zip(*(values.tolist() for values in places), strict=True):
            yield Record(offset, line, self.data[start:end], broken)

    def take(self, rows: slice | np.ndarray) -> "RawRows":
        """Some of them; `data` is shared."""
        arrays = (self.starts, self.ends, self.offsets, self.lines, self.broken)
        return RawRows(self.data, *(values[rows] for values in arrays))


def raw_rows(stream: BinaryIO, dialect: Dialect, max_bytes: int, **at) -> Iterator[RawRows]:
    """Yields the rows that `row_scanner.records` yields, in as many parts as suits it."""
    scanner = Scanner(stream, dialect, max_bytes, **at)
    single: list[Record] = []
    while (found := scanner.take_whole() or scanner.next_record()) is not None:
        if isinstance(found, Record):
            single.append(found)
            if found.start - single[0].start < READ_BYTES:
                continue
        if single:
            yield RawRows.of(single)
            single = []
        if not isinstance(found, Record):
            yield RawRows.between(*found)
    if single:
        yield RawRows.of(single)
