"""Reads pretrained word vectors, of the words that are wanted, from every usual format."""

import contextlib
import io
from collections.abc import Container, Iterator

import numpy as np
import pyarrow as pa

from beam_pipelines.archive.finding import pipes
from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.preparing.embeddings import foreign_files, sources, unpacking
from beam_pipelines.preparing.embeddings.faults import NOT_FINITE, Faults
from beam_pipelines.preparing.embeddings.kept_vectors import KeptVectors
from beam_pipelines.preparing.embeddings.text_reader import TextReader, read_layout
from beam_pipelines.preparing.embeddings.word_choice import WordChoice, WordList

# Of an array, so many rows are looked at together.
_CHUNK_ROWS = 10_000


def read(source: str, wanted: Container[str], rule: Tokenizer, unseen: int = 0) -> tuple[KeptVectors, int]:
    """Reads the vectors of the wanted words.

    Args:
      source: A text of vectors, plain, compressed or a member of an archive (FILE:MEMBER), or the name of an
        installed package that holds one, or that holds an array (.npy) and its words (.parquet).
      wanted: Tokens, so of lower case; a word with capitals counts where the file has no form of lower case.
      rule: Of the tokeniser.
      unseen: How many other words to keep, the first ones, which are the most frequent as such
        files are sorted. Words that the tokeniser would not make are passed over.

    Returns:
      The vectors, all finite, and their length.

    Raises:
      UserError: There is nothing of that name, it is no text of vectors, or more than 1% of its lines are broken or
        not finite; it names the file and the line.
    """
    path, words = sources.locate(source)
    choice = WordChoice(wanted, rule, unseen)
    if words:
        return choice.vectors, _read_array(path, words, choice)
    with _opened_text(path) as stream:
        return choice.vectors, TextReader(path, choice).read(stream)


def list_words(source: str) -> pa.Array:
    """Lists the tokens that `read` may look for among those that are wanted, binary [tokens] in UTF-8.

    Raises:
      UserError: There is nothing of that name, or it is no text of vectors.
    """
    path, words = sources.locate(source)
    listed = WordList()
    if words:
        for name in _names(words):
            listed.token(name)
    else:
        with _opened_text(path) as stream:
            TextReader(path, listed).list_words(stream)
    return listed.tokens()


def rereadable(source: str) -> str:
    """What to read instead of a source, so that it can be read again: of a pipe, a copy.

    Raises:
      UserError: There is no room for the copy.
    """
    return pipes.spool(source) if sources.is_pipe(source) else source


def check(source: str) -> None:
    """Looks at the beginning of a file of vectors, so that a wrong one is told before any work.

    Raises:
      UserError: There is nothing of that name, or it does not begin as a text of vectors does.
    """
    path, words = sources.locate(source)
    if words is None and not sources.is_pipe(path):
        with _opened_text(path) as stream:
            read_layout(stream, path)


@contextlib.contextmanager
def _opened_text(path: str) -> Iterator[io.BufferedReader]:
    with sources.opened(path) as stream:
        foreign_files.refuse(stream.peek(unpacking.HEAD_BYTES), path)
        yield stream


def _read_array(array: str, words: str, choice: WordChoice) -> int:
    matrix = np.load(array, mmap_mode="r")
    names, faults = _names(words), Faults()
    for first in range(0, len(names), _CHUNK_ROWS):
        with np.errstate(over="ignore"):
            rows = matrix[first : first + _CHUNK_ROWS].astype(np.float32)
        for row, is_finite in enumerate(np.isfinite(rows).all(axis=1)):
            word = names[first + row]
            if not is_finite:
                faults.add(f"row {first + row} ({word})", NOT_FINITE)
            elif (token := choice.token(word)) is not None:
                choice.keep(word, token, rows[row])
    faults.tell(len(names), array, "such an array is damaged, or its training failed: get another one")
    return matrix.shape[1]


def _names(words: str) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_table(words).column(0).to_pylist()
