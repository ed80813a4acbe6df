r"""Finds where the rows of a text file begin and end, whatever stands in them.

A JSON line ends at its newline, and so does a row of a CSV without quotes. Another CSV or TSV row
ends at a newline outside quotes. A quote opens only at the start of a field; a doubled quote inside
is one quote; what follows the closing quote up to the delimiter belongs to the field. These are the
rules of Python's `csv` module, which then splits the rows into fields. Where there is an escape, it
takes from the character behind it, a newline too, whatever that means elsewhere.

One rule is ours: a row longer than `max_bytes`, or whose quote is still open at the end of the file,
is broken, and reading goes on at the line after its start, so that one stray quote does not swallow
the rest of an archive.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np

from beam_pipelines.archive.rows.dialect import Dialect, quoted_newline_patterns, row_patterns

BOM = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
# A reject holds 2,000 characters, of up to 4 bytes.
KEPT_OF_BROKEN = 8192
# What is shorter is not worth the second in which compiled code is loaded.
LONG_BYTES = 1 << 18
ROWS_AT_ONCE = 1 << 16
# Stands for the end of a row that has none.
BROKEN = -1


@dataclasses.dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it lies in a text file.

    Attributes:
      start: The offset of its first byte in the uncompressed file.
      line: The line that it starts on, from 1.
      data: Its bytes with the line's end; of a broken row, the start of its first line.
      broken: Whether it is too long or its quote is never closed.
    """

    start: int
    line: int
    data: bytes
    broken: bool = False


class WholeRows(NamedTuple):
    """Rows that follow each other and are whole.

    Attributes:
      data: Bytes that hold them.
      bounds: int64 [rows + 1], where each starts in `data` and the last one ends.
      lines: int64 [rows + 1], the number of the line at each of these.
      offset: Where the first one starts in the uncompressed file.
    """

    data: bytes
    bounds: np.ndarray
    lines: np.ndarray
    offset: int


def scan_rows(stream: IO[bytes], dialect: Dialect, max_bytes: int, **options: Any) -> Iterator[RawRow]:
    r"""Yields every row of a stream, blank lines too, after a byte order mark at its start.

    The arguments are those of `RowScanner`.

    >>> import io
    >>> from beam_pipelines.archive.rows.dialect import CSV
    >>> [r.data for r in scan_rows(io.BytesIO(b'a,"x\ny"\nb,"z\nc,w'), CSV, 1000)]
    [b'a,"x\ny"\n', b'b,"z\n', b'c,w']
    """
    scanner = RowScanner(stream, dialect, max_bytes, **options)
    while (row := scanner.next_row()) is not None:
        yield row


class RowScanner:
    """Takes one row after the other from a stream, or many at once.

    The rule: a row that does not end within `max_bytes` is broken. It is its first line alone, and the next row starts
    on the line below. So every line of an open quote may start a row. Where a tool has cut off fields with their
    closing quotes, each line opens a quote, and to search `max_bytes` for each would cost lines times `max_bytes`.

    The invariant that avoids this: if a quote is open at the start of a line between `_position` and `_quoted_to`, its
    row ends at `_quoted_end`, or nowhere before `_searched_to` where that is None. For where a row ends depends on the
    bytes ahead and on whether a quote is open, and on nothing else. All lines of a broken row but its first start
    within its quote, up to a newline that an escape takes into the row outside of quotes: `_quoted_to` lies before it.
    So whatever row has a quote open at the start of one of them ends where the broken row would.

    The cost: a search goes on from the last line before `_quoted_to` to 2 `max_bytes` beyond the row's start, and so
    looks at no byte more than a few times. Beside it, only the first line of each row is matched.

    Args:
      stream: Bytes from the start of a row to the end of a file or of a block.
      dialect: What tells rows and fields apart.
      max_bytes: A row longer than this is broken.
      start: The stream's offset in the uncompressed file.
      line: The number of its first line.
      read_bytes: How much to read at once, at least.
      goes_on: Whether the file goes on where the stream ends, at the start of a row: so that an escaped newline before
        it belongs to a broken row, and not to the last one of the file.
    """

    def __init__(
        self,
        stream: IO[bytes],
        dialect: Dialect,
        max_bytes: int,
        *,
        start: int = 0,
        line: int = 1,
        read_bytes: int = READ_BYTES,
        goes_on: bool = False,
    ):
        self._stream, self._dialect, self._max_bytes, self._read_bytes = stream, dialect, max_bytes, read_bytes
        self._goes_on = goes_on
        self._row, self._within_quote = row_patterns(dialect)
        # Without these, the newlines that are within a row are within its quotes.
        self._quoted_newlines = quoted_newline_patterns(dialect) if dialect.escape and dialect.quote else None
        # The bytes at hand, where the next row starts in them, and whether the stream has no more.
        self._buffer, self._position, self._ended = b"", 0, False
        self._searched_to = self._quoted_to = 0
        self._quoted_end: int | None = None
        # Of the next row in the file.
        self._offset, self._line = start, line
        self._is_long = False
        if start == 0:
            self._offset, self._buffer = skip_byte_order_marks(stream)

    def next_row(self) -> RawRow | None:
        """Takes the next row; None at the end."""
        while (end := self._find_end()) is None:
            self._read_more()
        offset, line = self._offset, self._line
        if end == BROKEN:
            data, size = self._take_first_line()
            self._offset, self._line = offset + size, line + 1
            return RawRow(offset, line, data, broken=True)
        data, self._position = self._buffer[self._position : end], end
        self._offset, self._line = offset + len(data), line + data.count(b"\n")
        return RawRow(offset, line, data) if data else None

    def take_whole_rows(self) -> WholeRows | None:
        """Takes all rows that are whole within the bytes at hand; None where `next_row` has to look."""
        if not self._buffer and not self._ended:
            self._read_more()
        # The compiled loop knows nothing of searched quotes: in one it would look at `max_bytes` for each line again.
        if not (self._is_long and self._dialect.is_standard) or self._position < self._searched_to:
            return None
        from beam_pipelines.archive.rows import compiled_scan

        bounds, lines = np.empty((2, ROWS_AT_ONCE + 1), np.int64)
        bounds[0], lines[0], offset = self._position, self._line, self._offset
        data = np.frombuffer(self._buffer, np.uint8)
        count = compiled_scan.find_rows(data, self._max_bytes, *self._dialect.marks, bounds, lines)
        self._position, self._line = int(bounds[count]), int(lines[count])
        self._offset += self._position - int(bounds[0])
        return WholeRows(self._buffer, bounds[: count + 1], lines[: count + 1], offset) if count else None

    def _read_more(self) -> None:
        # Doubling what is read keeps the work linear while a long row is incomplete.
        more = self._stream.read(max(self._read_bytes, len(self._buffer) - self._position))
        self._buffer, self._ended = self._buffer[self._position :] + more, not more
        self._is_long = self._is_long or len(self._buffer) >= LONG_BYTES
        self._searched_to -= self._position
        self._quoted_to -= self._position
        if self._quoted_end is not None:
            self._quoted_end -= self._position
        self._position = 0

    def _find_end(self) -> int | None:
        """Finds where the next row ends in the buffer: BROKEN if it is, None if more is to be read."""
        start, limit = self._position, self._position + self._max_bytes
        # The invariant speaks of the line below, at `newline` + 1, if that is before `_quoted_to`.
        newline = self._buffer.find(b"\n", start, self._quoted_to - 1) if start < self._quoted_to - 1 else -1
        if newline >= 0:
            match = self._row.match(self._buffer, start, newline + 1)
            if match is None:
                return self._find_end_of_quote(newline)
            # Else an escape takes the newline's meaning away, outside of any quote.
            if match[1] is None:
                # It ends on its first line; that this was searched says nothing of how long it is.
                return match.end() if match.end() <= limit else BROKEN
        match = self._row.match(self._buffer, start, limit)
        if match and self._is_whole(match):
            return match.end()
        if not self._ended and len(self._buffer) <= limit:
            return None
        # The whole of it was searched.
        self._searched_to, self._quoted_end = min(limit, len(self._buffer)), None
        self._quoted_to = self._find_quoted_to(0, start)
        return BROKEN

    def _find_end_of_quote(self, newline: int) -> int | None:
        """Finds the same of a row whose quote is open at its first newline, which was searched through before."""
        limit, further = self._position + self._max_bytes, self._position + 2 * self._max_bytes
        is_all_searched = self._ended and self._searched_to == len(self._buffer)
        if self._quoted_end is None and self._searched_to < limit and not is_all_searched:
            if not self._ended and len(self._buffer) <= further:
                return None
            last_line = self._buffer.rfind(b"\n", newline, self._quoted_to) + 1
            match = self._within_quote.match(self._buffer, last_line, further)
            self._quoted_end = match.end() if match and self._is_whole(match) else None
            self._searched_to = self._quoted_end or min(further, len(self._buffer))
            self._quoted_to = self._find_quoted_to(1, last_line)
        return self._quoted_end if self._quoted_end is not None and self._quoted_end <= limit else BROKEN

    def _find_quoted_to(self, place: int, start: int) -> int:
        """Finds up to where lines start within quotes, of a row's start (place 0) or of what is within a quote (1)."""
        if self._quoted_newlines is None:
            return self._searched_to
        match = self._quoted_newlines[place].match(self._buffer, start, self._searched_to)
        return match.end() if match else start

    def _is_whole(self, match: re.Match[bytes]) -> bool:
        """Tells whether a match ends with its row, not just with the bytes at hand."""
        is_at_end = self._ended and match.end() == len(self._buffer)
        return match[1] is None or (is_at_end and not (self._goes_on and match[0]))

    def _take_first_line(self) -> tuple[bytes, int]:
        """Takes a broken row's first line: its start, of which no more is kept, and its size."""
        start, kept = self._position, min(KEPT_OF_BROKEN, self._max_bytes)
        end = self._buffer.find(b"\n", start) + 1
        if end:
            self._position = end
            return self._buffer[start : min(end, start + kept)], end - start
        # The line is longer than the bytes at hand, and would not fit into memory if it had no end.
        data, size = self._buffer[start : start + kept], len(self._buffer) - start
        self._buffer, dropped, self._ended = _read_past_newline(self._stream)
        self._position = self._searched_to = self._quoted_to = 0
        self._quoted_end = None
        return data, size + dropped


def skip_byte_order_marks(stream: IO[bytes]) -> tuple[int, bytes]:
    """Reads the marks at the start of a file; returns their size in bytes, and the few bytes that were read behind."""
    size = 0
    # Tools that write one do so too where there is one already.
    while (read := _read_exactly(stream, len(BOM))) == BOM:
        size += len(BOM)
    return size, read


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    """Reads `size` bytes, or fewer at the end; a decompressing stream may hand out fewer at a time."""
    data = b""
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def _read_past_newline(stream: IO[bytes]) -> tuple[bytes, int, bool]:
    """Drops bytes up to a newline: what was read behind it, how many were dropped, whether the stream ended first."""
    dropped = 0
    while more := stream.read(READ_BYTES):
        newline = more.find(b"\n") + 1
        if newline:
            return more[newline:], dropped + newline, False
        dropped += len(more)
    return b"", dropped, True
