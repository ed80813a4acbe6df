"""Each text format has its reader, and both ways to read a row give the same values."""

import collections

import pyarrow as pa
import pytest

from beam_pipelines.archive.csv_and_json_lines import CsvReader, JsonLinesReader, WithoutColumn, reader_of
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.archive.read_options import ReadOptions
from beam_pipelines.archive.rows import row_scanner
from beam_pipelines.archive.rows.raw_rows import RawRows
from beam_pipelines.archive.rows.row_parsing import BadRow, Notes
from beam_pipelines.archive.rows.row_scanner import RawRow
from beam_pipelines.archive.rows.text_format import TextFormat
from tests.helpers.archives import compiled

CSV_ROWS = [RawRow(0, 3, b'1,"a",x\n'), RawRow(10, 4, b"2,b,y\n"), RawRow(20, 5, b'3,"c"c,z\n')]


def input_file(format: str, **more) -> InputFile:
    return InputFile(index=0, path=f"/in/a.{format}", format=format, compression=None, size_bytes=100, **more)


def csv_reader(columns: tuple[str, ...], format: str = "csv", **text_format) -> CsvReader:
    options = ReadOptions(columns=columns, text_format=TextFormat(**text_format))
    return CsvReader.of(input_file(format), ("id", "text", "n"), options)


def test_columns_are_found_in_the_header_in_the_wanted_order():
    reader = csv_reader(("n", "id"))
    assert (reader.header, reader.indices) == (("id", "text", "n"), (2, 0))


def test_a_column_that_may_be_missing_is_null_in_every_row():
    reader, notes = csv_reader(("stars", "text", "band")), Notes()
    assert reader.indices == (None, 1, None)
    with compiled(True):
        plain = reader.take_plain(RawRows.of(CSV_ROWS))
    assert [column.to_pylist() for column in plain.columns] == [[None, None], ["a", "b"], [None, None]]
    assert [column.type for column in plain.columns] == [pa.string()] * 3
    assert reader.take_row(CSV_ROWS[2], notes) == [None, "cc", None]


HEADER = ("id", "text")


@pytest.mark.parametrize(
    ("file", "columns", "optional", "kind"),
    [
        (input_file("csv", header=HEADER), ("text",), (), CsvReader),
        (input_file("tsv", header=HEADER), ("text", "id"), (), CsvReader),
        (input_file("csv", header=HEADER), ("text", "n"), ("n",), CsvReader),
        (input_file("csv", header=HEADER), ("text", "n"), (), WithoutColumn),
        (input_file("csv", header=HEADER), ("text", "n", "m"), ("n",), WithoutColumn),
        (input_file("csv", header=("id",)), ("text",), (), WithoutColumn),
        # All of its lines are blank.
        (input_file("csv", header=None), ("text",), (), JsonLinesReader),
        (input_file("jsonl"), ("text", "n"), (), JsonLinesReader),
    ],
)
def test_who_reads_a_file(file, columns, optional, kind):
    assert type(reader_of(file, ReadOptions(columns=columns, optional=optional))) is kind


def test_all_rows_of_a_file_without_a_wanted_column_are_bad():
    reader = reader_of(input_file("csv", header=HEADER, header_line=2), ReadOptions(columns=("text", "n")))
    above, header, row = RawRow(0, 1, b"sep=,\n"), RawRow(6, 2, b"id,text\n"), RawRow(14, 3, b"1,a\n")
    assert [reader.take_row(one, Notes()) for one in (above, header, RawRow(18, 4, b"\r\n"))] == [None] * 3
    with pytest.raises(BadRow, match=r"^missing_column$"):
        reader.take_row(row, Notes())
    plain = reader.take_plain(RawRows.of([header, row]))
    assert (plain.is_plain.tolist(), [len(column) for column in plain.columns]) == ([False, False], [0, 0])


def test_readers_of_equal_files_are_equal():
    """So that their rows share a block."""
    options = ReadOptions(columns=("text",))
    one, other = (reader_of(input_file(name, header=HEADER), options) for name in ("csv", "csv"))
    assert one == other
    for different in (
        input_file("tsv", header=HEADER),
        input_file("csv", header=("text", "id")),
        input_file("csv", header=HEADER, delimiter=";"),
        input_file("csv", header=HEADER, header_line=2),
        input_file("csv", header=("id",)),
        input_file("jsonl"),
    ):
        assert reader_of(different, options) != one


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
