"""The first bytes tell what a file is, and do not take text for anything else."""

import io
import pickle
import random
import sqlite3
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from beam_pipelines.archive.finding import first_bytes

TABLE = pa.table({"text": ["a"]})


def written(write) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table reviews (text)")
        return connection.serialize()


def stream_of(file) -> None:
    with pyarrow.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)


KINDS = {
    "Avro": b"Obj\x01\x04\x16avro.schema",
    "ORC": written(lambda file: pyarrow.orc.write_table(TABLE, file)),
    "Arrow (Feather)": written(lambda file: pyarrow.feather.write_feather(TABLE, file)),
    "an SQLite database": database(),
    "a Python pickle": pickle.dumps({"text": ["a"]}),
    "a NumPy array": written(lambda file: np.save(file, np.arange(3))),
    "a PDF": b"%PDF-1.7\n",
    "an HTML page": b"\n<!DOCTYPE html>\n<html>",
    "an SQL dump": b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pg_dump\n\nSET statement_timeout = 0;\n",
    "XML": b'<?xml version="1.0"?>',
    "HDF5": b"\x89HDF\r\n\x1a\n\x00",
    "a Git LFS pointer, not the file itself": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
    "a file of older Excel or Word (.xls, .doc)": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00",
    "R data (.rds, .RData)": b"X\n\x00\x00\x00\x03\x00\x04",
    "compressed by lz4": b"\x04\x22\x4d\x18\x64",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "a RAR archive": b"Rar!\x1a\x07\x01\x00",
    "compressed by lzma": bytes.fromhex("5d00008000ffffffffffffffff"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_holds_no_rows_is_named(kind):
    start = KINDS[kind][: first_bytes.COUNT]
    told = first_bytes.other_kind(start, "reviews.csv")
    assert told.startswith(f"is {kind}; ")
    assert not first_bytes.is_parquet(start)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], "text", np.arange(3)])
def test_a_pickle_of_any_protocol(protocol, value):
    start = pickle.dumps(value, protocol)[: first_bytes.COUNT]
    assert "pickle" in first_bytes.other_kind(start, "a.csv")


def test_an_arrow_stream():
    assert "Arrow" in first_bytes.other_kind(written(stream_of)[: first_bytes.COUNT], "a.csv")


@pytest.mark.parametrize(
    "text",
    [
        "id,text,DUCK\n",
        "ORC\n1\n",
        "ORC\tn\n",
        "FEA1,FEA2\n",
        "PAR1,PAR2\n",
        "RDX2\n1\n",
        "X\n1\n",
        "BZh,text\n",
        "version,text\n",
        "7z,Rar!,text\n",
        "Obj,text\n",
        "PK,text\n",
        "text\nœ€\x1b[0m\n",
        '{"html": "<html>"}\n',
    ],
)
def test_text_is_taken_for_nothing_else(text):
    for encoding in ("utf-8", "cp1252"):
        start = text.encode(encoding, "replace")
        assert first_bytes.other_kind(start, "reviews.csv") is None
        assert not first_bytes.is_parquet(start)
        assert not first_bytes.is_zip(start)
        assert not first_bytes.is_tar(start + b" " * first_bytes.COUNT)
        assert first_bytes.is_text(start)


@pytest.mark.parametrize("delimiter", ["\x01", "\x02", "\x1e", "\x1f", "\v", "\x1a", "\x1b"])
def test_a_delimiter_of_any_kind_is_text(delimiter):
    """Hive puts Ctrl-A between fields, in files without an ending."""
    assert first_bytes.is_text(f"1{delimiter}good{delimiter}5\n".encode())


def test_utf16_is_text_and_noise_is_none():
    assert first_bytes.is_text("id,text\n".encode("utf-16"))
    assert not first_bytes.is_text(random.Random(1).randbytes(first_bytes.COUNT))


@pytest.mark.parametrize("rows", [0, 1])
def test_parquet_of_any_number_of_rows(rows):
    start = written(lambda file: pq.write_table(TABLE[:rows], file))[: first_bytes.COUNT]
    assert first_bytes.is_parquet(start)
    assert first_bytes.other_kind(start, "a.parquet") is None


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_any_format(format):
    for names in ([], ["a.csv"], ["é" * 150]):
        with tarfile.open(fileobj=(file := io.BytesIO()), mode="w", format=format) as archive:
            for name in names if format != tarfile.USTAR_FORMAT else names[:1]:
                archive.addfile(tarfile.TarInfo(name if format != tarfile.USTAR_FORMAT else "a.csv"))
        assert first_bytes.is_tar(file.getvalue()[: first_bytes.COUNT])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.csv.br", "is compressed by brotli; decompress it first: brotli -d"),
        ("A.RAR", "is a RAR archive; unpack it first: unrar x"),
        ("a.csv", None),
        ("rar", None),
    ],
)
def test_a_name_tells_what_has_no_first_bytes(name, told):
    assert first_bytes.other_kind(b"\x8b\x02\x80", name) == told


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel workbook"),
        (["mimetype", "content.xml"], "is an OpenDocument file"),
        (["word/document.xml"], "is a Word document"),
        (["a.npy", "b.npy"], "is an archive of NumPy arrays"),
    ],
)
def test_what_an_office_program_saves_is_a_zip(members, told):
    assert first_bytes.other_kind_of_zip(members).startswith(told)
    assert first_bytes.other_kind_of_zip(["a.csv", "b.npy"]) is None
    assert first_bytes.other_kind_of_zip([]) is None
