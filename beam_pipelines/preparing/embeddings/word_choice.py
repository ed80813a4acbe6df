"""Decides which words of a file of vectors are kept, and of which of their forms the vector counts."""

import re
from collections.abc import Container

import numpy as np

# As in `tokens`, which imports TensorFlow; a word that is wrongly kept costs a row, no more.
_FILTERED = re.compile(r"[\W_]")


class WordChoice:
    """The vectors of the wanted words, and of the first so many others that can be tokens.

    Tokens are of lower case. A word with capitals stands for its token as long as the file holds no form of lower
    case; of several such forms, and of a word that stands there twice, the first counts.

    Args:
      wanted: Tokens.
      unseen: How many other words to keep.

    Attributes:
      vectors: By token, float32 [dim] each, in the order of the file.
    """

    def __init__(self, wanted: Container[str], unseen: int):
        self.vectors: dict[str, np.ndarray] = {}
        self._wanted, self._unseen = wanted, unseen
        self._cased: set[str] = set()

    def token(self, word: str) -> str | None:
        """The token that the vector of a word would be kept for; None where it is not wanted."""
        token = word if word in self._wanted else word.lower()
        if token in self.vectors:
            return token if word == token and token in self._cased else None
        is_kept = token in self._wanted or (self._unseen > 0 and token != "" and not _FILTERED.search(token))
        return token if is_kept else None

    def keep(self, word: str, token: str, vector: np.ndarray) -> None:
        """Keeps the vector of a word for the token that `token` gave."""
        if token not in self.vectors and token not in self._wanted:
            self._unseen -= 1
        self.vectors[token] = vector
        if word == token:
            self._cased.discard(token)
        else:
            self._cased.add(token)
