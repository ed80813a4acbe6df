"""Reads pretrained word vectors, of the words that are wanted, from every usual format."""

import contextlib
import gzip
import importlib.metadata
import io
import re
import zipfile
import zlib
from collections.abc import Container, Iterator
from typing import IO, cast

import numpy as np

from beam_pipelines.errors import UserError
from beam_pipelines.files import storage

# As in `tokens`, which imports TensorFlow; a word that is wrongly kept costs a row, no more.
_FILTERED = re.compile(r"[\W_]")
_ZIP_MEMBER = re.compile(r"(?P<file>.+\.zip)(?:[:/#!](?P<member>.+))?", re.IGNORECASE)


def read(source: str, wanted: Container[str], unseen: int = 0) -> tuple[dict[str, np.ndarray], int]:
    """Reads the vectors of the wanted words.

    Args:
      source: A file (`.txt`, `.txt.gz`, `.vec`, `.zip`, `.zip:MEMBER`), or the name of an installed
        package that holds one, or that holds an array (.npy) and its words (.parquet).
      wanted: The words to keep; of a word that stands there twice, the first vector counts.
      unseen: How many other words to keep, the first ones, which are the most frequent as such
        files are sorted. Words that the tokeniser would not make are passed over.

    Returns:
      The vectors, float32 [dim] each, and dim.

    Raises:
      UserError: There is nothing of that name, or the line of a wanted word is not a word and its
        numbers; it names the file and the line.
    """
    source, words = locate(source)
    if words:
        return _read_array(source, words, WordFilter(wanted, unseen))
    try:
        with _open(source) as lines:
            return _read_text(lines, source, WordFilter(wanted, unseen))
    except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise UserError(f"--embeddings {source} cannot be read: {error}") from error


class WordFilter:
    """Decides which words of a file to keep: the wanted ones, and the first so many others that can be tokens."""

    def __init__(self, wanted: Container[str], unseen: int):
        self._wanted, self._unseen = wanted, unseen

    def takes(self, word: str) -> bool:
        return word in self._wanted or (self._unseen > 0 and word == word.lower() and not _FILTERED.search(word))

    def took(self, word: str) -> None:
        """Counts a word whose vector was read."""
        self._unseen -= word not in self._wanted


def locate(source: str) -> tuple[str, str | None]:
    """Finds the file of vectors, and that of their words where it is another.

    Raises:
      UserError: There is neither such a file nor such a package.
    """
    zipped = _ZIP_MEMBER.fullmatch(source)
    if storage.exists(zipped["file"] if zipped else source):
        return source, None
    try:
        files = importlib.metadata.files(source) or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        raise UserError(
            f"--embeddings {source}: there is no such file, nor an installed package of that name"
        ) from None
    by_suffix = {file.suffix: str(file.locate()) for file in files}
    if {".npy", ".parquet"} <= by_suffix.keys():
        return by_suffix[".npy"], by_suffix[".parquet"]
    for suffix in (".vec", ".zip", ".gz"):
        if suffix in by_suffix:
            return by_suffix[suffix], None
    raise UserError(f"--embeddings {source}: the package holds neither an array (.npy, .parquet) nor a text of vectors")


@contextlib.contextmanager
def _open(source: str) -> Iterator[io.TextIOBase]:
    zipped = _ZIP_MEMBER.fullmatch(source)
    path = zipped["file"] if zipped else source
    with contextlib.ExitStack() as stack:
        # gzip and zip read the raw bytes: Beam's own decompression is much slower on GloVe's sizes.
        file: IO[bytes] = stack.enter_context(storage.open_bytes(path))
        if zipped:
            archive = stack.enter_context(zipfile.ZipFile(file))
            file = stack.enter_context(archive.open(_member(archive, zipped["member"], source)))
        elif path.lower().endswith(".gz"):
            file = stack.enter_context(cast(IO[bytes], gzip.GzipFile(fileobj=file)))
        yield stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="\n"))


def _member(archive: zipfile.ZipFile, member: str | None, source: str) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if member is None and len(names) == 1:
        return names[0]
    if member not in names:
        raise UserError(f"--embeddings {source}: name one member of the zip, FILE.zip:MEMBER: {', '.join(names)}")
    return member


def _read_text(lines: io.TextIOBase, source: str, word_filter: "WordFilter") -> tuple[dict[str, np.ndarray], int]:
    vectors: dict[str, np.ndarray] = {}
    dim = None
    for number, line in enumerate(lines, 1):
        if number == 1:
            header = re.fullmatch(r"\d+ (\d+)", line.strip())
            dim = int(header[1]) if header else len(line.split()) - 1
            if header:
                continue
        word = line.partition(" ")[0]
        if word in vectors or not word_filter.takes(word):
            continue
        numbers = line.split()[1:]
        try:
            vector = np.array(numbers, np.float32)
        except ValueError:
            continue  # A word with a space inside, such as a few of GloVe 840B: not a token.
        if len(vector) != dim:
            raise UserError(f"--embeddings {source}, line {number}: {len(vector)} numbers, where line 1 has {dim}")
        vectors[word] = vector
        word_filter.took(word)
    if not dim:
        raise UserError(f"--embeddings {source} holds no vectors")
    return vectors, dim


def _read_array(array: str, words: str, word_filter: "WordFilter") -> tuple[dict[str, np.ndarray], int]:
    import pyarrow.parquet as pq

    matrix = np.load(array, mmap_mode="r")
    vectors: dict[str, np.ndarray] = {}
    for row, word in enumerate(pq.read_table(words).column(0).to_pylist()):
        if word not in vectors and word_filter.takes(word):
            vectors[word] = np.array(matrix[row], np.float32)
            word_filter.took(word)
    return vectors, matrix.shape[1]
