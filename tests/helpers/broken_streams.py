"""Streams that end in an error."""

import io


class Breaking(io.BytesIO):
    """A stream that raises in a read of what stands behind some bytes."""

    def __init__(self, data: bytes, good_bytes: int, error: BaseException):
        super().__init__(data)
        self._good_bytes, self._error = good_bytes, error

    def read1(self, size: int = -1) -> bytes:
        if self.tell() >= self._good_bytes:
            raise self._error
        return super().read(min(size, self._good_bytes - self.tell()))
