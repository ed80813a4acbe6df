"""The files of an archive are found before any work, and what is wrong with them is told in a sentence."""

import gzip
import pathlib
import re

import pytest

from beam_pipelines.errors import UserError
from tests.helpers.archives import find_files, parquet

CONTENTS = {".gz": gzip.compress(b'{"text": "a"}\n', mtime=0), ".pq": parquet({"text": ["a"]})}


def write(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENTS.get(pathlib.Path(name).suffix, b"text\na\n"))


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


def test_several_globs_give_each_file_once_in_one_order(tmp_path):
    """The place of a file names its shards, so it must not depend on the order of the flags."""
    write(tmp_path, "b.csv", "a.csv", "c.jsonl.gz", "deep/d.pq", "deep/notes.txt")
    globs = [f"{tmp_path}/*.jsonl.gz", f"{tmp_path}/*.csv", f"{tmp_path}/a.*", f"{tmp_path}/b.csv", f"{tmp_path}/**.pq"]
    files = find_files(*globs)
    assert [(file.index, file.path, file.format, file.compression, file.size_bytes) for file in files] == [
        (0, f"{tmp_path}/a.csv", "csv", None, 7),
        (1, f"{tmp_path}/b.csv", "csv", None, 7),
        (2, f"{tmp_path}/c.jsonl.gz", "jsonl", "gzip", len(CONTENTS[".gz"])),
        (3, f"{tmp_path}/deep/d.pq", "parquet", None, len(CONTENTS[".pq"])),
    ]
    assert [file.name for file in files] == ["a.csv", "b.csv", "c.jsonl.gz", "deep/d.pq"]
    assert [file.modified for file in files] == [(tmp_path / file.name).stat().st_mtime for file in files]
    assert find_files(*reversed(globs)) == files


@pytest.mark.parametrize("glob", ["*.csv", "./a.csv", "?.csv", "a[.]csv"])
def test_a_path_is_made_absolute(tmp_path, monkeypatch, glob):
    """A worker may start in another folder."""
    write(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find_files(glob)] == [f"{tmp_path}/a.csv"]


def test_a_name_with_brackets_is_found_by_itself(tmp_path):
    write(tmp_path, "reviews[1].csv", "reviews1.csv")
    assert [file.name for file in find_files(f"{tmp_path}/reviews[1].csv")] == ["reviews[1].csv"]


def test_input_format_wins_over_the_name(tmp_path):
    write(tmp_path, "a.txt", "b.csv", "c.dump.gz")
    files = find_files(f"{tmp_path}/*", input_format="jsonl")
    assert [(file.format, file.compression) for file in files] == [("jsonl", None), ("jsonl", None), ("jsonl", "gzip")]


def test_a_glob_that_matches_nothing(tmp_path):
    """Else a mistyped name among several would leave its rows out, and nobody told."""
    write(tmp_path, "a.csv")
    with error(f"--input {tmp_path}/b*.csv matches no file"):
        find_files(f"{tmp_path}/*.csv", f"{tmp_path}/b*.csv")


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_is_refused(tmp_path, end):
    write(tmp_path, "dump/a.csv")
    with error(f"--input {tmp_path}/dump is a folder; name its files, such as '{tmp_path}/dump/*.csv'"):
        find_files(f"{tmp_path}/dump{end}")


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "a"])
def test_a_name_that_tells_no_format(tmp_path, name):
    write(tmp_path, name)
    sentence = "the name does not tell the format; add --input_format csv, tsv, jsonl or parquet"
    with error(f"{tmp_path}/{name}: {sentence}"):
        find_files(f"{tmp_path}/{name}")


@pytest.mark.parametrize(("name", "input_format"), [("a.parquet.gz", None), ("a.bz2", "parquet")])
def test_compressed_parquet_is_refused(tmp_path, name, input_format):
    write(tmp_path, name)
    with error(f"{tmp_path}/{name}: a Parquet file is compressed inside; decompress it first"):
        find_files(f"{tmp_path}/{name}", input_format=input_format)


@pytest.mark.parametrize("name", ["a.csv.lzma", "a.csv.zstd", "a.csv.deflate", "a.7z"])
def test_a_compression_that_is_not_read_is_refused(tmp_path, name):
    """Read as it lies there, every row would be rejected as broken."""
    (tmp_path / name).write_bytes(b"packed")
    with pytest.raises(UserError, match=f"{name}: of compressed files .gz, .bz2, .xz and .zst are read"):
        find_files(tmp_path / name, input_format="csv")


def test_files_of_equal_names_in_two_folders_have_two_names(tmp_path):
    write(tmp_path, "a/part.csv", "b/part.csv")
    assert [file.name for file in find_files(f"{tmp_path}/a/part.csv")] == ["part.csv"]
    assert [file.name for file in find_files(f"{tmp_path}/*/part.csv")] == ["a/part.csv", "b/part.csv"]
