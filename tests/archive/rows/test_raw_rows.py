"""Many rows at a time are the rows that are found one by one, whatever stands in them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.archive.rows import compiled_scan, raw_rows, row_scanner
from beam_pipelines.archive.rows.dialect import CSV
from beam_pipelines.archive.rows.raw_rows import RawRows
from tests.helpers.archives import compiled
from tests.helpers.rows import DIALECTS, LARGE, anything, limits, often

contents = anything("ab,\"\n\r\t;'|") | st.lists(
    st.sampled_from([b'"a","b\n', b"a,b\n", b'""', b'",', b'a"\n', b'"\n', b"\xef\xbb\xbf", b'"a text of some words'])
).map(b"".join)


def found(content: bytes, dialect=CSV, max_bytes: int = LARGE, **at) -> list[RawRows]:
    return list(raw_rows.scan_raw_rows(io.BytesIO(content), dialect, max_bytes, **at))


def joined_of(parts: list[RawRows]) -> RawRows:
    """Joins chunks of one file."""
    return RawRows.joined(parts, [0] * len(parts))


def rows_of(parts: list[RawRows]) -> list[row_scanner.RawRow]:
    return [row for part in parts for row in part.iter_rows()]


@often
@given(contents, st.sampled_from(list(DIALECTS.values())), limits, st.integers(1, 50), st.booleans())
def test_they_are_those_of_the_row_scanner(content, dialect, max_bytes, read_bytes, is_compiled):
    expected = list(row_scanner.scan_rows(io.BytesIO(content), dialect, max_bytes))
    with compiled(is_compiled):
        parts = found(content, dialect, max_bytes, read_bytes=read_bytes)
    assert rows_of(parts) == expected
    if len(expected) > 1:
        joined = joined_of(parts)
        assert rows_of([joined]) == expected
        assert rows_of([joined_of([joined.take(slice(0, 1)), joined.take(slice(1, None))])]) == expected


@often
@given(contents, limits)
def test_a_block_in_the_middle_of_a_file_counts_on(content, max_bytes):
    at = {"start": 100, "line": 7}
    with compiled(True):
        assert rows_of(found(content, max_bytes=max_bytes, **at)) == list(
            row_scanner.scan_rows(io.BytesIO(content), CSV, max_bytes, **at)
        )


def test_more_rows_than_are_taken_at_once(monkeypatch):
    monkeypatch.setattr(row_scanner, "ROWS_AT_ONCE", 3)
    with compiled(True):
        parts = found(b"ab\n" * 10, start=100)
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    assert [row.start for row in rows_of(parts)] == list(range(100, 130, 3))


def test_rows_that_are_found_one_by_one_are_not_all_held(monkeypatch):
    monkeypatch.setattr(raw_rows, "READ_BYTES", 10)
    with compiled(False):
        assert [len(part) for part in found(b"ab\n" * 10)] == [5, 5]


def test_some_rows_of_many():
    with compiled(True):
        rows = joined_of(found(b'a\n"b\nc"\nd\n'))
    taken = rows.take(np.array([0, 2]))
    assert [taken[0], taken[1]] == [b"a\n", b"d\n"]
    assert taken.lines.tolist() == [1, 4]
    assert taken.offsets.tolist() == [0, 8]


@pytest.mark.parametrize("max_bytes", [10_000, LARGE, 16 * LARGE])
def test_rows_whose_quotes_never_close_cost_no_more_than_others(monkeypatch, max_bytes):
    looked = 0
    find_rows = compiled_scan.find_rows

    def counted(data, max_bytes, delimiter, quote, bounds, lines):
        nonlocal looked
        count = find_rows(data, max_bytes, delimiter, quote, bounds, lines)
        looked += min(len(data), bounds[count] + max_bytes) - bounds[0]
        return count

    monkeypatch.setattr(compiled_scan, "find_rows", counted)
    content = b"id,text\n" + b"".join(b'"%d","a review that is cut off\n' % place for place in range(20_000))
    with compiled(True):
        rows = rows_of(found(content, max_bytes=max_bytes))
    assert [row.broken for row in rows] == [False] + [True] * 20_000
    assert looked < 8 * len(content)
