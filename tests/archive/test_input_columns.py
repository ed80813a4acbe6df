"""The columns of all files are looked at before any work, and one that is missing is named."""

import gzip
import pathlib
import re

import pyarrow as pa
import pytest

from beam_pipelines.archive import input_columns
from beam_pipelines.archive.columns import Columns
from beam_pipelines.archive.finding import input_files
from beam_pipelines.archive.finding.input_files import InputFile
from beam_pipelines.errors import UserError
from tests.helpers.archives import find_files, input_file, look_at, parquet

BOM = b"\xef\xbb\xbf"


def check(*paths: pathlib.Path, wanted=("text", "id")) -> None:
    input_columns.require(look_at(*paths).columns, wanted)


def written(path: pathlib.Path, content: bytes) -> pathlib.Path:
    path.write_bytes(content)
    return path


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.csv", b"id,text\n"),
        ("b.tsv", b"text\tid"),
        ("b.jsonl", b'{"id": 1}\n{"text": "a"}\n'),
        ("b.parquet", parquet({"text": ["a"], "id": [1]})),
        ("b.csv", b""),
        ("b.csv", b"text,id,n,n\n"),
    ],
)
def test_columns_that_are_there_pass(tmp_path, name, content):
    check(written(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("b.csv", b"id,Text\n1,a\n", "has no column 'text'; it has: id, Text; is it 'Text'?"),
        ("b.tsv", b"id,text\n1,a\n", "has no column 'text'; it has: id,text; add --csv_delimiter ','"),
        ("b.csv", b"id, text\n1,a\n", "has no column 'text'; it has: id, ' text'; is it ' text'?"),
        ("b.jsonl", b'{"id": 1}\n{"body": "a"}\n', "has no column 'text'; it has: id, body"),
        (
            "b.json",
            b'[\n{"text": "a"}]\n',
            "is no file of JSON lines: it is one JSON array: write an object a line first, as jq -c '.[]' does",
        ),
        ("b.parquet", parquet({"id": [1]}), "has no column 'text'; it has: id"),
        (
            "b.csv",
            b"Export of May\n\nid,text\n1,a\n",
            "has no column 'text'; it has: Export of May; the header seems to stand on line 3: delete what is above "
            "it, as tail -n +3 does",
        ),
        ("b.csv", b'{"text": "a"}\n', "has no header of csv, but JSON: add --input_format jsonl"),
        (
            "b.csv",
            b" id | text \n----+------\n",
            "has no column 'text'; it has: ' id | text '; it is a drawn table: export it as CSV, as psql --csv and "
            "mysql --batch do",
        ),
        ("b.jsonl", b"id,text\n1,a\n", "is no file of JSON lines; is it CSV? Then add --input_format csv"),
        (
            "b.json",
            b'{"1": {"id": 1, "text": "a"}, "2": {"id": 2, "text": "b"}}',
            "has no column 'text'; it has: 1, 2; write an object a line first, as jq -c '.[]' does",
        ),
        (
            "b.json",
            b'{"data": {"reviews": [{"id": 1, "text": "a"}]}}',
            "has no column 'text'; it has: data; write an object a line first, as jq -c '.data | .reviews[]' does",
        ),
        ("b.csv", b"text,n\na,1\n", "has no column 'id'; it has: text, n"),
        ("b.csv", b"text,id,text\na,1,b\n", "has several columns 'text'"),
    ],
)
def test_the_file_and_the_column_are_named(tmp_path, name, content, told):
    """One file among thousands lacks a column: the job must not find out after hours."""
    good = written(tmp_path / "a.csv", b"text,id\na,1\n")
    bad = written(tmp_path / name, content)
    with error(f"{bad} {told}"):
        check(good, bad, bad)


@pytest.mark.parametrize("name", ["b.csv.gz", "b.jsonl.gz"])
def test_an_empty_file_passes_compressed_too(tmp_path, name):
    """A job on a cluster leaves empty parts."""
    file = written(tmp_path / name, gzip.compress(b""))
    check(file, wanted=("text",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("b.csv", "texte,numéro\na,1\n".encode("latin-1"), id="latin-1"),
        pytest.param("b.csv", "text,id\na,1\n".encode("utf-16"), id="utf-16"),
        pytest.param("b.csv", b'"text,id\na,1\n', id="open quote"),
        pytest.param("b.csv", b"text,id\ra,1\r", id="line ends of old Macs"),
        pytest.param("b.csv.gz", b"\x1f\x8b\x08text,id\na,1\n", id="not gzip"),
        pytest.param("b.parquet", b"PAR1\x15text,id\na,1\n", id="not Parquet"),
        pytest.param("b.parquet", b"", id="no bytes at all"),
    ],
)
def test_a_file_whose_columns_cannot_be_read_is_named(tmp_path, name, content):
    """A traceback tells nobody which of a thousand files to mend."""
    file = written(tmp_path / name, content)
    with pytest.raises(UserError, match=re.escape(str(file))):
        check(file, wanted=("text",))


def test_a_rare_key_of_json_lines_may_be_missing_in_a_file(tmp_path):
    """A dump has a key only where there is something to say; a key that no file has is mistyped."""
    without = written(tmp_path / "a.jsonl", b'{"text": "a"}\n')
    check(without, written(tmp_path / "b.jsonl", b'{"text": "a", "id": 1}\n'))
    with error(f"{without} has no column 'id'; it has: text"):
        check(without)


def test_a_field_within_a_field_is_a_column(tmp_path):
    nested = [{"body": "good", "by": {"name": "Ann"}}]
    files = [
        written(tmp_path / "a.jsonl", b'{"review": {"body": "good", "by": {"name": "Ann"}}}\n'),
        written(tmp_path / "a.parquet", parquet({"review": nested})),
    ]
    check(*files, wanted=("review.body", "review.by.name"))
    with error(f"{files[0]} has no column 'review.stars'; it has: review"):
        check(files[0], wanted=("review.stars",))


@pytest.mark.parametrize("content", [b'[{"text": "a"},\n{"text": "b"}]\n', b"[\n  {\n", b'[{"text": "a"}]\n'])
def test_a_json_array_is_told(tmp_path, content):
    file = written(tmp_path / "a.json", content)
    with error(
        f"{file} is no file of JSON lines: it is one JSON array: write an object a line first, as jq -c '.[]' does"
    ):
        check(file)


def test_rows_that_tell_no_columns_are_left_to_the_job(tmp_path):
    """An array among objects is a bad row, and a file of bad rows alone has its rows rejected."""
    check(written(tmp_path / "a.jsonl", b'[1]\n{"text": "a", "id": 1}\n'))
    check(written(tmp_path / "b.jsonl", b"[1]\nbroken\n\xff\n"))


def columns_of(file: InputFile) -> Columns | None:
    """The columns of a file as a job sees them."""
    return look_at(file.path).columns.get(find_files(file.path)[0])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", None),
        ("a.csv", b"\n", None),
        ("a.csv", b"text,n\n", ("text", "n")),
        ("a.csv", b'\xef\xbb\xbf"text",n', ("text", "n")),
        ("a.tsv", b"text,n\tid\r\n", ("text,n", "id")),
        ("a.jsonl", b"", None),
        ("a.jsonl", b'{"n": 1}\n\nbroken\n[1]\n{"text": "", "n": 2}\n', ("n", "text")),
        ("a.jsonl", b'{"n": 1}\n' * 999 + b'{"a": 1}\n{"b": 1}\n', ("n", "a")),
        ("a.parquet", parquet({"text": ["a"], "n": [1]}), ("text", "n")),
    ],
)
def test_column_names(tmp_path, name, content, expected):
    found = columns_of(input_file(tmp_path / name, content))
    assert (found and found.names) == expected


@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("name", ["review, text", 'the "text"', "review\ntext"])
def test_the_quoted_name_of_a_column(tmp_path, mark, name):
    """Excel saves "CSV UTF-8" with a byte order mark before the first quote."""
    quoted = name.replace('"', '""')
    file = input_file(tmp_path / "a.csv", mark + f'"{quoted}",band\ngood,a\n'.encode())
    assert columns_of(file).names == (name, "band")


def test_fields_within_fields_have_dotted_names_and_types(tmp_path):
    reviews = pa.array([{"body": "good", "by": {"name": "Ann", "age": 7}}])
    parquet_file = input_file(tmp_path / "a.parquet", parquet({"review": reviews, "n": [1]}))
    json_file = input_file(
        tmp_path / "a.jsonl", b'{"review": {"body": "good", "by": {"name": "Ann", "age": 7}}, "n": 1}'
    )
    for file in (parquet_file, json_file):
        found = columns_of(file)
        assert found.names == ("review", "n")
        assert found.nested == ("review.body", "review.by", "review.by.name", "review.by.age")
        assert "review.by.age" in found
        assert "n" in found
        assert "review.n" not in found
    types = columns_of(parquet_file).types
    assert [types[name] for name in ("review", "n", "review.body", "review.by.age")] == [
        reviews.type,
        pa.int64(),
        pa.string(),
        pa.int64(),
    ]


@pytest.mark.parametrize(
    ("format", "names", "sentence"),
    [
        ("csv", ["a;b"], "/in/a has no column 'text'; it has: a;b; is --csv_delimiter right?"),
        ("tsv", ["a|b"], "/in/a has no column 'text'; it has: a|b; is --csv_delimiter right?"),
        ("csv", ["a;text"], "/in/a has no column 'text'; it has: a;text; add --csv_delimiter ';'"),
        ("csv", ["a b"], "/in/a has no column 'text'; it has: a b"),
        ("csv", ["a", "b,c"], "/in/a has no column 'text'; it has: a, b,c"),
        ("jsonl", ["a,b"], "/in/a has no column 'text'; it has: a,b"),
        ("csv", ["text ", "id"], "/in/a has no column 'text'; it has: 'text ', id; is it 'text '?"),
        ("csv", [], "/in/a has no column 'text'; it has: none"),
    ],
)
def test_the_columns_that_are_there_are_named(format, names, sentence):
    file = input_files.InputFile(index=0, path="/in/a", format=format, compression=None, size_bytes=1)
    assert str(input_columns.missing_column(file, "text", Columns(tuple(names)))) == sentence
