"""Holds the vectors of many tokens, in a file: as arrays they may take more memory than all else in the process."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from beam_pipelines.errors import UserError


class KeptVectors(Mapping[str, np.ndarray]):
    """Vectors by token, float32 [dim] each, in the order in which the tokens came.

    The file has no name, lies in the folder that TMPDIR names and goes with the object.
    """

    def __init__(self):
        self._rows: dict[str, int] = {}
        self._bytes_of_vector = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def __getitem__(self, token: str) -> np.ndarray:
        return self.take([token])[0]

    def __contains__(self, token: object) -> bool:
        return token in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, token: str, vector: np.ndarray) -> None:
        """Adds the vector of a token, or puts it in the place of the one that it has.

        Raises:
          UserError: There is no room for the file.
        """
        data = vector.astype(np.float32).tobytes()
        self._bytes_of_vector = len(data)
        row = self._rows.get(token)
        with _telling_where():
            if row is None:
                self._rows[token] = len(self._rows)
                self._file.write(data)
            else:
                self._file.seek(row * len(data))
                self._file.write(data)
                self._file.seek(0, os.SEEK_END)

    def take(self, tokens: Sequence[str]) -> np.ndarray:
        """Reads the vectors of some tokens, at least one, float32 [tokens, dim].

        Raises:
          UserError: There is no room for the file.
        """
        with _telling_where():
            self._file.flush()
        size, descriptor = self._bytes_of_vector, self._file.fileno()
        # Not mapped into memory, where what was read once would stay.
        data = b"".join(os.pread(descriptor, size, size * self._rows[token]) for token in tokens)
        return np.frombuffer(data, np.float32).reshape(len(tokens), -1)


@contextlib.contextmanager
def _telling_where() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the word vectors cannot be kept in a temporary file in {tempfile.gettempdir()}: {error.strerror}; the "
            "variable TMPDIR names the folder for such files"
        ) from error
