"""Every usual file of word vectors gives the same vectors."""

import bz2
import gzip
import importlib.metadata
import lzma
import os
import pathlib
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings import word_vectors
from tests.helpers.tokens import RULE

LINES = "the 1 2 3\ngood 4 5 6.5\nat me.com 7 8 9\ngood 0 0 0\nunwanted 1 1 1\ncaf\u00e9 -1e-1 0 2\n"
WANTED = {"good", "caf\u00e9", "at", "absent"}
EXPECTED = {"good": [4, 5, 6.5], "caf\u00e9": [-0.1, 0, 2]}


def check(source: object):
    vectors, dim = word_vectors.read(str(source), WANTED, RULE)
    assert dim == 3
    assert vectors.keys() == EXPECTED.keys()
    for word, vector in vectors.items():
        assert vector.tolist() == pytest.approx(EXPECTED[word])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LINES, id="glove"),
        pytest.param("6 3\n" + LINES.replace("\n", " \n"), id="word2vec, with a header and a space at the end"),
        pytest.param("6\t3\n" + LINES, id="a tab in the header"),
        pytest.param(LINES.replace(" ", "\t").replace("at\tme", "at me"), id="tabs"),
        pytest.param(LINES.replace("good ", "good\t"), id="a tab after the word"),
        pytest.param(LINES.replace(" ", "  "), id="two spaces"),
        pytest.param(LINES.replace("\n", "\r\n"), id="ends of lines of Windows"),
        pytest.param("\ufeff" + LINES, id="byte order mark"),
        pytest.param("\ufeff\ufeff6 3\n" + LINES, id="two byte order marks and a header"),
        pytest.param("\n \n6 3\n\n" + LINES, id="blank lines"),
        pytest.param(". . . 7 8 9\n" + LINES, id="a first word with spaces"),
        pytest.param(LINES.removesuffix("\n"), id="no end of the last line"),
    ],
)
def test_a_text_of_any_shape(tmp_path, text):
    path = tmp_path / "vectors.txt"
    path.write_bytes(text.encode())
    check(path)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_text_whatever_its_name(tmp_path, compress):
    path = tmp_path / "vectors.txt"
    path.write_bytes(compress(LINES.encode()))
    check(path)


def test_some_words_that_nobody_wants_are_kept_too(tmp_path):
    """The first ones that can be tokens: without what the tokeniser filters."""
    path = tmp_path / "glove.txt"
    path.write_text("The 1 1\n, 2 2\nwon't 3 3\ngood 4 4\nfirst 5 5\nsecond 6 6\nthe 7 7\n", encoding="utf-8")
    vectors, _ = word_vectors.read(str(path), {"good"}, RULE, unseen=2)
    assert {word: vector.tolist() for word, vector in vectors.items()} == {
        "the": [7, 7],
        "good": [4, 4],
        "first": [5, 5],
    }


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes an installed package of an array and its words."""

    class Listed(pathlib.PurePosixPath):
        def locate(self):
            return tmp_path / self.name

    def make(matrix: np.ndarray, words: list[str]) -> str:
        np.save(tmp_path / "vectors.npy", matrix)
        pq.write_table(pa.table({"index": words}), tmp_path / "words.parquet")
        return "some-vectors"

    monkeypatch.setattr(importlib.metadata, "files", lambda name: [Listed("vectors.npy"), Listed("words.parquet")])
    return make


def test_an_installed_package(package):
    check(package(np.array([[4, 5, 6.5], [-0.1, 0, 2]], np.float32), ["good", "caf\u00e9"]))


def test_an_array_with_rows_that_are_not_finite(package, caplog):
    matrix = np.ones((200, 3))
    matrix[7] = np.nan
    vectors, _ = word_vectors.read(package(matrix, [f"word{row}" for row in range(200)]), {"word7", "word8"}, RULE)
    assert [*vectors] == ["word8"]
    assert "row 7 (word7): its numbers are not finite" in caplog.text
    matrix[50:53, 0] = 1e39
    with pytest.raises(UserError, match=r"row 7 \(word7\): its numbers .* so it is in 4 of 200 lines"):
        word_vectors.read(package(matrix, [f"word{row}" for row in range(200)]), (), RULE)


def test_bytes_that_are_no_utf_8_do_not_stop_the_reading(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_bytes(b"w\xff 1 2 3\n" + LINES.encode())
    check(path)


def test_what_is_no_text_is_told_once_it_is_unpacked(tmp_path):
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress(b"2 2\ngood \xd7\xa3\x0c\x3f\x00\x00\x80\xbf\n"))
    with pytest.raises(UserError, match=f"^--embeddings {path} is a binary file of word2vec; save it as text"):
        word_vectors.read(str(path), WANTED, RULE)


def test_a_file_of_another_kind_is_told_by_its_beginning(tmp_path):
    for name, data, message in (
        ("ids.txt", b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        ("words.txt", b"the 12\nof 7\n", "line 1: 1 number, where a word and its vector should be"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=f"{name},? {message}"):
            word_vectors.check(str(tmp_path / name))
    (tmp_path / "good.txt").write_bytes(b"good 1 2 3\n" * 2000 + b"x")
    word_vectors.check(str(tmp_path / "good.txt"))


def test_a_pipe_is_read_once(tmp_path):
    """As by --embeddings <(zcat vectors.gz)."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    word_vectors.check(str(path))
    writer = threading.Thread(target=path.write_bytes, args=(LINES.encode(),))
    writer.start()
    check(path)
    writer.join()


def test_the_words_of_a_file_are_listed_with_their_lower_case(tmp_path, caplog):
    """Those without a vector, too; that is told when they are read."""
    path = tmp_path / "some.vec"
    path.write_text(f"4 3\nGood 1 2 3\nbroken 1 2\nnone 1 nan 2\n{LINES}", encoding="utf-8")
    listed = word_vectors.list_words(str(path)).to_pylist()
    expected = ["Good", "good", "none", "the", "good", "at me.com", "good", "unwanted", "caf\u00e9"]
    assert [token.decode() for token in listed] == expected
    assert not caplog.text


def test_the_words_of_an_installed_package_are_listed(package):
    listed = word_vectors.list_words(package(np.ones((2, 3), np.float32), ["good", "Caf\u00e9"]))
    assert [token.decode() for token in listed.to_pylist()] == ["good", "Caf\u00e9", "caf\u00e9"]


def test_only_a_pipe_is_copied_to_be_read_again(tmp_path):
    path, pipe = tmp_path / "some.vec", tmp_path / "pipe"
    path.write_text(LINES, encoding="utf-8")
    assert word_vectors.rereadable(str(path)) == str(path)
    assert word_vectors.rereadable("some-vectors") == "some-vectors"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LINES.encode(),))
    writer.start()
    copy = word_vectors.rereadable(str(pipe))
    writer.join()
    check(copy)
    check(copy)
