"""What a file is goes by its contents; a name that says something else is told."""

import gzip
import random
import re

import pytest

from beam_pipelines.errors import UserError
from tests.helpers.archives import COMPRESS, find_files, parquet, read_all

CSV = b"text,n\na,1\nb,2\n"
PARQUET = parquet({"text": ["a", "b"], "n": [1, 2]})


def error(sentence: str):
    """Expects a UserError that is this whole sentence."""
    return pytest.raises(UserError, match=f"(?m)^{re.escape(sentence)}$")


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("end", [end for end in COMPRESS if end])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zstd", "a.jsonl"])
def test_a_compression_is_known_whatever_the_name(write, end, name):
    content = b'{"text": "a"}\n{"text": "b"}\n' if name == "a.jsonl" else CSV
    [file] = find_files(write(name, COMPRESS[end](content)))
    assert file.format == name.split(".")[1]
    [block] = read_all(file, ("text",))
    assert block.rows["text"].to_pylist() == ["a", "b"]


def test_a_file_that_is_not_compressed_though_its_name_says_so(write, caplog):
    path = write("a.csv.gz", CSV)
    [file] = find_files(path)
    assert (file.compression, file.is_seekable) == (None, True)
    assert caplog.messages == [f"{path} is not compressed, whatever its name says, and is read as it is"]
    with error(f"{write('b.csv.gz', bytes(50))} is neither compressed, as its name says, nor text"):
        find_files(path.replace("a.csv", "b.csv"))
    assert find_files(write("c.csv.gz", b""))[0].compression is None


def test_a_file_that_is_compressed_twice(write):
    path = write("a.csv.gz", gzip.compress(gzip.compress(CSV)))
    with error(f"{path} is compressed twice; decompress it once first"):
        find_files(path)


@pytest.mark.parametrize("settings", [{}, {"input_format": "csv"}])
def test_parquet_is_known_whatever_the_name(write, caplog, settings):
    path = write("a.csv", PARQUET)
    [file] = find_files(path, **settings)
    assert file.format == "parquet"
    assert caplog.messages == [f"{path} is Parquet, whatever its name says, and is read as such"]
    [block] = read_all(file, ("text", "n"))
    assert block.rows.to_pydict() == {"text": ["a", "b"], "n": [1, 2]}
    assert find_files(write("part-0", PARQUET))[0].format == "parquet"


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_text_is_no_parquet(write, name):
    path = write(name, CSV)
    with error(f"{path} is text and no Parquet; add --input_format csv, tsv or jsonl"):
        find_files(path)
    assert find_files(path, input_format="csv")[0].format == "csv"


@pytest.mark.parametrize(("name", "input_format"), [("a.parquet.gz", None), ("a.csv", None), ("a", "parquet")])
def test_compressed_parquet_is_refused(write, name, input_format):
    path = write(name, gzip.compress(PARQUET))
    with error(f"{path}: a Parquet file is compressed inside; decompress it first"):
        find_files(path, input_format=input_format)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"Obj\x01\x04", "is Avro; export it as CSV, JSON lines or Parquet"),
        ("a.csv.gz", gzip.compress(b"%PDF-1"), "is a PDF; export it as CSV, JSON lines or Parquet"),
        ("a.csv.lzma", b"packed", "is compressed by lzma; decompress it first: xz --format=lzma -d"),
        ("a.7z", b"packed", "is a 7z archive; unpack it first: 7z x"),
        (
            "a.csv",
            b"version https://git-lfs.github.com/spec/v1\n",
            "is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`",
        ),
    ],
)
def test_what_holds_no_rows_is_named(write, name, content, told):
    """Read as it lies there, every row would be rejected as broken."""
    path = write(name, content)
    for settings in ({}, {"input_format": "csv"}):
        with error(f"{path} {told}"):
            find_files(path, **settings)


def test_a_name_that_tells_no_format(write):
    for content in (CSV, CSV.replace(b",", b"\x01"), CSV.decode().encode("utf-16"), b""):
        path = write("reviews", content)
        with error(f"{path}: the name does not tell the format; add --input_format csv, tsv, jsonl or parquet"):
            find_files(path)


def test_what_is_binary_and_of_no_known_kind(write):
    """No --input_format would help."""
    noise = random.Random(1).randbytes(2000)
    with error(f"{write('reviews', noise)} is binary; export it as CSV, JSON lines or Parquet"):
        find_files(write("reviews", noise))
