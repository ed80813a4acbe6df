r"""Splits the rows of dialects that Python's `csv` module does not know: escapes as databases write them.

A backslash before n, r, t, b, f, v or 0 makes a character of it, as MySQL and PostgreSQL write them; before anything
else, a quote, a delimiter or a newline, it takes its meaning away. `csv` would make an n of `\n`. A field that is a
null value as it stands, such as `\N`, is left so.
"""

import functools
import re
from collections.abc import Iterator

from beam_pipelines.archive.rows.dialect import Dialect

BACKSLASH = "\\"
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def split(text: str, dialect: Dialect, null_values: tuple[str, ...]) -> list[str]:
    r"""Splits a row, whose line's end is not escaped.

    >>> split(r'a\,b,"say \"x\"\n",\N', Dialect(",", '"', BACKSLASH), (r"\N",))
    ['a,b', 'say "x"\n', '\\N']
    """
    row = _without_line_end(text, dialect.escape)
    return [raw if raw in null_values else _value(raw, dialect) for raw in _raw_fields(row, dialect)]


def _without_line_end(text: str, escape: str | None) -> str:
    row = text.removesuffix("\n").removesuffix("\r")
    escapes = len(row) - len(row.rstrip(escape)) if escape else 0
    return text if escapes % 2 else row


def _raw_fields(row: str, dialect: Dialect) -> Iterator[str]:
    field = _field(dialect)
    end = -1
    # A field starts at the row's start and behind each delimiter, be it the last character.
    while end < len(row):
        match = field.match(row, end + 1)
        assert match is not None  # Of no character at all, a field is empty.
        yield match[0]
        end = match.end()


def _value(raw: str, dialect: Dialect) -> str:
    if dialect.quote is None or not raw.startswith(dialect.quote) or raw in dialect.unclosed:
        return _unescape(raw, dialect)
    match = _quoted(dialect).match(raw)
    assert match is not None  # The scanner makes no row where a quote is open.
    return _unescape(match[1], dialect, quoted=True) + _unescape(raw[match.end() :], dialect)


def _unescape(text: str, dialect: Dialect, *, quoted: bool = False) -> str:
    escape = dialect.escape or dialect.quote
    if escape is None or (dialect.escape is None and not quoted):
        return text
    if escape not in text and not (quoted and dialect.quote and dialect.quote * 2 in text):
        return text
    pattern = _escapes(escape, dialect.quote if quoted else None)
    return pattern.sub(lambda match: _character(match[0], dialect), text)


def _character(escaped: str, dialect: Dialect) -> str:
    """What an escape and what it stands before mean, or a doubled quote; an escape at the end is itself."""
    behind = escaped[1:]
    if escaped[0] == BACKSLASH == dialect.escape:
        behind = _LETTERS.get(behind, behind)
    return behind or escaped


@functools.cache
def _escapes(escape: str, doubled: str | None) -> re.Pattern[str]:
    quotes = f"|{re.escape(doubled * 2)}" if doubled else ""
    return re.compile(rf"{re.escape(escape)}(?:\r\n|(?s:.))?{quotes}")


@functools.cache
def _quoted(dialect: Dialect) -> re.Pattern[str]:
    quote = re.escape(dialect.quote or "")
    return re.compile(f"{quote}({_run(quote, dialect, also=f'|{quote}{quote}')}){quote}")


@functools.cache
def _field(dialect: Dialect) -> re.Pattern[str]:
    delimiter = re.escape(dialect.delimiter or "")
    other = _run(delimiter, dialect)
    if dialect.quote is None:
        return re.compile(other)
    unclosed = "|".join(re.escape(value) for value in dialect.unclosed)
    whole = rf"(?:{unclosed})(?={delimiter}|\Z)|" if unclosed else ""
    return re.compile(f"{whole}{_quoted(dialect).pattern}{other}|{other}")


def _run(excluded: str, dialect: Dialect, also: str = "") -> str:
    # Possessive, as in `row_scanner`, whose rules these are.
    escape = re.escape(dialect.escape or "")
    escaped = rf"|{escape}(?:\r\n|(?s:.))?+" if escape else ""
    return f"(?:[^{excluded}{escape}]++{also}{escaped})*+"
