r"""Finds where the rows of a text file begin and end, whatever stands in them.

A JSON line ends at its newline, and so does a row of a CSV without quotes. Another CSV or TSV row
ends at a newline outside quotes. A quote opens only at the start of a field; a doubled quote inside
is one quote; what follows the closing quote up to the delimiter belongs to the field. These are the
rules of Python's `csv` module, which then splits the rows into fields. One rule is ours: a row longer
than `max_bytes`, or whose quote is still open at the end of the file, is broken, and reading goes on
at the line after its start, so that one stray quote does not swallow the rest of an archive.
"""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

BOM = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
KEPT_OF_BROKEN = 8192
# What is shorter is not worth the time to load compiled code.
LONG_BYTES = 1 << 18
ROWS_AT_ONCE = 1 << 16


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a text format tells rows and fields apart.

    Attributes:
      delimiter: One ASCII character between fields, or None of JSON lines.
      quote: One ASCII character around fields, or None where a newline ends every row.
    """

    delimiter: str | None = None
    quote: str | None = None

    @property
    def marks(self) -> tuple[int, int]:
        """The bytes of delimiter and quote; -1 for none."""
        return tuple(-1 if mark is None else ord(mark) for mark in (self.delimiter, self.quote))


CSV, TSV, JSON_LINES = Dialect(",", '"'), Dialect("\t", '"'), Dialect()


@functools.cache
def _patterns(dialect: Dialect) -> tuple[re.Pattern, re.Pattern | None]:
    """Matches a row from its start, and from within a quote; group 1 where it ends at the end of the bytes at hand."""
    end = rb"(?:\n|(\Z))"
    if dialect.quote is None:
        return re.compile(rb"[^\n]*+" + end), None
    delimiter, quote = (re.escape(character.encode()) for character in (dialect.delimiter, dialect.quote))
    other = rb"[^%s\n]*+" % delimiter
    quoted = rb"(?:[^%s]++|%s%s)*+%s%s" % (quote, quote, quote, quote, other)
    field = rb"(?:%s%s|(?!%s)%s)" % (quote, quoted, quote, other)
    rest = rb"(?:%s%s)*+" % (delimiter, field) + end
    return re.compile(field + rest), re.compile(quoted + rest)


@dataclasses.dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it lies in a text file.

    Attributes:
      start: Offset of its first byte in the uncompressed file.
      line: The line that it starts on, from 1.
      data: Its bytes with the line's end; of a broken row, the start of its first line.
      broken: Whether it is too long or its quote is never closed.
    """

    start: int
    line: int
    data: bytes
    broken: bool = False


def scan_rows(stream: BinaryIO, dialect: Dialect, max_bytes: int, **at) -> Iterator[RawRow]:
    r"""Yields every row of a stream, blank lines too, after a byte order mark at its start.

    The arguments are those of `RowScanner`.

    >>> import io
    >>> [r.data for r in scan_rows(io.BytesIO(b'a,"x\ny"\nb,"z\nc,w'), CSV, 1000)]
    [b'a,"x\ny"\n', b'b,"z\n', b'c,w']
    """
    scanner = RowScanner(stream, dialect, max_bytes, **at)
    while (row := scanner.next_row()) is not None:
        yield row


class RowScanner:
    """Takes one row after the other from a stream, or many at once.

    A row that does not end within `max_bytes` is looked at no further than its first line, so the next
    row begins inside what was just looked at. Many such rows in a row, as a tool writes them that cuts
    fields off with their closing quote, would each cost a look at `max_bytes`. But every line of such a
    row but its first begins within a quote; so what was found out once, where a quote that is open at the
    start of a line is closed at last, holds for all the lines up to there.

    Attributes of that knowledge:
      _known: From the start of any line before it, an open quote and its row do not end before it.
      _end: Where they end, if that is known; it is `_known` then.

    Args:
      stream: Bytes from the start of a row to the end of a file or of a block.
      dialect: What tells rows and fields apart.
      max_bytes: A row longer than this is broken.
      start: The stream's offset in the uncompressed file.
      line: The number of its first line.
      read_bytes: How much to read at once, at least.
    """

    def __init__(self, stream: BinaryIO, dialect: Dialect, max_bytes: int, *, start=0, line=1, read_bytes=READ_BYTES):
        self._stream, self._dialect, self._max_bytes, self._read_bytes = stream, dialect, max_bytes, read_bytes
        self._row, self._within_quote = _patterns(dialect)
        self._buffer, self._at, self._ended = b"", 0, False
        self._known, self._end = 0, None
        self._start, self._line, self._is_long = start, line, False
        if start == 0:
            self._buffer = _read_exactly(stream, len(BOM))
            self._start = self._at = len(BOM) if self._buffer == BOM else 0

    def next_row(self) -> RawRow | None:
        """Takes the next row; None at the end."""
        while (end := self._find_end()) is None:
            self._read_more()
        start, line = self._start, self._line
        if end < 0:
            data, size = self._take_first_line()
            self._start, self._line = start + size, line + 1
            return RawRow(start, line, data, broken=True)
        data, self._at = self._buffer[self._at : end], end
        self._start, self._line = start + len(data), line + data.count(b"\n")
        return RawRow(start, line, data) if data else None

    def _read_more(self) -> None:
        # Doubling what is read keeps the work linear while a long row is incomplete.
        more = self._stream.read(max(self._read_bytes, len(self._buffer) - self._at))
        self._buffer, self._ended = self._buffer[self._at :] + more, not more
        self._is_long = self._is_long or len(self._buffer) >= LONG_BYTES
        self._known -= self._at
        self._end = self._end and self._end - self._at
        self._at = 0

    def take_whole_rows(self) -> tuple[bytes, np.ndarray, np.ndarray, int] | None:
        """Takes all rows that are whole within the bytes at hand.

        Returns:
          None where `next_row` has to look, else the bytes that hold them, where each starts and the
          last ends, int64 [rows + 1], the lines there, int64 [rows + 1], and the first row's offset.
        """
        if not self._buffer and not self._ended:
            self._read_more()
        if not self._is_long or self._at < self._known:
            return None
        from beam_pipelines.archive import compiled_scan

        bounds, lines = np.empty((2, ROWS_AT_ONCE + 1), np.int64)
        bounds[0], lines[0], start = self._at, self._line, self._start
        data = np.frombuffer(self._buffer, np.uint8)
        count = compiled_scan.find_rows(data, self._max_bytes, *self._dialect.marks, bounds, lines)
        self._at, self._line = int(bounds[count]), int(lines[count])
        self._start += self._at - int(bounds[0])
        return (self._buffer, bounds[: count + 1], lines[: count + 1], start) if count else None

    def _find_end(self) -> int | None:
        """Where the row ends; -1 if it is broken, None if more is to be read."""
        at, limit = self._at, self._at + self._max_bytes
        # The next line has to begin before what is known ends.
        newline = self._buffer.find(b"\n", at, self._known - 1) if at < self._known - 1 else -1
        if newline >= 0:
            found = self._row.match(self._buffer, at, newline + 1)
            if found:
                return found.end() if found.end() <= limit else -1
            return self._find_end_of_quote(newline)
        found = self._row.match(self._buffer, at, limit)
        if self._is_whole(found):
            return found.end()
        if not self._ended and len(self._buffer) <= limit:
            return None
        self._known, self._end = min(limit, len(self._buffer)), None
        return -1

    def _find_end_of_quote(self, newline: int) -> int | None:
        """The same of a row that has an open quote at the end of its first line, within what is known."""
        limit, further = self._at + self._max_bytes, self._at + 2 * self._max_bytes
        if self._end is None and self._known < limit and not (self._ended and self._known == len(self._buffer)):
            if not self._ended and len(self._buffer) <= further:
                return None
            last_line = self._buffer.rfind(b"\n", newline, self._known) + 1
            found = self._within_quote.match(self._buffer, last_line, further)
            self._end = found.end() if self._is_whole(found) else None
            self._known = self._end or min(further, len(self._buffer))
        return self._end if self._end is not None and self._end <= limit else -1

    def _is_whole(self, found: re.Match | None) -> bool:
        """Whether a match ends with its row, not with the bytes at hand."""
        return bool(found) and (found[1] is None or (self._ended and found.end() == len(self._buffer)))

    def _take_first_line(self) -> tuple[bytes, int]:
        """The start of a broken row's first line, of which no more is kept, and the line's size."""
        start, kept = self._at, min(KEPT_OF_BROKEN, self._max_bytes)
        end = self._buffer.find(b"\n", start) + 1
        if end:
            self._at = end
            return self._buffer[start : min(end, start + kept)], end - start
        data, size = self._buffer[start : start + kept], len(self._buffer) - start
        self._buffer, dropped, self._ended = _after_newline(self._stream)
        self._at = self._known = 0
        self._end = None
        return data, size + dropped


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := stream.read(size - len(found))):
        found += more
    return found


def _after_newline(stream: BinaryIO) -> tuple[bytes, int, bool]:
    dropped = 0
    while more := stream.read(READ_BYTES):
        newline = more.find(b"\n") + 1
        if newline:
            return more[newline:], dropped + newline, False
        dropped += len(more)
    return b"", dropped, True
