"""Standard output and standard error that never change how a command ends.

A job that has written its files has done its work, whether or not somebody still reads what it says of it.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO


class _LenientFile(io.FileIO):
    """A file that loses what cannot be written: the reader of a pipe has ended, the terminal is closed."""

    def write(self, data):
        try:
            return super().write(data)
        except OSError:
            return len(data)


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    r"""Lets all be printed, also after `>&-` and before `| head -1`; what the terminal's encoding lacks, as \xNN."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout = _lenient(sys.stdout, sys.__stdout__)
    sys.stderr = _lenient(sys.stderr, sys.__stderr__)
    try:
        yield
    finally:
        # Python flushes when it ends, and gives a failure a status of its own.
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _fill_closed_descriptors() -> None:
    """Opens what is closed of 0, 1 and 2; else TensorFlow would print into the file that is next given the number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # It takes the lowest number that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _lenient(stream: TextIO | None, original: TextIO | None) -> TextIO:
    """Returns the like of a stream of the interpreter; that of a notebook or a test stays as it is."""
    if stream is None:  # It was closed.
        return io.StringIO()
    if stream is not original or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    file = _LenientFile(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,
    )
