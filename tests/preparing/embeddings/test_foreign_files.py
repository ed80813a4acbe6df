"""What is given for vectors and is none is told by its name, and texts of vectors are not."""

import io
import pickle

import numpy as np
import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings import foreign_files


def word2vec(dim: int) -> bytes:
    vectors = np.random.default_rng(dim).normal(size=(50, dim)).astype(np.float32)
    return b"50 %d\n" % dim + b"".join(b"word%d " % row + vector.tobytes() for row, vector in enumerate(vectors))


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((2, 2)))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "message"),
    [
        *(
            (word2vec(dim), r"is a binary file of word2vec; .*save_word2vec_format\(..., binary=False")
            for dim in (3, 300)
        ),
        ((793712314).to_bytes(4, "little") + b"\x0c\x00", "is fastText's binary model; give its text file"),
        (array(), "is a NumPy array, which holds no words"),
        (pickle.dumps({"good": np.ones(9)}), "is a binary file; save the vectors as text"),
        (b"version https://git-lfs.github.com/spec/v1\nsize 34\n", "is a pointer of Git LFS.*git lfs pull"),
        (b"\n<!DOCTYPE HTML>\n<html>", "is a web page that came in place of the file"),
        ("the 1 2\n".encode("utf-16"), "is text in UTF-16; convert it to UTF-8"),
        ("the 1 2\n".encode("utf-16-be"), "is text in UTF-16; convert it to UTF-8"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "is a 7z archive; unpack it first"),
    ],
)
def test_it_is_named(head, message):
    with pytest.raises(UserError, match=f"^--embeddings some.vec {message}"):
        foreign_files.refuse(head, "some.vec")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"the 1 2\n",
        "2 2\n\u4e16\u754c 1 2\ncaf\u00e9 0 0\n".encode(),
        b"1000 3\nat me.com 0.5 0.5 0.5\n",
        b"\xe9t\xe9 1 2\n" * 50,  # Latin-1.
        b"a\x00b 1 2\nthe 1 2\n",  # A stray NUL.
        b"<html> 1 2\n"[1:],
    ],
)
def test_a_text_passes(head):
    foreign_files.refuse(head, "some.vec")
