"""Several workers cut a file where one scan of it does, whatever stands in it."""

import contextlib
import io
import pickle
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.archive import text_cuts
from beam_pipelines.archive.rows import raw_rows
from beam_pipelines.archive.rows.dialect import CSV, JSON_LINES, Dialect
from beam_pipelines.archive.text_cuts import Cut
from tests.helpers.archives import compiled
from tests.helpers.rows import DIALECTS, LARGE, limits, often, pieces, scan_plainly

sizes = st.integers(1, 40)
dialects = st.sampled_from(list(DIALECTS.values()))


class Counted(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


def scan_ranges(content: bytes, dialect: Dialect, max_bytes: int, size: int, bounds: list[int]):
    """Scans the ranges between bounds, each as if by a worker elsewhere."""
    scanned = [
        text_cuts.scan_range(io.BytesIO(content), dialect, max_bytes, size=size, begin=begin, end=end)
        for begin, end in zip([0, *bounds], [*bounds, max([len(content), *bounds]) + 1], strict=True)
    ]
    return pickle.loads(pickle.dumps(scanned))


def join(content: bytes, ranges, dialect: Dialect, max_bytes: int, size: int) -> tuple[list[Cut], int]:
    """Joins them; returns the cuts, and how many bytes were read again."""
    stream = Counted(content)
    found = text_cuts.join_ranges(ranges, lambda: contextlib.nullcontext(stream), dialect, max_bytes, size=size)
    return found, stream.count


def cut_plainly(content: bytes, dialect: Dialect, max_bytes: int, size: int) -> list[Cut]:
    """Cuts by the rule's own words, row by row."""
    starts = [start for start, _ in scan_plainly(content, max_bytes, dialect)]
    behind = [min((start for start in starts if start >= at), default=None) for at in range(size, len(content), size)]
    cuts = sorted({start for start in behind if start not in (None, starts[0])}) if starts else []
    return [Cut(0, 1)][: len(starts)] + [Cut(start, content.count(b"\n", 0, start) + 1) for start in cuts]


@contextlib.contextmanager
def kept(rows: int, every: int, read_bytes: int, mended_bytes: int):
    """Keeps few rows, and handles few at a time."""
    sizes = {"KEPT_ROWS": rows, "KEPT_EVERY": every, "READ_BYTES": read_bytes, "MENDED_BYTES": mended_bytes}
    with mock.patch.multiple(text_cuts, **sizes), mock.patch.object(raw_rows, "READ_BYTES", read_bytes):
        yield


keeping = st.builds(kept, st.integers(1, 4), st.integers(3, 60), st.integers(1, 9), st.integers(1, 40))
all_bounds = st.lists(st.integers(1, 120), max_size=6, unique=True).map(sorted)


@settings(often, max_examples=1000)
@given(pieces, dialects, limits, sizes, st.booleans())
def test_one_scan_cuts_before_the_first_row_at_or_behind_each_multiple(content, dialect, max_bytes, size, is_compiled):
    with compiled(is_compiled):
        found = list(text_cuts.scan_sequentially(io.BytesIO(content), dialect, max_bytes, size=size))
    assert found == cut_plainly(content, dialect, max_bytes, size)


@settings(often, max_examples=3000)
@given(pieces, dialects, limits, sizes, all_bounds, keeping, st.booleans())
def test_ranges_are_cut_as_by_one_scan(content, dialect, max_bytes, size, bounds, keeping, is_compiled):
    with keeping, compiled(is_compiled):
        found, _ = join(content, scan_ranges(content, dialect, max_bytes, size, bounds), dialect, max_bytes, size)
    assert found == cut_plainly(content, dialect, max_bytes, size)


@pytest.mark.parametrize(
    ("content", "size", "expected"),
    [
        pytest.param(b"", 1, [], id="no row"),
        pytest.param(b"\xef\xbb\xbf", 1, [], id="a mark alone"),
        pytest.param(b"\xef\xbb\xbfa\nb\n", 1, [Cut(0, 1), Cut(5, 2)], id="a mark belongs to the first row"),
        pytest.param(b"a\nb\nc\n", 2, [Cut(0, 1), Cut(2, 2), Cut(4, 3)], id="rows at multiples"),
        pytest.param(b"a\nb\nc\n", 3, [Cut(0, 1), Cut(4, 3)], id="a row behind a multiple"),
        pytest.param(b"aaaaaaaaa\nb\n", 2, [Cut(0, 1), Cut(10, 2)], id="several multiples within a row"),
        pytest.param(b'"a\n\nb"\nc\nd', 3, [Cut(0, 1), Cut(7, 4), Cut(9, 5)], id="newlines within quotes"),
        pytest.param(b"a\nb\nc\n", 7, [Cut(0, 1)], id="less than one extent"),
        pytest.param(b"aaa\n", 4, [Cut(0, 1)], id="no row behind the last newline"),
    ],
)
def test_the_rule(content, size, expected):
    assert list(text_cuts.scan_sequentially(io.BytesIO(content), CSV, LARGE, size=size)) == expected
    for bounds in ([], [1], [2, 3, 5], [len(content) + 1]):
        assert join(content, scan_ranges(content, CSV, LARGE, size, bounds), CSV, LARGE, size)[0] == expected


def quoted_rows(count: int) -> bytes:
    """Reviews of many lines, one of them like another row, as CSV writes them."""
    text = 'It was, so to say, ""fine"".\n1,not a row\n\n""And"", he said, ""so\nwas the end.""'
    return b"id,text,stars\n" + b"".join(b'%d,"%s, %d",5\n' % (row, text.encode() * 3, row) for row in range(count))


def test_newlines_within_quotes_hardly_have_a_file_read_again():
    content = quoted_rows(20_000)
    step = len(content) // 16
    ranges = scan_ranges(content, CSV, LARGE, 50_000, list(range(step, len(content), step)))
    expected = list(text_cuts.scan_sequentially(io.BytesIO(content), CSV, LARGE, size=50_000))
    assert len(expected) > 90
    assert join(content, ranges, CSV, LARGE, 50_000) == (expected, 0)


def test_a_range_that_was_assumed_wrongly_is_read_again_up_to_a_row_that_was_right():
    """Its worker took the lines of a quoted text for rows, more of them than it keeps from the start of a range."""
    row = b"1,text of a review\n"
    quoted = b'2,"' + row * 2000 + b'"\n'
    content = row * 50 + quoted + row * 300_000
    ranges = scan_ranges(content, CSV, LARGE, 1 << 16, [1500, 5 << 20])
    assert ranges[1].offsets[text_cuts.KEPT_ROWS - 1] < content.find(quoted) + len(quoted)
    found, read_again = join(content, ranges, CSV, LARGE, 1 << 16)
    assert found == list(text_cuts.scan_sequentially(io.BytesIO(content), CSV, LARGE, size=1 << 16))
    assert read_again == text_cuts.MENDED_BYTES


@pytest.mark.parametrize("read_bytes", [1, LARGE])
def test_rows_that_a_worker_took_for_a_quoted_text_are_cut_where_they_are(read_bytes):
    content = b'"a\nb,"\nc\nd\ne\nf\n"x"\ng\n'
    with kept(rows=256, every=LARGE, read_bytes=read_bytes, mended_bytes=read_bytes):
        ranges = scan_ranges(content, CSV, LARGE, 5, [3])
        assert ranges[1].offsets.tolist() == [3, 19]
        found, _ = join(content, ranges, CSV, LARGE, 5)
    assert found == [Cut(0, 1), Cut(7, 3), Cut(11, 5), Cut(15, 7)]


def test_a_range_without_a_newline_is_not_read_on_for_one():
    """Else each worker would read a file of one endless line to its end."""
    stream = Counted(b"a" * 100_000 + b"\nb\n")
    scanned = text_cuts.scan_range(stream, JSON_LINES, LARGE, size=10, begin=1000, end=2000)
    assert len(scanned.offsets) == 0
    assert stream.count == 1000


def test_what_a_worker_found_stays_small():
    """It travels to the one that joins the ranges."""
    content = b"a,b\n" * 500_000
    (scanned,) = scan_ranges(content, CSV, LARGE, 100_000, [])
    assert len(scanned.offsets) == text_cuts.KEPT_ROWS + 19 + 1
    assert len(pickle.dumps(scanned)) < 10_000


@pytest.mark.parametrize("dialect", [CSV, JSON_LINES])
def test_a_range_tells_the_row_behind_it(dialect):
    """The last one that starts before 8 goes on up to 9, and the next one starts in the next range."""
    scanned = text_cuts.scan_range(io.BytesIO(b"aa\nb\ncc\nd\ne"), dialect, LARGE, size=4, begin=1, end=7)
    assert scanned.offsets.tolist() == [3, 5, 8]
    assert scanned.lines.tolist() == [0, 1, 2]
    assert scanned.are_cuts.tolist() == [False, True, True]
