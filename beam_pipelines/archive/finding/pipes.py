"""Pipes as input: `/dev/stdin`, a shell's `<(command)`, and named ones."""

import atexit
import contextlib
import os
import shutil
import tempfile

from beam_pipelines.errors import UserError, logger


def spool(path: str) -> str:
    """Copies what comes through a pipe to a temporary file, since an archive is read twice or more; returns its path.

    The file is removed when the process ends.
    """
    with tempfile.NamedTemporaryFile(prefix="review_scorer_", delete=False) as copy:
        atexit.register(_remove, copy.name)
        logger.info("%s is a pipe: copying what comes through it to %s", path, copy.name)
        try:
            with open(path, "rb") as pipe:
                shutil.copyfileobj(pipe, copy, 1 << 20)
        except OSError as error:
            raise UserError(
                f"{path} is a pipe, and cannot be copied to {copy.name}: {error.strerror}; the variable TMPDIR names "
                "the folder for such copies"
            ) from error
    return copy.name


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
