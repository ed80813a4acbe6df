"""Pipes as input: `/dev/stdin`, a shell's `<(command)`, and named ones."""

import atexit
import concurrent.futures
import contextlib
import io
import os
import select
import tempfile
import threading
from collections.abc import Iterator

from beam_pipelines.errors import UserError, logger
from beam_pipelines.reporting.phrases import printable

# How long a program may take to open a named pipe that it writes to; then it may write as slowly as it does.
_WRITER_SECONDS = 20


def spool(path: str) -> str:
    """Copies what comes through a pipe to a temporary file, since an archive is read twice or more; returns its path.

    The file is removed when the process ends.

    Raises:
      UserError: No program writes to the pipe, or there is no room for the copy.
    """
    with tempfile.NamedTemporaryFile(prefix="review_scorer_", delete=False) as copy:
        atexit.register(_remove, copy.name)
        logger.info("%s is a pipe: copying what comes through it to %s", path, copy.name)
        try:
            with _opened(path) as pipe:
                for data in _pieces(pipe):
                    copy.write(data)
        except OSError as error:
            raise UserError(
                f"{path} is a pipe, and cannot be copied to {copy.name}: {error.strerror}; the variable TMPDIR names "
                "the folder for such copies"
            ) from error
    return copy.name


def _pieces(pipe: io.FileIO) -> Iterator[bytes]:
    """Reads what comes through a pipe; a signal that comes just before a read need not wait for its end."""
    data = b"_"
    while data:
        while not select.select([pipe], [], [], 1)[0]:
            pass
        data = pipe.read(1 << 20)
        yield data


def _opened(path: str) -> io.FileIO:
    """Opens a pipe, for which a named one has to wait until another program opens it for writing.

    Raises:
      UserError: None does.
    """
    # A process's own pipes are open at their other end, or were.
    if os.path.realpath(path).startswith(("/dev/fd/", "/proc/")):
        return io.FileIO(path)
    opened: concurrent.futures.Future[io.FileIO] = concurrent.futures.Future()
    # Opened without blocking, it would not tell a program that has come and gone from one that never came.
    threading.Thread(target=_open_into, args=(path, opened), daemon=True).start()
    try:
        return opened.result(_WRITER_SECONDS)
    except TimeoutError:
        raise UserError(
            f"{printable(path)} is a pipe, and nothing comes through it: no program has opened it for writing in "
            f"{_WRITER_SECONDS} s; start that program first, or leave the pipe out"
        ) from None


def _open_into(path: str, opened: concurrent.futures.Future[io.FileIO]) -> None:
    try:
        opened.set_result(io.FileIO(path))
    except OSError as error:
        opened.set_exception(error)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
