"""Holds the vectors of many tokens."""

from collections.abc import Iterator, Mapping

import numpy as np


class KeptVectors(Mapping[str, np.ndarray]):
    """Vectors by token, float32 [dim] each, in the order in which the tokens came.

    All are in one array: as an object each, short ones would take twice as much memory.

    Attributes:
      rows: The row of each token in the array.
    """

    def __init__(self):
        self.rows: dict[str, int] = {}
        # Unlike an array it grows in place.
        self._data = bytearray()

    def __getitem__(self, token: str) -> np.ndarray:
        row = self.rows[token]
        return self.matrix(len(self._data) // 4 // len(self.rows))[row]

    def __contains__(self, token: object) -> bool:
        return token in self.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, token: str, vector: np.ndarray) -> None:
        """Adds the vector of a token, or puts it in the place of the one that it has."""
        data = vector.astype(np.float32).tobytes()
        start = self.rows.setdefault(token, len(self.rows)) * len(data)
        self._data[start : start + len(data)] = data

    def matrix(self, dim: int) -> np.ndarray:
        """All vectors by row, float32 [tokens, dim]; none can be added as long as somebody holds this array."""
        return np.frombuffer(self._data, np.float32).reshape(-1, dim)
