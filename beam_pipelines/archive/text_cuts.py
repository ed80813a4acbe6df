"""Cuts a big text file into extents, with several workers, where one scan of the whole file would cut it.

That scan, `scan_sequentially`, is the rule: whether a newline ends a row is known only from all that comes before, as a
quote may be open. A worker that scans a range of the file assumes that the first newline there does, which is nearly
always true, and keeps some of the rows that follow from it. `join_ranges` goes through the ranges in order: it knows
where the first row of each truly starts, and where that is none of the worker's rows, scans on from there to the next
one that is. From there on the worker was right, for what follows the start of a row depends on the bytes ahead alone.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import IO

import numpy as np

from beam_pipelines.archive.rows import raw_rows, row_scanner
from beam_pipelines.archive.rows.dialect import Dialect

# So many of a range's first rows are kept, among which a wrong assumption is found out and most often mends itself,
KEPT_ROWS = 256
# and one for so many bytes behind them: at most these are read again although the worker was right about them.
KEPT_EVERY = 1 << 20
READ_BYTES = 1 << 20
# What is scanned to mend a range is short as a rule; but in fewer bytes than these, rows are found one by one.
MENDED_BYTES = row_scanner.LONG_BYTES

# Where rows start, and the lines that they start on: int64 [rows] each, at least one row.
RowStarts = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Cut:
    """Where an extent begins.

    Attributes:
      offset: Of its first byte in the uncompressed file.
      line: The line of its first row, from 1.
    """

    offset: int
    line: int


@dataclasses.dataclass(frozen=True, eq=False)
class ScannedRange:
    """What a worker finds in a range of a file, on the assumption that a row starts behind its first newline.

    Attributes:
      end: The offset at which it ends.
      offsets: int64 [kept], where some of its rows start, and the first row at or behind its end: the last one, if the
        file has any there. None are kept if the range has no newline.
      lines: int64 [kept], the lines that these start on, from 0 for the first.
      are_cuts: bool [kept], which of them begin an extent; all that do are kept, but for the first.
    """

    end: int
    offsets: np.ndarray
    lines: np.ndarray
    are_cuts: np.ndarray


def scan_sequentially(stream: IO[bytes], dialect: Dialect, max_bytes: int, *, size: int) -> Iterator[Cut]:
    """Yields where the extents of a file begin: none if it has no row.

    The first begins at 0, before any byte order marks. Another one begins with the first row that starts at or behind a
    multiple of `size`, if that is not the file's first row.

    Args:
      stream: The file from its start.
      dialect: What tells rows and fields apart.
      max_bytes: A row longer than this is broken, see `row_scanner`.
      size: Of an extent, in uncompressed bytes.
    """
    previous = None
    for chunk in raw_rows.scan_raw_rows(stream, dialect, max_bytes):
        if previous is None:
            yield Cut(0, 1)
        yield from _cuts((chunk.offsets, chunk.lines), previous, size)
        previous = int(chunk.offsets[-1])


def scan_range(stream: IO[bytes], dialect: Dialect, max_bytes: int, *, size: int, begin: int, end: int) -> ScannedRange:
    """Finds what a worker can tell of the bytes from `begin` to `end`; the row at the end is read as far as it goes.

    The other arguments are those of `scan_sequentially`.
    """
    kept, count, previous = [], 0, None
    for chunk in _assumed_rows(stream, dialect, max_bytes, begin, end):
        # The first row at or behind the end is the last one that is looked at.
        offsets, lines = (values[: np.searchsorted(chunk[0], end) + 1] for values in chunk)
        are_cuts, are_kept = _choose(offsets, previous, size, first=KEPT_ROWS - count)
        previous, count = int(offsets[-1]), count + len(offsets)
        are_kept[-1] |= previous >= end
        kept.append((offsets[are_kept], lines[are_kept], are_cuts[are_kept]))
        if previous >= end:
            break
    empty = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool)
    return ScannedRange(end, *map(np.concatenate, zip(empty, *kept, strict=True)))


def _choose(offsets: np.ndarray, previous: int | None, size: int, *, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Tells which of some rows are cuts, and which are kept beside these: `first` ones, and one for so many bytes."""
    are_cuts = np.zeros(len(offsets), bool)
    are_cuts[_find_cuts(offsets, previous, size)] = True
    are_kept = are_cuts.copy()
    are_kept[: max(first, 0)] = True
    are_kept[_find_cuts(offsets, previous, KEPT_EVERY)] = True
    return are_cuts, are_kept


def join_ranges(
    ranges: Iterable[ScannedRange],
    open_stream: Callable[[], contextlib.AbstractContextManager[IO[bytes]]],
    dialect: Dialect,
    max_bytes: int,
    *,
    size: int,
) -> list[Cut]:
    """Makes of the ranges of a file what `scan_sequentially` yields, and reads again what was assumed wrongly.

    Args:
      ranges: All of them in order, the first from 0 and each other from where the one before ends.
      open_stream: Opens the file, for the time of a with statement.
      dialect, max_bytes, size: The same as for the ranges.
    """
    ranges = iter(ranges)
    first = next(ranges, None)
    if first is None or not len(first.offsets):
        return []
    cuts = [Cut(0, 1)]
    # A row of which it is certain that it starts there, as is the file's first one; None at the end.
    certain: Cut | None = Cut(int(first.offsets[0]), 1)
    for scanned in itertools.chain([first], ranges):
        while certain and certain.offset < scanned.end:
            place = int(np.searchsorted(scanned.offsets, certain.offset))
            if place < len(scanned.offsets) and scanned.offsets[place] == certain.offset:
                more, certain = _take(scanned, place, certain)
            else:
                with open_stream() as stream:
                    more, certain = _mend(stream, dialect, max_bytes, size, certain, scanned)
            cuts += more
    return cuts


def _take(scanned: ScannedRange, place: int, certain: Cut) -> tuple[list[Cut], Cut | None]:
    """Takes the cuts of a range behind one of its rows that is certain, and the first row behind the range."""
    offsets, lines = scanned.offsets[place + 1 :], scanned.lines[place + 1 :] + (certain.line - scanned.lines[place])
    chosen = scanned.are_cuts[place + 1 :]
    goes_on = scanned.offsets[-1] >= scanned.end
    return _as_cuts(offsets[chosen], lines[chosen]), Cut(int(offsets[-1]), int(lines[-1])) if goes_on else None


def _mend(
    stream: IO[bytes], dialect: Dialect, max_bytes: int, size: int, certain: Cut, scanned: ScannedRange
) -> tuple[list[Cut], Cut | None]:
    """Scans on from a row that is certain to the next one that the range has kept, or that starts behind it."""
    stream.seek(certain.offset)
    at = {"start": certain.offset, "line": certain.line, "read_bytes": MENDED_BYTES}
    cuts: list[Cut] = []
    previous = None
    for chunk in raw_rows.scan_raw_rows(stream, dialect, max_bytes, **at):
        is_met = np.isin(chunk.offsets, scanned.offsets) | (chunk.offsets >= scanned.end)
        met = np.flatnonzero(is_met)[:1]
        rows = slice(int(met[0]) + 1 if len(met) else None)
        cuts += _cuts((chunk.offsets[rows], chunk.lines[rows]), previous, size)
        if len(met):
            return cuts, Cut(int(chunk.offsets[met[0]]), int(chunk.lines[met[0]]))
        previous = int(chunk.offsets[-1])
    return cuts, None


def _find_cuts(offsets: np.ndarray, previous: int | None, size: int) -> np.ndarray:
    """Finds the indices of the rows that are the first to start at or behind a multiple of `size`.

    Args:
      offsets: int64 [rows], where they start, at least one.
      previous: Where the row before starts; None if the first one is not to be found.
      size: See above.
    """
    before = int(offsets[0]) if previous is None else previous
    multiples = np.arange((before // size + 1) * size, int(offsets[-1]) + 1, size)
    return np.unique(np.searchsorted(offsets, multiples))


def _cuts(rows: RowStarts, previous: int | None, size: int) -> list[Cut]:
    offsets, lines = rows
    found = _find_cuts(offsets, previous, size)
    return _as_cuts(offsets[found], lines[found])


def _as_cuts(offsets: np.ndarray, lines: np.ndarray) -> list[Cut]:
    return [Cut(offset, line) for offset, line in zip(offsets.tolist(), lines.tolist(), strict=True)]


def _assumed_rows(stream: IO[bytes], dialect: Dialect, max_bytes: int, begin: int, end: int) -> Iterator[RowStarts]:
    """Yields the rows from behind the first newline of a range to the end of the file; none if it has no newline."""
    start = _find_line(stream, begin, end)
    if start is None:
        return
    stream.seek(start)
    if dialect.rows_are_lines:
        yield from _lines(stream, start)
    else:
        for chunk in raw_rows.scan_raw_rows(stream, dialect, max_bytes, start=start, line=0):
            yield chunk.offsets, chunk.lines


def _find_line(stream: IO[bytes], begin: int, end: int) -> int | None:
    """Finds the first line that starts in a range, whether or not the file ends before its first byte."""
    if begin == 0:
        return 0
    position = begin - 1
    stream.seek(position)
    while data := stream.read(min(READ_BYTES, end - 1 - position)):
        newline = data.find(b"\n") + 1
        if newline:
            return position + newline
        position += len(data)
    return None


def _lines(stream: IO[bytes], start: int) -> Iterator[RowStarts]:
    """Yields the same of lines, of which nothing need be known but their newlines."""
    if start == 0:
        start, _ = row_scanner.skip_byte_order_marks(stream)
        stream.seek(start)
    line, is_behind_newline = 0, True
    while data := stream.read(READ_BYTES):
        are_starts = np.empty(len(data), bool)
        are_starts[0] = is_behind_newline
        np.equal(np.frombuffer(data, np.uint8)[:-1], ord("\n"), out=are_starts[1:])
        offsets = np.flatnonzero(are_starts)
        if len(offsets):
            yield offsets + start, np.arange(line, line + len(offsets))
        start, line, is_behind_newline = start + len(data), line + len(offsets), data.endswith(b"\n")
