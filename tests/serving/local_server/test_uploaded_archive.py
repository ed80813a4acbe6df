"""A file that was dropped on the page becomes rows, in order, with the cells that stood there."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.local_server import uploaded_archive
from serving.local_server.failures import Failure
from serving.local_server.uploaded_archive import Row, Upload


def rows(name: str, body: str | bytes, column: str = "text", max_text_bytes: int = 100) -> list[tuple]:
    table = Upload(name, body.encode() if isinstance(body, str) else body).rows(column, max_text_bytes)
    return [table.header, *(tuple(row.cells) for row in table.rows)]


def parquet(**columns) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("a.csv", '\ufeffid,text\n1,"hi, ""you"""\n', [("id", "text"), ("1", 'hi, "you"')]),
        ("index.csv", ",text\n0,hi\n", [("", "text"), ("0", "hi")]),
        ("twice.csv", "id,id,text\n1,2,hi\n", [("id", "id", "text"), ("1", "2", "hi")]),
        ("lines.csv", 'text,sum\n"two\nlines",=1+1\n', [("text", "sum"), ("two\nlines", "=1+1")]),
        ("semicolons.csv", 'id;text\n1;"a;b"\n', [("id", "text"), ("1", "a;b")]),
        ("tabs.txt", "id\ttext\n1\thi\n", [("id", "text"), ("1", "hi")]),
        ("a.tsv", "id\ttext\n1\thi\n", [("id", "text"), ("1", "hi")]),
        ("excel.csv", "text\ncaf\u00e9\n".encode("cp1252"), [("text",), ("caf\u00e9",)]),
        ("a.jsonl", '{"text": "hi", "n": [1, 2]}\n{"text": "yo"}\n', [("text", "n"), ("hi", "[1, 2]"), ("yo", "")]),
        ("a.parquet", parquet(n=[1.5, None], text=["hi", "yo"]), [("n", "text"), ("1.5", "hi"), ("", "yo")]),
        ("a.csv.gz", gzip.compress(b"id,text\n1,hi\n"), [("id", "text"), ("1", "hi")]),
        ("a" * 300 + "*.csv", "text\nhi\n", [("text",), ("hi",)]),
    ],
)
def test_any_format_becomes_rows_of_the_cells_that_stood_there(name, body, expected):
    assert rows(name, body) == expected


def test_a_row_that_cannot_be_used_stays_in_its_place_and_says_why():
    body = 'id,text\n1,hi\n2\n3,\n4,too,many\n5,yo\n6,very long\n7,"open\n'
    assert Upload("a.csv", body.encode()).rows("text", 5).rows == [
        Row(["1", "hi"], "hi"),
        Row(["", "2"], reason="too_few_fields"),
        Row(["3", ""], reason="empty_text"),
        Row(["", "4,too,many"], reason="too_many_fields"),
        Row(["5", "yo"], "yo"),
        Row(["6", "very long"], "very long", "text_too_long"),
        Row(["", '7,"open'], reason="open_quote"),
    ]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("a.csv", b"", "the file has no rows that tell its columns"),
        ("a.csv", b"id,body\n1,hi\n", "a.csv has no column 'text'; it has: id, body"),
        ("a.csv", b"text,text\n1,hi\n", "a.csv has several columns 'text'"),
        (
            "a.json",
            b'[{"text": "hi"}]',
            r"a.json is no file of JSON lines: it is one JSON array: write an object a line ",
        ),
        ("a.xlsx", b"PK\3\4" + bytes(40), "a.xlsx is an Excel workbook by its name, and damaged; export it as CSV"),
        ("a.csv", b"text\n" + b"a\n" * 5_001, "the file has more than 5,000 rows; score it with: review-scorer score"),
    ],
)
def test_what_is_wrong_is_told_by_the_file_s_own_name(name, body, message):
    with pytest.raises(Failure, match=f"^{message}"):
        Upload(name, body).rows("text", 100)


def test_a_small_file_that_unpacks_to_a_large_one_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(uploaded_archive, "MAX_UNPACKED_BYTES", 2 << 20)
    body = gzip.compress(b"text\n" + (b"a" * 999_999 + b"\n") * 100)
    with pytest.raises(Failure, match="the texts have more than 2 MB"):
        Upload("a.csv.gz", body).rows("text", 2**20)


def test_columns_are_told_before_one_is_chosen():
    assert Upload("a.csv", b"id,body\n1,hi\n").columns() == ("id", "body")
