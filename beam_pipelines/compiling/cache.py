"""Compiles loops over arrays with numba, once for all jobs on a machine."""

import contextlib
import functools
import hashlib
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import numba

from beam_pipelines.compiling import numba_internals
from beam_pipelines.errors import UserError, logger

# Compiled code lies in a folder whose name has so many digits of a digest, for so long after it was last written.
DIGEST_DIGITS, KEPT_SECONDS = 16, 30 * 24 * 3600


def compiled(function: Callable | None = None, **options) -> Callable:
    """Compiles a function once for all jobs, or in each process if no folder can be written for the result.

    The function runs without the interpreter's lock, so that threads share the cores.

    Args:
      function: The function, or None for a decorator with options.
      options: Those of `numba.njit`.

    Raises:
      UserError: NUMBA_DISABLE_JIT is set: vectors and blocks of bytes have no form in plain Python.
    """
    if numba.config.DISABLE_JIT:
        raise UserError("NUMBA_DISABLE_JIT is set, but what is computed here must be compiled; unset it")
    if function is None:
        return functools.partial(compiled, **options)
    dispatcher = numba.njit(nogil=True, **options)(function)
    # Where the folder cannot be written to, each process compiles for itself.
    with contextlib.suppress(RuntimeError):
        numba_internals.use_cache(dispatcher, functools.partial(_Cache, function), _cache_folder())
    return dispatcher


class _Cache(numba_internals.FunctionCache):
    """A cache on disk that is passed over if it cannot be read or written: damaged files, a full disk."""

    def load_overload(self, *arguments):
        # Of any kind: a damaged file is unpickled, and compiling again mends it.
        try:
            return super().load_overload(*arguments)
        except Exception:
            return None

    def save_overload(self, *arguments):
        try:
            super().save_overload(*arguments)
            _forget_old_sources(pathlib.Path(_cache_folder()))
        except Exception as error:
            logger.debug("not cached: %s", error)


@functools.cache
def _cache_folder() -> str:
    """Names a folder for these very sources: numba looks at a function's file, not at those whose code it inlines."""
    package = pathlib.Path(__file__).parent.parent
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))).hexdigest()
    home = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or pathlib.Path("~/.cache").expanduser()
    # `review-scorer` holds nothing else, since old folders in it are removed; NUMBA_CACHE_DIR may hold anything.
    return str(pathlib.Path(home, "review-scorer", digest[:DIGEST_DIGITS]))


def _forget_old_sources(folder: pathlib.Path) -> None:
    """Removes old compiled code of other sources; a process that still runs these compiles them again."""
    for other in folder.parent.iterdir():
        is_ours = len(other.name) == DIGEST_DIGITS and other != folder
        if is_ours and time.time() - other.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
