"""Reads an object of a store as a file: in few requests where it is read in a row, few bytes where it is not."""

import io
from collections.abc import Callable

# At the start of an object, or behind a jump, and once more; then twice as much with each request that goes on.
LEAST_AHEAD, MOST_AHEAD = 1 << 14, 8 << 20


class ObjectReader(io.RawIOBase):
    """The bytes of an object. What was read last and what was read first are kept, for seeks back.

    Args:
      fetch: Returns the bytes from one offset up to another.
      size_bytes: Of the object.
      wanted_bytes: About how many bytes are read in a row, if that is known.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size_bytes: int, wanted_bytes: int = 1):
        self._fetch, self._size_bytes = fetch, size_bytes
        self._wanted_bytes = min(wanted_bytes, size_bytes)
        # In parts of equal size: what is read ahead behind the wanted bytes is read for nothing.
        self._part_bytes = -(-self._wanted_bytes // max(-(-self._wanted_bytes // MOST_AHEAD), 1))
        self._position = self._ahead = 0
        self._start, self._data = 0, b""
        self._head = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer) -> int:
        data = self._kept() or self._fetch_from(self._position, len(buffer))
        data = data[: len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def readall(self) -> bytes:
        kept = bytes(self._kept())
        self._position += len(kept)
        if self._position >= self._size_bytes:
            return kept
        rest = self._fetch(self._position, self._size_bytes)
        self._position += len(rest)
        return kept + rest

    def _kept(self) -> memoryview:
        """What is at hand of the bytes from here on."""
        if self._position < len(self._head):
            return memoryview(self._head)[self._position :]
        place = self._position - self._start
        return memoryview(self._data)[place:] if place >= 0 else memoryview(b"")

    def _fetch_from(self, start: int, at_least: int) -> memoryview:
        if start >= self._size_bytes:
            return memoryview(b"")
        goes_on = start == self._start + len(self._data)
        if self._wanted_bytes > LEAST_AHEAD:
            ahead = min(self._part_bytes, self._wanted_bytes)
        else:
            self._ahead = min(2 * self._ahead, MOST_AHEAD) if goes_on and self._ahead else LEAST_AHEAD // 2
            ahead = max(self._ahead, LEAST_AHEAD)
        end = min(start + max(ahead, at_least), self._size_bytes)
        self._start, self._data = start, self._fetch(start, end)
        self._wanted_bytes -= end - start
        if start == 0:
            self._head = self._data
        return memoryview(self._data)


def open_object(fetch: Callable[[int, int], bytes], size_bytes: int, wanted_bytes: int) -> io.BufferedReader:
    """Opens an object as a file that can also be peeked into; the arguments are those of `ObjectReader`."""
    return io.BufferedReader(ObjectReader(fetch, size_bytes, wanted_bytes), LEAST_AHEAD)
