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
    delimiter, quote, escape = (
        re.escape((character or "").encode()) for character in (dialect.delimiter, dialect.quote, dialect.escape)
    )
    if dialect.quote is None:
        line = re.compile(_run(rb"\n", escape) + end)
        return line, line  # No newline is ever within a quote.
    other = _run(rb"%s\n" % delimiter, escape)
    quoted = _run(quote, escape, rb"|%s%s" % (quote, quote)) + quote + other
    unclosed = b"|".join(re.escape(value.encode()) for value in dialect.unclosed)
    whole = rb"(?:%s)(?=%s|\r?\n|\Z)|" % (unclosed, delimiter) if unclosed else b""
    field = rb"(?:%s%s%s|(?!%s)%s)" % (whole, quote, quoted, quote, other)
    rest = rb"(?:%s%s)*+" % (delimiter, field) + end
    return re.compile(field + rest), re.compile(quoted + rest)


def _run(excluded: bytes, escape: bytes, also: bytes = b"") -> bytes:
    """Matches as many bytes as there are of none that is excluded, of escaped ones, and of what is also allowed."""
    # Repetitions are possessive (`*+`): on its way back, a search would take a doubled quote for a closing one.
    if not (escape or also):
        return rb"[^%s]*+" % excluded
    # An escaped line's end may be two bytes; an escape at the end of the file stands alone.
    escaped = rb"|%s(?:\r\n|(?s:.))?+" % escape if escape else b""
    return rb"(?:[^%s%s]++%s%s)*+" % (excluded, escape, also, escaped)
