r"""Looks at rows that can be read for signs that quotes or backslashes mean something else than they were taken for.

Where quotes are no marks around fields, a text that begins with one swallows the rows up to the next. Such a row is
still a row, and nothing tells for sure; so it is counted and told, never rejected.
"""

import collections
import functools
import itertools
import re
from collections.abc import Iterator

import numpy as np

from beam_pipelines.archive.rows import remarks, row_scanner
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.raw_rows import RawRows

# So many rows tell what stands in a field.
_SAMPLE = 50
_NUMBER = re.compile(rb'\s*"?[-+]?\d+(?:[.,]\d+)?"?\s*')
_WORD = re.compile(rb"\s*\"?[^\s\"]{1,40}\"?\s*")
_NOTHING = re.compile(rb'(?i)\s*"?(?:nan?|n/a|null|none|\\n)?"?\s*')
# What a backslash stands before; another backslash is taken whole, so that what follows it is no escape.
_PAIR = re.compile(rb"\\((?s:.))")


def remarks_of(rows: RawRows, dialect: Dialect, header_fields: int, *, has_faults: bool) -> collections.Counter[str]:
    """Counts what is to be told of the rows of a CSV or TSV that can be read, header and blank lines left out.

    Args:
      rows: The rows.
      dialect: What they were read by.
      header_fields: How many fields the header has.
      has_faults: Whether other rows of the block show that quotes may be no marks.
    """
    counts: collections.Counter[str] = collections.Counter()
    if not len(rows):
        return counts
    if dialect.quote is not None and header_fields > 1:
        counts[remarks.ROW_IN_QUOTES] = _count_lines_like_rows(rows, dialect, header_fields)
        if has_faults or counts[remarks.ROW_IN_QUOTES]:
            counts[remarks.QUOTED] = _count_quoted(rows, dialect)
    if dialect.escape is None:
        counts[remarks.BACKSLASHES] = _count_escapes(rows)
    return +counts


def _count_quoted(rows: RawRows, dialect: Dialect) -> int:
    """Estimates how many rows would be others, if quotes were no marks, or begin with one."""
    delimiter, quote = (re.escape((mark or "").encode()) for mark in (dialect.delimiter, dialect.quote))
    inside = rb"(?:[^%s\n]|%s%s)*" % (quote, quote, quote)
    needed = rb"(?:^|%s)%s%s(?:%s|%s%s)%s" % (delimiter, quote, inside, delimiter, quote, quote, inside)
    field = re.compile(rb"(?:^%s%s|%s)%s(?=%s|[\r\n]|\Z)" % (quote, inside, needed, quote, delimiter), re.MULTILINE)
    some = rows.take(slice(None, _SAMPLE))
    found = sum(bool(field.search(rows.data, start, end)) for start, end in _bounds(some))
    return round(found / len(some) * len(rows))


def _bounds(rows: RawRows) -> Iterator[tuple[int, int]]:
    return zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)


def _count_lines_like_rows(rows: RawRows, dialect: Dialect, header_fields: int) -> int:
    delimiter = (dialect.delimiter or "").encode()
    # Of several lines, or the one before a row that is rejected.
    others = rows.take(np.flatnonzero(np.diff(rows.lines, append=-1) != 1))
    suspects = others.take(_have_lines_of_rows(others, dialect, header_fields))
    if not len(suspects):
        return 0
    shapes = _shapes(rows, delimiter, header_fields)
    below = (line for row in range(len(suspects)) for line in suspects[row].rstrip(b"\n").split(b"\n")[1:])
    lines = [line.split(delimiter) for line in below if line.count(delimiter) == header_fields - 1]
    return sum(_looks_alike(line, shapes, delimiter) for line in lines)


def _have_lines_of_rows(rows: RawRows, dialect: Dialect, header_fields: int) -> np.ndarray:
    """Which rows have a line, below their first, with the fields of a row: their indices."""
    if not len(rows):
        return np.zeros(0, np.int64)
    if rows.ends[-1] - rows.starts[0] < row_scanner.LONG_BYTES:
        has_row = _line_of_row((dialect.delimiter or "").encode(), header_fields).search
        return np.flatnonzero([bool(has_row(rows.data, start, end)) for start, end in _bounds(rows)])
    from beam_pipelines.archive.rows import compiled_scan

    found, (delimiter, _) = np.zeros(len(rows), bool), dialect.marks
    data = np.frombuffer(rows.data, np.uint8)
    compiled_scan.find_lines_of_rows(data, rows.starts, rows.ends, delimiter, header_fields - 1, found)
    return np.flatnonzero(found)


@functools.cache
def _line_of_row(delimiter: bytes, fields: int) -> re.Pattern[bytes]:
    """Matches a line below a row's first that would be a row, if quotes were characters like any other."""
    value = rb"[^%s\n]*+" % re.escape(delimiter)
    return re.compile(rb"\n%s(?:%s%s){%d}(?=\n|\Z)" % (value, re.escape(delimiter), value, fields - 1))


def _shapes(rows: RawRows, delimiter: bytes, fields: int) -> list[re.Pattern[bytes] | None]:
    """What each field is in the rows of one line: a number, a word, or None for anything."""
    lines = (line for row in range(len(rows)) if b"\n" not in (line := rows[row].rstrip(b"\r\n")))
    values = itertools.islice((row for line in lines if len(row := line.split(delimiter)) == fields), _SAMPLE)
    shapes: list[re.Pattern[bytes] | None] = []
    for column in zip(*values, strict=True):
        given = [value for value in column if not _NOTHING.fullmatch(value)]
        matching = (shape for shape in (_NUMBER, _WORD) if given and all(map(shape.fullmatch, given)))
        shapes.append(next(matching, None))
    return shapes


def _looks_alike(line: list[bytes], shapes: list[re.Pattern[bytes] | None], delimiter: bytes) -> bool:
    """Tells whether a line has what other rows have; where these tell nothing, no comma of prose is a delimiter."""
    if not any(shapes):
        return delimiter != b","
    told = [
        (value, shape) for value, shape in zip(line, shapes, strict=True) if shape and not _NOTHING.fullmatch(value)
    ]
    unlike = [shape for value, shape in told if not shape.fullmatch(value)]
    # A text may be a single word in the rows around it, but a number is one in all.
    return _NUMBER not in unlike and len(told) > 2 * len(unlike)


def _count_escapes(rows: RawRows) -> int:
    """Counts the rows with escapes and no other backslash: whoever writes escapes writes two for a backslash."""
    data, start, end = rows.data, int(rows.starts[0]), int(rows.ends[-1])
    if data.find(b"\\", start, end) < 0:
        return 0
    escapes, others = [], []
    for match in _PAIR.finditer(data, start, end):
        place, behind = match.start(), match[1]
        if data[place - 1 : place] == b":" or (behind.isalpha() and behind not in b"bfnrtvNZ"):
            others.append(place)
        elif behind in b"nrt" or (behind == b'"' and data[place + 2 : place + 3] != b'"'):
            escapes.append(place)
    with_escapes, with_others = (np.searchsorted(rows.starts, places, side="right") for places in (escapes, others))
    # Paths of Windows, TeX and the like hold both.
    if 2 * len(np.unique(with_others)) >= len(np.unique(with_escapes)):
        return 0
    return len(np.setdiff1d(with_escapes, with_others))
