"""One row gives its values, or the reason why it has none."""

import dataclasses

import pytest

from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.rows import row_parsing
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError

FILE = InputFile(index=0, path="/in/a.csv", format="csv", compression=None, size_bytes=100)


def take_csv(data: bytes, *, line: int = 2, broken: bool = False, format: str = "csv", notes=None, **text_format):
    text_format = TextFormat(**text_format)
    return row_parsing.take_csv_row(
        RawRow(0, line, data, broken),
        dialect=text_format.dialect(dataclasses.replace(FILE, format=format)),
        text_format=text_format,
        header=("id", "n", "text"),
        header_line=1,
        indices=[2, 0],
        notes=notes or Notes(),
    )


def take_json(data: bytes, *, broken: bool = False, notes: Notes | None = None, **text_format):
    return row_parsing.take_json_row(
        RawRow(0, 1, data, broken),
        text_format=TextFormat(**text_format),
        columns=("text", "n"),
        all_columns=notes is not None,
        notes=notes or Notes(),
    )


@pytest.mark.parametrize(
    ("data", "how", "expected"),
    [
        (b"a,b,c\n", {}, ["c", "a"]),
        (b'"a ""b""","x\ny",c\r\n', {}, ["c", 'a "b"']),
        (b",,", {}, ["", ""]),
        (b"a\tb\tc\n", {"format": "tsv"}, ["c", "a"]),
        (b"a;b;'c;d'\n", {"delimiter": ";", "quote": "'"}, ["c;d", "a"]),
        (b'"a,b,"c\n', {"quote": None}, ['"c', '"a']),
        (b"\xe9,b,c\n", {"encodings": ("latin-1",)}, ["c", "é"]),
        (b"a,b,c\n", {"line": 1}, None),
        (b"\n", {}, None),
        (b"\r\n", {}, None),
    ],
)
def test_the_fields_of_a_csv_row(data, how, expected):
    assert take_csv(data, **how) == expected


@pytest.mark.parametrize(
    ("data", "how", "reason"),
    [
        (b"a,b\n", {}, "too_few_fields"),
        (b" \n", {}, "too_few_fields"),
        (b"a,b,c,\n", {}, "too_many_fields"),
        (b"a,b\rc,d\n", {}, "broken_csv"),
        (b"a,b,\xff\n", {}, "invalid_utf8"),
        (b"a,b,\x81\n", {"encodings": ("cp1252",)}, "invalid_cp1252"),
        (b'a,"b', {"broken": True}, "open_quote"),
        (b"a,'b", {"broken": True, "quote": "'"}, "open_quote"),
        (b"a,b", {"broken": True}, "row_too_long"),
        (b'a,"b', {"broken": True, "quote": None}, "row_too_long"),
        (b"a,'b", {"broken": True}, "row_too_long"),
    ],
)
def test_the_reason_of_a_bad_csv_row(data, how, reason):
    with pytest.raises(row_parsing.BadRow, match=f"^{reason}$"):
        take_csv(data, **how)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"text": "a", "n": 1}\n', ["a", "1"]),
        (b'{"n": {"b": null}, "text": null}', [None, '{"b": null}']),
        (b"{}", [None, None]),
        (b'{"text": "\\ud83d\\ude00"}', ["\U0001f600", None]),
        (b" \r\n", None),
    ],
)
def test_the_values_of_a_json_line(data, expected):
    assert take_json(data) == expected


@pytest.mark.parametrize(
    ("data", "how", "reason"),
    [
        (b'{"text": "a"', {}, "broken_json"),
        (b"[1]", {}, "not_an_object"),
        (b'{"text": 1}', {}, "text_not_a_string"),
        (b'{"text": "\xff"}', {}, "invalid_utf8"),
        (b'{"text": "\\ud83d"}', {}, "invalid_utf8"),
        (b'{"text": "a", "n": "\\uDC00"}', {}, "invalid_utf8"),
        (b'{"text": "\x81"}', {"encodings": ("cp1252",)}, "invalid_cp1252"),
        (b'{"text": "a"}', {"broken": True}, "row_too_long"),
    ],
)
def test_the_reason_of_a_bad_json_line(data, how, reason):
    with pytest.raises(row_parsing.BadRow, match=f"^{reason}$"):
        take_json(data, **how)


def test_keys_beside_the_columns_are_counted_once_a_row_even_of_a_bad_one():
    notes = Notes()
    take_json(b'{"text": "a", "stars": 1, "by": {"stars": 2}}', notes=notes)
    with pytest.raises(row_parsing.BadRow):
        take_json(b'{"text": 1, "stars": 1}', notes=notes)
    assert take_json(b"\n", notes=notes) is None
    assert notes.unlisted_keys == {"stars": 2, "by": 1}


@pytest.mark.parametrize(
    ("data", "broken", "sentence"),
    [
        (b'"id,text\n', True, "/in/a.csv: its first line is no header: open_quote"),
        (b"id,t\xe9xt\n", False, "/in/a.csv: its first line is no header: invalid_utf8"),
        (
            b"id,text\r1,a\r",
            False,
            "/in/a.csv: its lines end with a carriage return alone; convert them first, as tr '\\r' '\\n' does",
        ),
    ],
)
def test_a_first_line_that_is_no_header_is_an_error(data, broken, sentence):
    with pytest.raises(UserError) as caught:
        row_parsing.read_header(RawRow(0, 1, data, broken), FILE, TextFormat())
    assert str(caught.value) == sentence


def test_a_header():
    assert row_parsing.read_header(RawRow(0, 1, b'id,"a ""text"""\r\n'), FILE, TextFormat()) == ["id", 'a "text"']
