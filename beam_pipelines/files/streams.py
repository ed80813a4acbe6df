"""Streams made of others."""

from typing import IO


class FirstBytes:
    """The next bytes of a stream and no more.

    Args:
      stream: At the first of them.
      size_bytes: How many.
    """

    def __init__(self, stream: IO[bytes], size_bytes: int):
        self._stream, self._left = stream, size_bytes

    def read(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data
