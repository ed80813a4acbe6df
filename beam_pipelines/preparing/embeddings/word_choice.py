"""Decides which words of a file of vectors are kept, and of which of their forms the vector counts."""

from collections.abc import Container

import numpy as np
import pyarrow as pa

from beam_pipelines.artifacts.tokenizer import Tokenizer
from beam_pipelines.preparing.embeddings.kept_vectors import KeptVectors
from beam_pipelines.text import characters

# Strings of Python take four times the memory of packed ones, so that no more of them are held at a time.
_LISTED_WORDS = 1 << 16


class WordChoice:
    """The vectors of the wanted words, and of the first so many others that can be tokens.

    Tokens are of lower case. A word with capitals stands for its token as long as the file holds no form of lower
    case; of several such forms, and of a word that stands there twice, the first counts.

    Args:
      wanted: Tokens.
      rule: Of the tokeniser: a word that it would not make gets no id, as no text could reach it.
      unseen: How many other words to keep.

    Attributes:
      vectors: By token, in the order of the file.
    """

    def __init__(self, wanted: Container[str], rule: Tokenizer, unseen: int):
        self.vectors = KeptVectors()
        self._wanted, self._rule, self._unseen = wanted, rule, unseen
        self._cased: set[str] = set()

    def token(self, word: str) -> str | None:
        """The token that the vector of a word would be kept for; None where it is not wanted."""
        token = word if word in self._wanted else word.lower()
        if token in self.vectors:
            return token if word == token and token in self._cased else None
        is_kept = token in self._wanted or (self._unseen > 0 and characters.is_token(token, self._rule))
        return token if is_kept else None

    def keep(self, word: str, token: str, vector: np.ndarray) -> None:
        """Keeps the vector of a word for the token that `token` gave."""
        if token not in self.vectors and token not in self._wanted:
            self._unseen -= 1
        self.vectors.put(token, vector)
        if word == token:
            self._cased.discard(token)
        else:
            self._cased.add(token)


class WordList:
    """Wants no vector, but lists the tokens that a `WordChoice` may ask for: each word, and its lower case."""

    def __init__(self):
        self._words: list[str] = []
        self._packed: list[pa.Array] = []

    def token(self, word: str) -> None:
        """Lists a word."""
        self._words += dict.fromkeys((word, word.lower()))
        if len(self._words) >= _LISTED_WORDS:
            self._pack()

    def keep(self, word: str, token: str, vector: np.ndarray) -> None:
        """Is never called, as no vector is wanted."""
        raise AssertionError(word)

    def tokens(self) -> pa.Array:
        """Those that are listed, binary [tokens] in UTF-8; some may be twice."""
        self._pack()
        return pa.concat_arrays(self._packed)

    def _pack(self) -> None:
        self._packed.append(pa.array(self._words, pa.string()).cast(pa.binary()))
        self._words = []
