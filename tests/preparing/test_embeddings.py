"""Every usual file of word vectors gives the same vectors."""

import gzip
import importlib.metadata
import pathlib
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing import embeddings

LINES = "the 1 2 3\ngood 4 5 6.5\nat me.com 7 8 9\ngood 0 0 0\nunwanted 1 1 1\ncaf\u00e9 -1e-1 0 2\n"
WANTED = {"good", "caf\u00e9", "at", "absent"}
EXPECTED = {"good": [4, 5, 6.5], "caf\u00e9": [-0.1, 0, 2]}


def check(source: str):
    vectors, dim = embeddings.read(str(source), WANTED)
    assert dim == 3
    assert vectors.keys() == EXPECTED.keys()
    for word, vector in vectors.items():
        assert vector.tolist() == pytest.approx(EXPECTED[word])


def test_glove_text(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text(LINES, encoding="utf-8")
    check(path)


def test_some_words_that_nobody_wants_are_kept_too(tmp_path):
    """The first ones that can be tokens: not of capitals, and without what the tokeniser filters."""
    path = tmp_path / "glove.txt"
    path.write_text("The 1 1\n, 2 2\nwon't 3 3\ngood 4 4\nfirst 5 5\nsecond 6 6\nthird 7 7\n", encoding="utf-8")
    vectors, _ = embeddings.read(str(path), {"good"}, unseen=2)
    assert list(vectors) == ["good", "first", "second"]


def test_gzipped_glove_text(tmp_path):
    path = tmp_path / "glove.txt.gz"
    path.write_bytes(gzip.compress(LINES.encode()))
    check(path)


def test_word2vec_text_has_a_header(tmp_path):
    path = tmp_path / "wiki.vec"
    path.write_text("6 3\n" + LINES.replace("\n", " \n"), encoding="utf-8")
    check(path)


@pytest.mark.parametrize("separator", [":", "/", "#"])
def test_a_member_of_a_zip(tmp_path, separator):
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("glove.3d.txt", LINES)
        archive.writestr("glove.9d.txt", "the 1 2 3 4 5 6 7 8 9\n")
    check(f"{path}{separator}glove.3d.txt")
    with pytest.raises(UserError, match=r"name one member of the zip, FILE.zip:MEMBER: glove.3d.txt, glove.9d.txt"):
        embeddings.read(str(path), WANTED)


def test_a_zip_of_one_file_needs_no_name(tmp_path):
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("only.txt", LINES)
    check(path)


def test_an_installed_package(tmp_path, monkeypatch):
    np.save(tmp_path / "vectors.npy", np.array([[4, 5, 6.5], [-0.1, 0, 2]], np.float32))
    pq.write_table(pa.table({"index": ["good", "caf\u00e9"]}), tmp_path / "words.parquet")

    class Listed(pathlib.PurePosixPath):
        def locate(self):
            return tmp_path / self.name

    monkeypatch.setattr(importlib.metadata, "files", lambda name: [Listed("vectors.npy"), Listed("words.parquet")])
    check("some-vectors")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good 1 2 3\ncaf\u00e9 1 2\n", "line 2: 2 numbers, where line 1 has 3"),
        ("", "holds no vectors"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    path = tmp_path / "broken.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"broken.txt.*{message}"):
        embeddings.read(str(path), WANTED)


@pytest.mark.parametrize("source", ["no/such/file.txt", "no-such-package", "no.zip:member.txt"])
def test_what_is_not_there_is_said(source):
    with pytest.raises(UserError, match=f"--embeddings {source}: there is no such file, nor an installed package"):
        embeddings.locate(source)


def test_bytes_that_are_no_utf_8_do_not_stop_the_reading(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_bytes(b"w\xff 1 2 3\n" + LINES.encode())
    check(path)
