"""The files of an archive are found before any work, and what is wrong with them is told in a sentence."""

import gzip
import re

import pytest

from beam_pipelines.archive import columns, inputs
from beam_pipelines.archive.read_options import TextFormat
from beam_pipelines.errors import UserError
from tests.helpers.archives import found, input_file, parquet


def write(folder, *names: str, content: bytes = b"text\na\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def check(*files: inputs.InputFile, wanted=("text", "id"), **how) -> None:
    columns.require(columns.columns_by_file(list(files), TextFormat(**how)), wanted)


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", ("csv", False)),
        ("A.CSV", ("csv", False)),
        ("a.tsv", ("tsv", False)),
        ("a.tab", ("tsv", False)),
        ("a.jsonl", ("jsonl", False)),
        ("a.ndjson", ("jsonl", False)),
        ("a.json", ("jsonl", False)),
        ("a.parquet", ("parquet", False)),
        ("a.pq", ("parquet", False)),
        ("gs://bucket/part-0001.csv.gz", ("csv", True)),
        ("a.TSV.BZ2", ("tsv", True)),
        ("a.2024.jsonl.zst", ("jsonl", True)),
        ("a.parquet.gz", ("parquet", True)),
        ("a.gz", (None, True)),
        ("a.txt", (None, False)),
        ("a.csv/part-0001", (None, False)),
        ("csv", (None, False)),
    ],
)
def test_format_of(path, expected):
    assert inputs.format_of(path) == expected


def test_several_globs_give_each_file_once_in_one_order(tmp_path):
    """The place of a file names its shards, so it must not depend on the order of the flags."""
    write(tmp_path, "b.csv", "a.csv", "c.jsonl.gz", "deep/d.pq", "deep/notes.txt")
    globs = [f"{tmp_path}/*.jsonl.gz", f"{tmp_path}/*.csv", f"{tmp_path}/a.*", f"{tmp_path}/b.csv", f"{tmp_path}/**.pq"]
    files = found(*globs)
    assert [(file.index, file.path, file.format, file.compressed, file.size_bytes) for file in files] == [
        (0, f"{tmp_path}/a.csv", "csv", False, 7),
        (1, f"{tmp_path}/b.csv", "csv", False, 7),
        (2, f"{tmp_path}/c.jsonl.gz", "jsonl", True, 7),
        (3, f"{tmp_path}/deep/d.pq", "parquet", False, 7),
    ]
    assert [file.name for file in files] == ["a.csv", "b.csv", "c.jsonl.gz", "deep/d.pq"]
    assert [file.modified for file in files] == [(tmp_path / file.name).stat().st_mtime for file in files]
    assert found(*reversed(globs)) == files


@pytest.mark.parametrize("glob", ["*.csv", "./a.csv", "?.csv", "a[.]csv"])
def test_a_path_is_made_absolute(tmp_path, monkeypatch, glob):
    """A worker may start in another folder."""
    write(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in found(glob)] == [f"{tmp_path}/a.csv"]


def test_a_name_with_brackets_is_found_by_itself(tmp_path):
    write(tmp_path, "reviews[1].csv", "reviews1.csv")
    assert [file.name for file in found(f"{tmp_path}/reviews[1].csv")] == ["reviews[1].csv"]


def test_input_format_wins_over_the_name(tmp_path):
    write(tmp_path, "a.txt", "b.csv", "c.dump.gz")
    files = found(f"{tmp_path}/*", input_format="jsonl")
    assert [(file.format, file.compressed) for file in files] == [("jsonl", False), ("jsonl", False), ("jsonl", True)]


def test_a_glob_that_matches_nothing(tmp_path):
    """Else a mistyped name among several would leave its rows out, and nobody told."""
    write(tmp_path, "a.csv")
    with error(f"--input {tmp_path}/b*.csv matches no file"):
        found(f"{tmp_path}/*.csv", f"{tmp_path}/b*.csv")


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_is_refused(tmp_path, end):
    write(tmp_path, "dump/a.csv")
    with error(f"--input {tmp_path}/dump is a folder; name its files, such as '{tmp_path}/dump/*.csv'"):
        found(f"{tmp_path}/dump{end}")


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "a"])
def test_a_name_that_tells_no_format(tmp_path, name):
    write(tmp_path, name)
    sentence = "the name does not tell the format; add --input_format csv, tsv, jsonl or parquet"
    with error(f"{tmp_path}/{name}: {sentence}"):
        found(f"{tmp_path}/{name}")


@pytest.mark.parametrize(("name", "input_format"), [("a.parquet.gz", None), ("a.bz2", "parquet")])
def test_compressed_parquet_is_refused(tmp_path, name, input_format):
    write(tmp_path, name)
    with error(f"{tmp_path}/{name}: a Parquet file is compressed inside; decompress it first"):
        found(f"{tmp_path}/{name}", input_format=input_format)


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
    check(input_file(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("b.csv", b"id,Text\n1,a\n", "has no column 'text'; it has: id, Text"),
        ("b.tsv", b"id,text\n1,a\n", "has no column 'text'; it has: id,text; is --csv_delimiter right?"),
        ("b.csv", b"id, text\n1,a\n", "has no column 'text'; it has: id, ' text'"),
        ("b.jsonl", b'{"id": 1}\n{"body": "a"}\n', "has no column 'text'; it has: id, body"),
        ("b.json", b'[\n{"text": "a"}]\n', "is one JSON array; make it an object a line first, as jq -c '.[]' does"),
        ("b.parquet", parquet({"id": [1]}), "has no column 'text'; it has: id"),
        ("b.csv", b"\n", "has no column 'text'; it has: none"),
        ("b.csv", b"text,n\na,1\n", "has no column 'id'; it has: text, n"),
        ("b.csv", b"text,id,text\na,1,b\n", "has several columns 'text'"),
    ],
)
def test_the_file_and_the_column_are_named(tmp_path, name, content, told):
    """One file among thousands lacks a column: the job must not find out after hours."""
    good = input_file(tmp_path / "a.csv", b"text,id\na,1\n")
    bad = input_file(tmp_path / name, content)
    with error(f"{bad.path} {told}"):
        check(good, bad, bad)


@pytest.mark.parametrize("name", ["b.csv.gz", "b.jsonl.gz"])
def test_an_empty_file_passes_compressed_too(tmp_path, name):
    """A job on a cluster leaves empty parts."""
    file = input_file(tmp_path / name, gzip.compress(b""))
    check(file, wanted=("text",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("b.csv", "texte,numéro\na,1\n".encode("latin-1"), id="latin-1"),
        pytest.param("b.csv", "text,id\na,1\n".encode("utf-16"), id="utf-16"),
        pytest.param("b.csv", b'"text,id\na,1\n', id="open quote"),
        pytest.param("b.csv", b"text,id\ra,1\r", id="line ends of old Macs"),
        pytest.param("b.csv.gz", b"text,id\na,1\n", id="not gzip"),
        pytest.param("b.parquet", b"text,id\na,1\n", id="not Parquet"),
        pytest.param("b.parquet", b"", id="no bytes at all"),
    ],
)
def test_a_file_whose_columns_cannot_be_read_is_named(tmp_path, name, content):
    """A traceback tells nobody which of a thousand files to mend."""
    file = input_file(tmp_path / name, content)
    with pytest.raises(UserError, match=re.escape(file.path)):
        check(file, wanted=("text",))


@pytest.mark.parametrize("name", ["a.csv.xz", "a.csv.lzma", "a.csv.zstd", "a.csv.deflate", "a.7z"])
def test_a_compression_that_is_not_read_is_refused(tmp_path, name):
    """Read as it lies there, every row would be rejected as broken."""
    (tmp_path / name).write_bytes(b"packed")
    with pytest.raises(UserError, match=f"{name}: of compressed files .gz, .bz2 and .zst are read, and .zip and .tar"):
        found(tmp_path / name, input_format="csv")


def test_a_rare_key_of_json_lines_may_be_missing_in_a_file(tmp_path):
    """A dump has a key only where there is something to say; a key that no file has is mistyped."""
    without = input_file(tmp_path / "a.jsonl", b'{"text": "a"}\n')
    check(without, input_file(tmp_path / "b.jsonl", b'{"text": "a", "id": 1}\n'))
    with error(f"{without.path} has no column 'id'; it has: text"):
        check(without)


def test_a_field_within_a_field_is_a_column(tmp_path):
    nested = [{"body": "good", "by": {"name": "Ann"}}]
    files = [
        input_file(tmp_path / "a.jsonl", b'{"review": {"body": "good", "by": {"name": "Ann"}}}\n'),
        input_file(tmp_path / "a.parquet", parquet({"review": nested})),
    ]
    check(*files, wanted=("review.body", "review.by.name"))
    with error(f"{files[0].path} has no column 'review.stars'; it has: review"):
        check(files[0], wanted=("review.stars",))


def test_files_of_equal_names_in_two_folders_have_two_names(tmp_path):
    write(tmp_path, "a/part.csv", "b/part.csv")
    assert [file.name for file in found(f"{tmp_path}/a/part.csv")] == ["part.csv"]
    assert [file.name for file in found(f"{tmp_path}/*/part.csv")] == ["a/part.csv", "b/part.csv"]


@pytest.mark.parametrize("content", [b'[{"text": "a"},\n{"text": "b"}]\n', b"[\n  {\n", b'[{"text": "a"}]\n'])
def test_a_json_array_is_told(tmp_path, content):
    file = input_file(tmp_path / "a.json", content)
    with error(f"{file.path} is one JSON array; make it an object a line first, as jq -c '.[]' does"):
        check(file)


def test_rows_that_tell_no_columns_are_left_to_the_job(tmp_path):
    """An array among objects is a bad row, and a file of bad rows alone has its rows rejected."""
    check(input_file(tmp_path / "a.jsonl", b'[1]\n{"text": "a", "id": 1}\n'))
    check(input_file(tmp_path / "b.jsonl", b"[1]\nbroken\n\xff\n"))
