r"""Looks at rows that can be read for signs that quotes or backslashes mean something else than they were taken for.

Where quotes are no marks around fields, a text that begins with one swallows the rows up to the next. Such a row is
still a row, and nothing tells for sure; so it is counted and told, never rejected.
"""

import collections
import functools
import re

import numpy as np

from beam_pipelines.archive.rows import remarks
from beam_pipelines.archive.rows.dialect import Dialect
from beam_pipelines.archive.rows.raw_rows import RawRows

# So many rows tell which fields are numbers.
_SAMPLE = 50
_NUMBER = re.compile(rb'\s*"?[-+]?\d+(?:[.,]\d+)?"?\s*')
# An escaped backslash is taken whole, so that what follows it is none.
_ESCAPES = re.compile(rb"\\(?:[\\ntr]|\"(?!\"))")


def remarks_of(rows: RawRows, dialect: Dialect, header_fields: int) -> collections.Counter[str]:
    """Counts what is to be told of the rows of a CSV or TSV that can be read, header and blank lines left out.

    Args:
      rows: The rows.
      dialect: What they were read by.
      header_fields: How many fields the header has.
    """
    counts: collections.Counter[str] = collections.Counter()
    if not len(rows):
        return counts
    if dialect.quote is not None and header_fields > 1:
        counts[remarks.ROW_IN_QUOTES] = _count_lines_like_rows(rows, dialect, header_fields)
    if dialect.escape is None:
        counts[remarks.BACKSLASHES] = _count_escapes(rows)
    return +counts


def _count_lines_like_rows(rows: RawRows, dialect: Dialect, header_fields: int) -> int:
    is_row = _lines_of_rows((dialect.delimiter or "").encode(), header_fields).match
    # Of several lines, or the one before a row that is rejected.
    others = np.flatnonzero(np.diff(rows.lines, append=-1) != 1)
    bounds = zip(rows.starts[others].tolist(), rows.ends[others].tolist(), strict=True)
    suspects = [rows.data[start:end] for start, end in bounds if is_row(rows.data, start, end)]
    if not suspects:
        return 0
    is_number = _number_fields(rows, dialect, header_fields)
    lines = [line for row in suspects for line in row.rstrip(b"\n").split(b"\n")[1:]]
    return sum(_looks_alike(line, dialect, is_number) for line in lines)


@functools.cache
def _lines_of_rows(delimiter: bytes, fields: int) -> re.Pattern[bytes]:
    """Matches several lines of which each would be a row, if quotes were characters like any other."""
    value = rb"[^%s\n]*+" % re.escape(delimiter)
    line = rb"%s(?:%s%s){%d}" % (value, re.escape(delimiter), value, fields - 1)
    return re.compile(rb"%s(?:\n%s)+\n?\Z" % (line, line))


def _number_fields(rows: RawRows, dialect: Dialect, fields: int) -> np.ndarray:
    """Which fields are numbers in the rows of one line, bool [fields]; none where there is no such row."""
    is_number, count = np.ones(fields, bool), 0
    for row in range(len(rows)):
        values = rows[row].rstrip(b"\r\n").split((dialect.delimiter or "").encode())
        if len(values) == fields and b"\n" not in rows[row].rstrip(b"\n"):
            is_number &= [bool(_NUMBER.fullmatch(value)) for value in values]
            count += 1
        if count == _SAMPLE:
            break
    return is_number & (count > 0)


def _looks_alike(line: bytes, dialect: Dialect, is_number: np.ndarray) -> bool:
    """Tells whether a line has numbers where other rows have them."""
    values = line.split((dialect.delimiter or "").encode())
    return all(_NUMBER.fullmatch(values[index]) for index in np.flatnonzero(is_number))


def _count_escapes(rows: RawRows) -> int:
    start, end = int(rows.starts[0]), int(rows.ends[-1])
    if rows.data.find(b"\\", start, end) < 0:
        return 0
    found = _ESCAPES.finditer(rows.data, start, end)
    offsets = [match.start() for match in found if match[0] != rb"\\"]
    return len(np.unique(np.searchsorted(rows.starts, offsets, side="right")))
