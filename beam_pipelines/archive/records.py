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

BOM = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
KEPT_OF_BROKEN = 8192


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a text format tells rows and fields apart.

    Attributes:
      delimiter: One ASCII character between fields, or None of JSON lines.
      quote: One ASCII character around fields, or None where a newline ends every row.
    """

    delimiter: str | None = None
    quote: str | None = None


CSV, TSV, JSON_LINES = Dialect(",", '"'), Dialect("\t", '"'), Dialect()


@functools.cache
def _row(dialect: Dialect) -> re.Pattern:
    """Matches a row; group 1 where it ends at the end of the bytes at hand, not at a newline."""
    end = rb"(?:\n|(\Z))"
    if dialect.quote is None:
        return re.compile(rb"[^\n]*+" + end)
    delimiter, quote = (re.escape(character.encode()) for character in (dialect.delimiter, dialect.quote))
    other = rb"[^%s\n]*+" % delimiter
    field = rb"(?:%s(?:[^%s]++|%s%s)*+%s%s|(?!%s)%s)" % (quote, quote, quote, quote, quote, other, quote, other)
    return re.compile(rb"%s(?:%s%s)*+" % (field, delimiter, field) + end)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
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


def records(stream: BinaryIO, dialect: Dialect, max_bytes: int, *, start=0, line=1) -> Iterator[Record]:
    r"""Yields every row of a stream, blank lines too, after a byte order mark at its start.

    Args:
      stream: Bytes from the start of a row to the end of a file or of a block.
      dialect: What tells rows and fields apart.
      max_bytes: A row longer than this is broken.
      start: The stream's offset in the uncompressed file.
      line: The number of its first line.

    >>> import io
    >>> [r.data for r in records(io.BytesIO(b'a,"x\ny"\nb,"z\nc,w'), CSV, 1000)]
    [b'a,"x\ny"\n', b'b,"z\n', b'c,w']
    """
    row = _row(dialect)
    kept = min(KEPT_OF_BROKEN, max_bytes)
    buffer, at, ended = b"", 0, False
    if start == 0:
        buffer = _read_exactly(stream, len(BOM))
        at = start = len(BOM) if buffer == BOM else 0
    while True:
        found = row.match(buffer, at, at + max_bytes)
        if found and (found[1] is None or (ended and found.end() == len(buffer))):
            end, broken = found.end(), False
            if end == at:
                return
        elif not ended and len(buffer) - at <= max_bytes:
            # Doubling what is read keeps the work linear while a long row is incomplete.
            more = stream.read(max(READ_BYTES, len(buffer) - at))
            buffer, at, ended = buffer[at:] + more, 0, not more
            continue
        else:
            end, broken = buffer.find(b"\n", at) + 1, True
        if end:
            data = buffer[at : min(end, at + kept) if broken else end]
            yield Record(start, line, data, broken)
            line += 1 if broken else data.count(b"\n")
            start += end - at
            at = end
        else:
            # The broken row's first line is longer than the buffer: its rest is dropped unseen.
            yield Record(start, line, buffer[at : at + kept], True)
            start += len(buffer) - at
            line += 1
            buffer, dropped, ended = _after_newline(stream)
            start, at = start + dropped, 0


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
