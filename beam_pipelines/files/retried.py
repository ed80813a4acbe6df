"""Local files whose reading is tried again: a disk of a network may fail for a moment."""

import errno
import io
import time
from typing import IO, Any

from beam_pipelines.errors import logger

# What may be gone the next time; it is not what a person has to mend, as a missing permission is.
_TRANSIENT = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EAGAIN, errno.EINTR, errno.ENOTCONN}
_PAUSES_SECONDS = (0.1, 1.0, 5.0)
_BUFFER_BYTES = 1 << 17


def open_local(path: str) -> IO[bytes]:
    """Opens a local file for reading.

    What fails with an error of a disk or a network is tried again from where it was, some seconds long.
    """
    return io.BufferedReader(_Retried(path), _BUFFER_BYTES)


class _Retried(io.RawIOBase):
    def __init__(self, path: str):
        self._path = path
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - it is closed with this one.

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int | None:
        if not self._file.seekable():
            return self._file.readinto(buffer)  # A pipe cannot be read again.
        position = self._file.tell()
        for pause in _PAUSES_SECONDS:
            try:
                return self._file.readinto(buffer)
            except OSError as error:
                if error.errno not in _TRANSIENT:
                    raise
                logger.warning("%s: %s; trying again", self._path, error.strerror)
            time.sleep(pause)
            self._reopen(position)
        return self._file.readinto(buffer)

    def _reopen(self, position: int) -> None:
        again = open(self._path, "rb", buffering=0)  # noqa: SIM115 - see above.
        self._file.close()
        self._file = again
        self._file.seek(position)

    def close(self) -> None:
        self._file.close()
        super().close()
