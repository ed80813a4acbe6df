"""How a text format tells rows and fields apart, and the regular expressions that find its rows."""

import dataclasses
import functools
import re


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a text format tells rows and fields apart.

    Attributes:
      delimiter: One ASCII character between fields, or None of JSON lines.
      quote: One ASCII character around fields, or None where it is a character like any other.
      escape: One ASCII character that takes its meaning from the one behind it, or None.
      unclosed: Values that begin with a quote which nothing closes, such as `"N` for NULL.
    """

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    unclosed: tuple[str, ...] = ()

    @property
    def is_standard(self) -> bool:
        """Whether Python's `csv` module and `compiled_scan` know all of it."""
        return self.escape is None and not self.unclosed

    @property
    def rows_are_lines(self) -> bool:
        """Whether every newline ends a row, whatever comes before it."""
        return self.quote is None and self.escape is None

    @property
    def marks(self) -> tuple[int, int]:
        """The bytes of delimiter and quote; -1, which no byte is, for none."""
        return _byte_or_none(self.delimiter), _byte_or_none(self.quote)


def _byte_or_none(character: str | None) -> int:
    return -1 if character is None else ord(character)


CSV, TSV, JSON_LINES = Dialect(",", '"'), Dialect("\t", '"'), Dialect()


@functools.cache
def row_patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Makes what matches a row from its start, and what matches its rest from within a quote.

    Both have a group 1 where the row ends at the end of the bytes at hand, without a newline.
    """
    end = rb"(?:\n|(\Z))"
    if dialect.quote is None:
        line = re.compile(_run(rb"\n", _bytes(dialect.escape)) + end)
        return line, line  # No newline is ever within a quote.
    field, quoted, rest = _parts(dialect)
    return re.compile(field + rest + end), re.compile(quoted + rest + end)


@functools.cache
def quoted_newline_patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Makes what matches as much of the same as has newlines within quotes alone, be the last one open or not.

    Outside of quotes an escape can take a newline's meaning too.
    """
    field, quoted, rest = _parts(dialect, may_be_open=True, takes=rb"(?!\r?\n)(?s:.)")
    return re.compile(field + rest), re.compile(quoted + rest)


# An escaped line's end may be two bytes; an escape at the end of the file stands alone.
_ANYTHING = rb"(?:\r\n|(?s:.))?+"


def _parts(dialect: Dialect, *, may_be_open: bool = False, takes: bytes = _ANYTHING) -> tuple[bytes, bytes, bytes]:
    """Makes what matches a field, its rest from within its quote, and all fields behind it.

    `takes` is what an escape outside of quotes takes the meaning of.
    """
    delimiter, quote, escape = _bytes(dialect.delimiter), _bytes(dialect.quote), _bytes(dialect.escape)
    other = _run(rb"%s\n" % delimiter, escape, takes=takes)
    closing = rb"(?:%s%s)%s" % (quote, other, b"?+" if may_be_open else b"")
    quoted = _run(quote, escape, rb"|%s%s" % (quote, quote)) + closing
    unclosed = b"|".join(re.escape(value.encode()) for value in dialect.unclosed)
    whole = rb"(?:%s)(?:\r(?=\n)|(?=%s|\n|\Z))|" % (unclosed, delimiter) if unclosed else b""
    # Atomic: on its way back, a search would take such a value for the start of a quoted field.
    field = rb"(?>%s%s%s|(?!%s)%s)" % (whole, quote, quoted, quote, other)
    return field, quoted, rb"(?:%s%s)*+" % (delimiter, field)


def _bytes(character: str | None) -> bytes:
    return re.escape((character or "").encode())


def _run(excluded: bytes, escape: bytes, also: bytes = b"", takes: bytes = _ANYTHING) -> bytes:
    """Matches as many bytes as there are of none that is excluded, of escaped ones, and of what is also allowed."""
    # Repetitions are possessive (`*+`): on its way back, a search would take a doubled quote for a closing one.
    if not (escape or also):
        return rb"[^%s]*+" % excluded
    escaped = rb"|%s%s" % (escape, takes) if escape else b""
    return rb"(?:[^%s%s]++%s%s)*+" % (excluded, escape, also, escaped)
