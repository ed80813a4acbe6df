"""Reads a text of vectors, line by line, and keeps count of the lines that cannot be used."""

import codecs
import io
import itertools

import numpy as np

from beam_pipelines.errors import UserError, logger
from beam_pipelines.preparing.embeddings import text_lines
from beam_pipelines.preparing.embeddings.faults import NOT_FINITE, Faults
from beam_pipelines.preparing.embeddings.text_lines import Layout
from beam_pipelines.preparing.embeddings.word_choice import WordChoice, WordList

# So many lines, the first ones, tell how many numbers a vector has.
_SAMPLED_LINES = 1000


def read_layout(stream: io.BufferedReader, source: str) -> tuple[list[bytes], Layout]:
    """Reads the first lines, and finds in them how all are made.

    Raises:
      UserError: They are no text of vectors.
    """
    sample = list(itertools.islice(stream, _SAMPLED_LINES))
    while sample and sample[0].startswith(codecs.BOM_UTF8):
        sample[0] = sample[0].removeprefix(codecs.BOM_UTF8)
    return sample, text_lines.layout_of([text_lines.clean(line) for line in sample], source)


class TextReader:
    """Reads the vectors of the words that are chosen.

    Args:
      source: What --embeddings says, for the messages.
      choice: Is asked for each word, and takes the vectors.
    """

    def __init__(self, source: str, choice: WordChoice | WordList):
        self._source, self._choice = source, choice
        self._words = 0
        self._broken, self._not_finite = Faults(), Faults()

    def read(self, stream: io.BufferedReader) -> int:
        """Reads all lines and returns the length of a vector.

        Raises:
          UserError: It is no text of vectors, or too many of its lines are none.
        """
        layout, cut_in = self._read_lines(stream)
        self._tell(layout, cut_in)
        return layout.dim

    def list_words(self, stream: io.BufferedReader) -> None:
        """Asks the choice for all words; what is wrong with the lines is left for `read` to tell.

        Raises:
          UserError: It is no text of vectors.
        """
        self._read_lines(stream)

    def _read_lines(self, stream: io.BufferedReader) -> tuple[Layout, int | None]:
        """Reads all lines; returns how they are made, and the number of a last one that breaks off."""
        sample, layout = read_layout(stream, self._source)
        number, line, is_whole = 0, b"", True
        for number, line in enumerate(itertools.chain(sample, stream), 1):
            if number == layout.header_line or not (cleaned := text_lines.clean(line)):
                continue
            self._words += 1
            is_whole = line.endswith(b"\n") or text_lines.split(cleaned, layout.dim) is not None
            if is_whole:
                self._add(cleaned, number, layout.dim)
        return layout, None if is_whole else number

    def _add(self, line: bytes, number: int, dim: int) -> None:
        parts = text_lines.split(line, dim)
        if parts is None:
            self._add_broken(line, number, dim)
            return
        word = parts[0].decode("utf-8", "replace")
        token = self._choice.token(word)
        # Of a word that is not wanted, only suspicious numbers are read: most lines of a large file are such.
        if token is None and text_lines.are_usual(parts[1]):
            return
        vector = text_lines.vector(parts[1], dim)
        if vector is None:
            self._add_broken(line, number, dim)
        elif not np.isfinite(vector).all():
            self._not_finite.add(f"line {number} ({word})", NOT_FINITE)
        elif token is not None:
            self._choice.keep(word, token, vector)

    def _add_broken(self, line: bytes, number: int, dim: int) -> None:
        if text_lines.is_conflict_marker(line):
            raise UserError(
                f"--embeddings {self._source}, line {number}: {line[:7].decode()} marks a merge conflict, so the file "
                "holds parts of two versions; get it anew"
            )
        self._broken.add(f"line {number}", text_lines.what_is_wrong(line, f"where most lines have {dim}"))

    def _tell(self, layout: Layout, cut_in: int | None) -> None:
        not_finite = "such a file is damaged, or its training failed: get another one"
        self._broken.tell(self._words, self._source, "each line should hold a word and its numbers")
        self._not_finite.tell(self._words, self._source, not_finite)
        if self._words < layout.announced:
            logger.warning(
                "--embeddings %s holds %s of %s announced words: if its download broke off, get it anew",
                self._source,
                f"{self._words:,}",
                f"{layout.announced:,}",
            )
        elif cut_in:
            logger.warning("--embeddings %s breaks off in line %d: get it anew", self._source, cut_in)
