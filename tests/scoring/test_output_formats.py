"""Tables are written in each format as what they hold, as far as the format has a form for it."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.scoring.output_columns import EXPLANATION
from beam_pipelines.scoring.output_formats import TableWriter

NAN, INFINITY = float("nan"), float("inf")
REASONS = [{"phrase": "a \u201egem\u201c", "points": -2.5}, {"phrase": "x", "points": NAN}]


def table(**columns: pa.Array) -> pa.Table:
    return pa.table(columns)


def encode(output_format: str, *tables: pa.Table) -> bytes:
    """What is written of some tables behind each other."""
    sink = io.BytesIO()
    writer = TableWriter(sink, output_format)
    for one in tables:
        writer.write(one)
    writer.close()
    return sink.getvalue()


def parse_jsonl(data: bytes) -> list[dict]:
    def refuse(constant: str):
        raise ValueError(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in data.decode().splitlines()]


def parse_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


ODD = table(
    score=pa.array([7.3, NAN, None], pa.float32()),
    wide=pa.array([0.1, INFINITY, -INFINITY]),
    truncated=pa.array([True, None, False]),
    tokens=pa.array([2**60, None, -1]),
    text=pa.array(['line\nbreak, "quote"', "", None]),
    raw=pa.array([b"caf\xc3\xa9", b"\xff\x00", None]),
    numbers=pa.array([[1.5, NAN], [], None]),
    reasons=pa.array([REASONS, [], None], EXPLANATION["reasons"]),
)


def test_parquet_holds_the_table_itself():
    metadata = {"description": "the score", "unit": "0 to 100"}
    described = ODD.cast(ODD.schema.set(0, ODD.schema.field(0).with_metadata(metadata)))
    read = pq.read_table(io.BytesIO(encode("parquet", described)))
    # Parquet gives the items of lists another name.
    read = read.cast(described.schema)
    assert str(read.to_pylist()) == str(ODD.to_pylist())
    assert read.schema.field("score").metadata == {b"description": b"the score", b"unit": b"0 to 100"}


def test_json_lines_have_null_for_what_json_has_no_number_for():
    assert parse_jsonl(encode("jsonl", ODD)) == [
        {
            "score": 7.3,
            "wide": 0.1,
            "truncated": True,
            "tokens": 2**60,
            "text": 'line\nbreak, "quote"',
            "raw": "caf\u00e9",
            "numbers": [1.5, None],
            "reasons": [{"phrase": "a \u201egem\u201c", "points": -2.5}, {"phrase": "x", "points": None}],
        },
        {
            "score": None,
            "wide": None,
            "truncated": None,
            "tokens": None,
            "text": "",
            "raw": "ff00",
            "numbers": [],
            "reasons": [],
        },
        dict.fromkeys(ODD.column_names) | {"truncated": False, "tokens": -1},
    ]


def test_json_lines_have_the_fewest_digits_that_round_to_float32():
    values = np.array([0.1, 7.3, 1 / 3, 1e-20, 3e38, 16777217], np.float32)
    lines = encode("jsonl", table(score=pa.array(values))).decode().splitlines()
    written = [line.removeprefix('{"score": ').removesuffix("}") for line in lines]
    assert written == ["0.1", "7.3", "0.33333334", "1e-20", "3e+38", "16777216.0"]
    assert (np.array(written, np.float32) == values).all()


def test_csv_has_an_empty_field_for_nothing_and_json_for_lists():
    header, first, second, third = parse_csv(encode("csv", ODD))
    assert header == ODD.column_names
    assert first[2:6] == ["true", str(2**60), 'line\nbreak, "quote"', "caf\u00e9"]
    assert (float(first[0]), float(first[1])) == (pytest.approx(7.3), 0.1)
    assert [json.loads(field) for field in first[6:]] == [[1.5, None], [REASONS[0], {"phrase": "x", "points": None}]]
    assert second[2:] == ["", "", "", "ff00", "[]", "[]"]
    assert third == ["", "-inf", "false", "-1", "", "", "", ""]


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "-", "+", "-1-1", "=", "-1e", "+1.2.3", "-1\n=2"]
)
def test_a_spreadsheet_runs_no_text_of_a_csv(text):
    [header], [field] = parse_csv(encode("csv", pa.table({text: pa.array([text])})))
    assert header == field == "'" + text


@pytest.mark.parametrize("text", ["-1", "+1.5", "-.5", "-1e-5", "+2.", "a=1", " =1", "", "1-1", "'=1", "\u2212"])
def test_numbers_and_other_texts_of_a_csv_stay_as_they_are(text):
    _, fields = parse_csv(encode("csv", table(a=pa.array([text]), b=pa.array([0]))))
    assert fields == [text, "0"]


def test_bytes_and_json_of_a_csv_are_not_run_either():
    _, fields = parse_csv(encode("csv", table(a=pa.array([b"=1"]), b=pa.array([["=1"]]))))
    assert fields == ["'=1", '["=1"]']


@pytest.mark.parametrize("output_format", ["parquet", "jsonl", "csv"])
def test_an_extent_without_rows_is_a_shard_too(output_format):
    data = encode(output_format, ODD.slice(0, 0))
    if output_format == "parquet":
        assert pq.read_table(io.BytesIO(data)).schema.equals(ODD.schema)
    else:
        assert len(data.splitlines()) == (output_format == "csv")


def test_each_table_of_parquet_is_a_row_group():
    """So that memory holds one of them, and whoever reads it too; one without a row leaves none."""
    file = pq.ParquetFile(io.BytesIO(encode("parquet", ODD, ODD.slice(0, 0), ODD.slice(1, 1), ODD)))
    groups = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
    assert groups == [3, 1, 3]
    rows = ODD.to_pylist()
    assert str(file.read().to_pylist()) == str([*rows, rows[1], *rows])


def test_tables_of_json_lines_and_csv_follow_each_other_under_one_header():
    one, other = table(a=pa.array(["x"]), b=pa.array([1])), table(a=pa.array(["y\nz"]), b=pa.array([2]))
    assert encode("jsonl", one, other) == b'{"a": "x", "b": 1}\n{"a": "y\\nz", "b": 2}\n'
    assert parse_csv(encode("csv", one, other)) == [["a", "b"], ["x", "1"], ["y\nz", "2"]]
    assert parse_csv(encode("csv", one.slice(0, 0), other)) == [["a", "b"], ["y\nz", "2"]]


@pytest.mark.parametrize("output_format", ["jsonl", "csv"])
def test_what_is_written_is_the_same_in_one_table_or_several(output_format):
    assert encode(output_format, ODD.slice(0, 1), ODD.slice(1)) == encode(output_format, ODD)


@pytest.mark.parametrize("output_format", ["parquet", "jsonl", "csv"])
def test_the_stream_stays_open_for_whoever_publishes_it(output_format):
    sink = io.BytesIO()
    writer = TableWriter(sink, output_format)
    writer.close()
    assert (sink.closed, sink.getvalue()) == (False, b"")
