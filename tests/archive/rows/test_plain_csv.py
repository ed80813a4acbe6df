"""Values are the same, whether rows are read all at once or one by one."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines.archive.rows import plain_csv, row_scanner
from beam_pipelines.archive.rows.dialect import CSV
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.text_format import TextFormat
from tests.helpers.archives import compiled, input_file, read_all, read_one
from tests.helpers.rows import often

PIECES = [
    b'"',
    b'""',
    b",",
    b";",
    b"'",
    b"\t",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"a",
    b"\x00",
    b"\xc3\xa9",
    b"\xc3",
    b"\xff",
]
PIECES += [b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\x80", b"\xe2\x80\xa8", b"\xef\xbb\xbf"]
LINES = [
    b"a,b,c\n",
    b"a\tb\tc\n",
    b'"a","b ""c""\n",""\r\n',
    b"'a';'b''';c\n",
    b",,\n",
    b"a\n",
    b'""\n',
    b'"a text of some words",',
]
contents = st.lists(st.sampled_from([*PIECES, *LINES]) | st.binary(max_size=3), max_size=30).map(b"".join)
sizes = st.sampled_from([12, 200, 1 << 20])
HEADERS = {"a": ("a",), "a{}b{}c": ("c", "a"), "c{}b{}a": ("a", "b", "c")}
WAYS = [
    {},
    {"delimiter": ";"},
    {"delimiter": "\t"},
    {"delimiter": " "},
    {"delimiter": ";", "quote": "'"},
    {"quote": None},
    {"encoding": "UTF8"},
    {"encoding": "latin-1"},
    {"encoding": "utf-8-sig"},
]


def seen(file, columns: tuple[str, ...], **how) -> list[tuple]:
    return [
        (
            block.extent,
            block.next_extent,
            block.rows,
            block.row_numbers.tolist(),
            block.rejects,
            [block.raw[row] for row in range(len(block.raw))],
        )
        for block in read_all(file, columns, **how)
    ]


@settings(often, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=1000)
@given(contents, st.sampled_from(list(HEADERS)), st.sampled_from(WAYS), sizes)
def test_any_bytes_give_the_same_blocks(tmp_path, content, header, how, size):
    first = header.replace("{}", how.get("delimiter", ",")).encode()
    file = input_file(tmp_path / "a.csv", first + b"\n" + content)
    with compiled(False):
        expected = seen(file, HEADERS[header], size=size, max_row_bytes=40, **how)
    with compiled(True):
        assert seen(file, HEADERS[header], size=size, max_row_bytes=40, **how) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (b"a,b\n", ["b", "a"]),
        (b"a,b\r\n", ["b", "a"]),
        (b"a,b", ["b", "a"]),
        (b",\n", ["", ""]),
        (b'"",""\r\n', ["", ""]),
        (b'"a\r\n, ""b""",""""\n', ['"', 'a\r\n, "b"']),
        (b'6" x 9,b\n', ["b", '6" x 9']),
        ("é,\U0001f600\n".encode(), ["\U0001f600", "é"]),
        (b"\n", None),
        (b"\r\n", None),
        (b"a\n", None),
        (b"a,b,\n", None),
        (b"a\rb,c\n", None),
        (b"a,b\r\r\n", None),
        (b"a,b\r", None),
        (b'"a"b,c\n', None),
        (b'a,"b"\r', None),
        (b"a,\xc3\n", None),
        (b"\xed\xa0\x80,b\n", None),
    ],
)
def test_which_rows_are_plain(row, expected):
    """All others cost some microseconds each."""
    around = [b"x,y\n", row if row.endswith(b"\n") else b"", b"x,y\n", row]
    found = [row_scanner.RawRow(0, line, data) for line, data in enumerate(around, 2) if data]
    rows = RawRows.of(found)
    with compiled(True):
        plain = plain_csv.take_plain_rows(rows, dialect=CSV, is_utf8=True, field_count=2, indices=[1, 0], first_line=3)
    second, first = plain.columns
    assert plain.is_plain.tolist() == [
        raw_row.line > 2 and (raw_row.data == b"x,y\n" or expected is not None) for raw_row in found
    ]
    values = zip(second.to_pylist(), first.to_pylist(), strict=True)
    assert [list(pair) for pair in values if pair != ("y", "x")] == [expected] * (len(found) - 2) * bool(expected)


def test_rows_that_are_not_plain_keep_their_place(tmp_path):
    content = b'text,band\n"a"b,1\nc,2\nbad\n\nd\r,\xc3\n"e"f,3\ng,4\n'
    with compiled(True):
        block = read_one(input_file(tmp_path / "a.csv", content))
    assert block.rows.to_pydict() == {"text": ["ab", "c", "ef", "g"], "band": ["1", "2", "3", "4"]}
    assert block.row_numbers.tolist() == [2, 3, 7, 8]
    assert [reject.row_number for reject in block.rejects] == [4, 6]
    assert [block.raw[row] for row in range(4)] == [b'"a"b,1\n', b"c,2\n", b'"e"f,3\n', b"g,4\n"]
    assert block.reject({2: "empty_text"}).rejects[-1].raw == '"e"f,3\n'


@pytest.mark.parametrize(
    ("encoding", "less", "is_plain"),
    [("utf-8", 0, True), ("UTF8", 0, True), ("utf-8", 1, False), ("latin-1", 0, False), ("utf-8-sig", 0, False)],
)
def test_what_is_read_at_once(encoding, less, is_plain):
    rows = RawRows.of([row_scanner.RawRow(0, 3, b"a" * (row_scanner.LONG_BYTES - less))])
    is_utf8 = TextFormat(encodings=(encoding,)).is_utf8_first
    plain = plain_csv.take_plain_rows(rows, dialect=CSV, is_utf8=is_utf8, field_count=1, indices=[0], first_line=3)
    assert plain.is_plain.tolist() == [is_plain]
    assert [len(column) for column in plain.columns] == [is_plain]
