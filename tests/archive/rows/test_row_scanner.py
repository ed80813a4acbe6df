"""Rows begin and end where Python's csv module says, whatever stands in them, and no byte is lost."""

import csv
import io

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from beam_pipelines.archive.rows import dialect, row_scanner
from tests.helpers.rows import DIALECTS, LARGE, LIMITS, UNUSUAL, anything, limits, often, pieces, scan_plainly

fields = st.text(st.sampled_from('ab ,"\n\ré\t'), max_size=8)
dialects = st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL)])


def scan(content: bytes, format: str = "csv", max_bytes: int = LARGE, **at) -> list[row_scanner.RawRow]:
    return list(row_scanner.scan_rows(io.BytesIO(content), DIALECTS[format], max_bytes, **at))


def scan_in_pieces(content: bytes, size: int, max_bytes: int, format: str = "csv") -> list[row_scanner.RawRow]:
    """Scans a stream that hands out no more than `size` bytes at a time, however many are asked for."""

    class Pieces(io.BytesIO):
        def read(self, wanted):
            return super().read(min(size, wanted))

    return list(row_scanner.scan_rows(Pieces(content), DIALECTS[format], max_bytes))


def data_of(found: list[row_scanner.RawRow]) -> list[bytes]:
    return [row.data for row in found]


@pytest.mark.parametrize(
    ("format", "rows"),
    [
        ("csv", []),
        ("csv", [b"a,b\n", b"c,d\n"]),
        ("csv", [b"a,b\n", b"c,d"]),
        ("csv", [b"a,b\r\n", b"c,d\r\n"]),
        ("csv", [b"\n", b"\n", b"a\n", b"\r\n", b"b"]),
        ("csv", [b'a,"x\ny"\n', b"c\n"]),
        ("csv", [b'"x\n\n\ny",b\n', b"c\n"]),
        ("csv", [b'"x\r\ny",b\r\n', b"c\r\n"]),
        ("csv", [b'"x\ny",b\n', b'"z\n"']),
        ("csv", [b'"he said ""no""\n""yes""",b\n', b"c\n"]),
        ("csv", [b'"",""\n', b'""\n', b"c\n"]),
        ("csv", [b'"""\n"\n', b"c\n"]),
        ("csv", [b'6" x 9",b\n', b"c\n"]),
        ("csv", [b' "a\n', b'b",c\n']),
        ("csv", [b'"a"b"\n', b'c,"d"e\n', b"f\n"]),
        ("csv", [b'a\t"b\n', b"c\n"]),
        ("tsv", [b'a\t"b\n"\n', b"c\n"]),
        ("tsv", [b'a,"b\n', b"c\n"]),
        ("single", [b"a;'x\ny''s'\n", b'"c;d\n']),
        ("pipe", [b'a|"x\ny"\n', b"c|d\n"]),
        ("unquoted", [b'"a\tb\n', b'c"\n']),
        ("jsonl", [b'{"a": "b\\n"}\n', b'{"a": "\n', b"\n", b"{}\r\n", b"c"]),
    ],
)
def test_a_row_ends_at_a_newline_outside_quotes(format, rows):
    found = scan(b"".join(rows), format)
    assert data_of(found) == rows
    assert not any(row.broken for row in found)


def test_a_row_knows_its_offset_and_its_line():
    """A reject or an id names the line that an editor shows, even after many quoted newlines."""
    assert scan(b'a,b\n"x\n\ny",c\n\r\nd') == [
        row_scanner.RawRow(0, 1, b"a,b\n"),
        row_scanner.RawRow(4, 2, b'"x\n\ny",c\n'),
        row_scanner.RawRow(13, 5, b"\r\n"),
        row_scanner.RawRow(15, 6, b"d"),
    ]


def test_a_block_in_the_middle_of_a_file_counts_on():
    found = scan(b"a\nb\n", start=100, line=7)
    assert found == [row_scanner.RawRow(100, 7, b"a\n"), row_scanner.RawRow(102, 8, b"b\n")]


def test_a_quote_that_never_closes_costs_one_row_and_not_the_rest():
    assert scan(b'a\nb,"c\nd,e\n"f\ng\n') == [
        row_scanner.RawRow(0, 1, b"a\n"),
        row_scanner.RawRow(2, 2, b'b,"c\nd,e\n"f\n'),
        row_scanner.RawRow(14, 5, b"g\n"),
    ]
    assert scan(b'a\nb,"c\nd,e\nf\n') == [
        row_scanner.RawRow(0, 1, b"a\n"),
        row_scanner.RawRow(2, 2, b'b,"c\n', broken=True),
        row_scanner.RawRow(7, 3, b"d,e\n"),
        row_scanner.RawRow(11, 4, b"f\n"),
    ]
    assert scan(b'a\n"b') == [row_scanner.RawRow(0, 1, b"a\n"), row_scanner.RawRow(2, 2, b'"b', broken=True)]


@pytest.mark.parametrize(
    ("content", "broken", "after"),
    [
        pytest.param(b"aaaaaaaaa\nb\n", [], [(0, 1), (10, 2)], id="as long as allowed"),
        pytest.param(b"b\naaaaaaaaaa", [], [(0, 1), (2, 2)], id="as long as allowed, no newline at the end"),
        pytest.param(b"aaaaaaaaaa\nb\n", [(0, 1)], [(11, 2)], id="one byte longer"),
        pytest.param(b"b\naaaaaaaaaaa", [(2, 2)], [(0, 1)], id="one byte longer, no newline at the end"),
        pytest.param(b'"aaa\naaa\naaa",\nb\n', [(0, 1)], [(5, 2), (9, 3), (15, 4)], id="longer by quoted newlines"),
        pytest.param(
            b'"a\nbb\ncc\ndd\nee\nff\n', [(0, 1)], [(3, 2), (6, 3), (9, 4), (12, 5), (15, 6)], id="open quote"
        ),
        pytest.param(b"a" * 25 + b"\n" + b"b" * 25 + b"\nc", [(0, 1), (26, 2)], [(52, 3)], id="two in a row"),
    ],
)
def test_a_row_longer_than_max_bytes_is_broken(content, broken, after):
    found = scan(content, max_bytes=10)
    assert [(row.start, row.line) for row in found if row.broken] == broken
    assert [(row.start, row.line) for row in found if not row.broken] == after


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("max_bytes", [10, 1000, 2 << 20])
@pytest.mark.parametrize("length", [(1 << 20) - 1, 1 << 20, 3 << 20])
def test_a_line_longer_than_what_is_read_at_once(format, max_bytes, length):
    """One endless line is neither held nor written whole, and the row after it is found."""
    line = b"a" * length
    found = scan(line + b"\nb\n" + line, format, max_bytes)
    assert [(row.start, row.line) for row in found] == [(0, 1), (length + 1, 2), (length + 3, 3)]
    assert found[1].data == b"b\n"
    if length < max_bytes:
        assert data_of(found) == [line + b"\n", b"b\n", line]
    for long in (found[0], found[2]):
        assert long.broken == (length >= max_bytes)
        assert not long.broken or 0 < len(long.data) <= row_scanner.KEPT_OF_BROKEN


def test_a_quoted_field_longer_than_what_is_read_at_once():
    row = b'"' + b"abcdefg\n" * (3 << 17) + b'",b\n'
    assert scan(row + b"c\n", max_bytes=4 << 20) == [
        row_scanner.RawRow(0, 1, row),
        row_scanner.RawRow(len(row), (3 << 17) + 2, b"c\n"),
    ]


@often
@given(st.lists(st.lists(fields, min_size=1, max_size=4), max_size=8), dialects)
def test_what_a_csv_writer_wrote_comes_back(rows, dialect):
    file = io.StringIO(newline="")
    end, quoting = dialect
    csv.writer(file, lineterminator=end, quoting=quoting).writerows(rows)
    content = file.getvalue().encode()
    found = scan(content)
    assert b"".join(data_of(found)) == content
    assert [next(csv.reader([row.data.decode()])) for row in found] == rows


@often
@given(anything('ab,"\n'))
def test_rows_end_where_the_csv_module_ends_them(content):
    found = scan(content)
    assume(b"\r" not in content and not any(row.broken for row in found))
    reader = csv.reader(io.StringIO(content.decode(), newline="\n"))
    ends = [reader.line_num for _ in reader]
    assert [row.line for row in found] == [1, *(end + 1 for end in ends)][: len(ends)]


@often
@given(anything('ab,"\n\r'), limits)
def test_every_byte_has_its_row(content, max_bytes):
    """Rows follow each other without a gap; after a broken one comes the line below its start."""
    found = scan(content, max_bytes=max_bytes)
    at = 0
    for row in found:
        assert row.start == at
        assert row.line == content.count(b"\n", 0, at) + 1
        assert content.startswith(row.data, at)
        assert len(row.data) <= max_bytes or row.broken
        line_end = content.find(b"\n", at) + 1 or len(content)
        at = line_end if row.broken else at + len(row.data)
    assert at == len(content)
    if not any(row.broken for row in found):
        assert b"".join(data_of(found)) == content


@often
@given(anything('ab,"\n\r'), st.integers(1, 9), limits)
def test_the_rows_do_not_depend_on_the_size_of_a_read(content, size, max_bytes):
    assert scan_in_pieces(content, size, max_bytes) == scan(content, max_bytes=max_bytes)


@often
@given(anything('ab,"\n\r') | pieces, limits, st.sampled_from(list(DIALECTS)))
def test_a_cut_at_a_row_changes_no_row(content, max_bytes, format):
    """A worker that reads one block finds the very rows that the listing of the blocks saw there."""
    found = scan(content, format, max_bytes)
    for place, first in enumerate(found):
        at = {"start": first.start, "line": first.line}
        assert scan(content[first.start :], format, max_bytes, **at) == found[place:]
        for stop in range(place + 1, len(found)):
            block = content[first.start : found[stop].start]
            assert scan(block, format, max_bytes, goes_on=True, **at) == found[place:stop]


def check_by_the_rule(content: bytes, max_bytes: int, format: str = "csv") -> None:
    expected = scan_plainly(content, max_bytes, DIALECTS[format])
    for found in (scan(content, format, max_bytes), scan_in_pieces(content, 7, max_bytes, format)):
        assert [(row.start, row.broken) for row in found] == expected


@settings(often, max_examples=3000)
@given(anything('ab,"\n'), limits)
def test_rows_are_those_of_the_rule_itself(content, max_bytes):
    check_by_the_rule(content, max_bytes)


@settings(often, max_examples=2000)
@given(pieces, limits, st.sampled_from(["escaped", "escaped without quotes", "unclosed"]))
def test_so_are_rows_with_escapes_and_with_values_that_nothing_closes(content, max_bytes, format):
    check_by_the_rule(content, max_bytes, format)


@pytest.mark.parametrize("max_bytes", [8, LARGE])
def test_a_quote_that_opens_behind_an_escaped_newline_is_another_one(max_bytes):
    """The first row's quote is never closed, that of the line below is."""
    assert scan(b'a\\\n"\\\n,"', "escaped", max_bytes) == [
        row_scanner.RawRow(0, 1, b"a\\\n", broken=True),
        row_scanner.RawRow(3, 2, b'"\\\n,"'),
    ]


def test_a_broken_row_is_broken_too_where_its_block_ends_behind_an_escaped_newline():
    content = b'a\\\n"b",c\n'
    assert scan(content, "escaped", 8)[0] == row_scanner.RawRow(0, 1, b"a\\\n", broken=True)
    assert scan(content[:3], "escaped", 8, goes_on=True) == [row_scanner.RawRow(0, 1, b"a\\\n", broken=True)]
    assert scan(content[:3], "escaped", 8) == [row_scanner.RawRow(0, 1, b"a\\\n")]


@pytest.mark.parametrize("size", [1, 9, 100])
def test_a_value_that_nothing_closes_opens_no_quote_wherever_a_read_ends(size):
    content = b'"N,"x\ny"\r\n1,"N\r\n'
    found = scan_in_pieces(content, size, LARGE, "unclosed")
    assert found == [row_scanner.RawRow(0, 1, content[:10]), row_scanner.RawRow(10, 3, content[10:])]


@pytest.mark.parametrize("max_bytes", LIMITS)
@pytest.mark.parametrize("content", UNUSUAL)
def test_rows_of_unusual_files_are_those_of_the_rule_itself(content, max_bytes):
    """Cases that a search at random finds in one of a million tries."""
    check_by_the_rule(content, max_bytes)


def test_a_long_line_is_rejected_wherever_its_block_begins():
    """What an earlier open quote made known must not let a worker keep a row that another one rejects."""
    content = b'"\na","\n"",,"a,"\n"'
    whole = [(row.start, row.broken) for row in scan(content, max_bytes=8)]
    assert whole == [(0, True), (2, True), (7, True), (16, True)]
    rest = scan(content[7:], max_bytes=8, start=7, line=3)
    assert [(row.start, row.broken) for row in rest] == whole[2:]


@pytest.mark.parametrize("format", ["csv", "escaped"])
def test_rows_whose_quotes_never_close_cost_no_more_than_others(monkeypatch, format):
    """A tool that cuts a field off cuts its closing quote off; each row would look through all that follow."""
    looked = 0

    class Counted:
        def __init__(self, pattern):
            self.pattern = pattern

        def match(self, buffer, at, limit):
            nonlocal looked
            found = self.pattern.match(buffer, at, limit)
            looked += (found.end() if found else min(limit, len(buffer))) - at
            return found

    for name in ("row_patterns", "quoted_newline_patterns"):
        patterns = getattr(dialect, name)(DIALECTS[format])
        monkeypatch.setattr(row_scanner, name, lambda _, patterns=patterns: tuple(map(Counted, patterns)))
    line = b'"%d","a review of two lines \\\nthat is cut off\n'
    content = b"id,text\n" + b"".join(line % place for place in range(10_000))
    for max_bytes in (10_000, LARGE, 16 * LARGE):
        looked = 0
        found = scan(content, format, max_bytes=max_bytes)
        assert [row.broken for row in found] == [False] + [True, False] * 10_000
        assert looked < 8 * len(content)
