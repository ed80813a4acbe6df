"""Each text format has its reader, and both ways to read a row give the same values."""

import collections

import pytest

from beam_pipelines.archive.csv_and_json_lines import CsvReader, JsonLinesReader
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import row_scanner
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import Notes
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from beam_pipelines.errors import UserError
from tests.helpers.archives import compiled

CSV_ROWS = [RawRow(0, 3, b'1,"a",x\n'), RawRow(10, 4, b"2,b,y\n"), RawRow(20, 5, b'3,"c"c,z\n')]


def input_file(format: str) -> InputFile:
    return InputFile(index=0, path=f"/in/a.{format}", format=format, compression=None, size_bytes=100)


def csv_reader(columns: tuple[str, ...], format: str = "csv", **text_format) -> CsvReader:
    options = ReadOptions(columns=columns, text_format=TextFormat(**text_format))
    return CsvReader.of(input_file(format), ["id", "text", "n"], options)


def test_columns_are_found_in_the_header_in_the_wanted_order():
    reader = csv_reader(("n", "id"))
    assert (reader.header, reader.indices) == (("id", "text", "n"), [2, 0])
    with pytest.raises(UserError, match=r"(?m)^/in/a.csv has no column 'stars'; it has: id, text, n$"):
        csv_reader(("text", "stars"))


def test_plain_rows_of_csv_are_taken_at_once_and_any_row_alone():
    reader, notes = csv_reader(("text", "n")), Notes()
    with compiled(True):
        plain = reader.take_plain(RawRows.of(CSV_ROWS))
    assert plain.is_plain.tolist() == [True, True, False]
    assert [column.to_pylist() for column in plain.columns] == [["a", "b"], ["x", "y"]]
    assert [reader.take_row(row, notes) for row in CSV_ROWS] == [["a", "x"], ["b", "y"], ["cc", "z"]]
    assert notes == Notes(remarks=collections.Counter(text_after_closing_quote=1))


def test_the_dialect_and_the_encoding_reach_both_ways():
    rows = [RawRow(0, 3, "1;'é;';x\n".encode("latin-1"))]
    reader = csv_reader(("text",), delimiter=";", quote="'", encodings=("latin-1",))
    with compiled(True):
        assert reader.take_plain(RawRows.of(rows)).is_plain.tolist() == [False]
    assert reader.take_row(rows[0], Notes()) == ["é;"]
    tabs = [RawRow(0, 3, b"1\ta,b\tx\n")]
    with compiled(True):
        assert csv_reader(("text",), "tsv").take_plain(RawRows.of(tabs)).columns[0].to_pylist() == ["a,b"]
    assert csv_reader(("text",), "tsv").take_row(tabs[0], Notes()) == ["a,b"]


@pytest.mark.parametrize(("all_columns", "expected"), [(True, {"id": 1}), (False, {})])
def test_json_lines_are_taken_one_by_one(all_columns, expected):
    row, notes = RawRow(0, 1, b'{"id": 7, "text": "a"}\n'), Notes()
    reader = JsonLinesReader(ReadOptions(columns=("text", "n"), all_columns=all_columns))
    plain = reader.take_plain(RawRows.of([row]))
    assert plain.is_plain.tolist() == [False]
    assert [len(column) for column in plain.columns] == [0, 0]
    assert reader.take_row(row, notes) == ["a", None]
    assert notes.unlisted_keys == expected


def test_short_files_load_no_compiled_code():
    assert sum(len(row.data) for row in CSV_ROWS) < row_scanner.LONG_BYTES
    assert not csv_reader(("text",)).take_plain(RawRows.of(CSV_ROWS)).is_plain.any()
