"""Compiles loops over arrays with numba, once for all jobs on a machine."""

import functools
import hashlib
import os
import pathlib
import shutil
import time

import numba
from numba.core import caching

from beam_pipelines.errors import UserError, logger

# What was compiled is kept in a folder whose name has so many digits, for so long after it was compiled.
DIGEST, KEPT_SECONDS = 16, 30 * 24 * 3600


def compiled(function=None, **options):
    """Compiles once for all jobs, or for each where no folder can be written for the result.

    The function runs without the interpreter's lock, so that threads share the cores.

    Args:
      function: What is compiled, or None of a decorator with options.
      options: Of `numba.njit`.

    Raises:
      UserError: NUMBA_DISABLE_JIT is set: vectors and blocks of bytes have no form in plain Python.
    """
    if numba.config.DISABLE_JIT:
        raise UserError("NUMBA_DISABLE_JIT is set, but what is computed here must be compiled; unset it")
    if function is None:
        return functools.partial(compiled, **options)
    dispatcher = numba.njit(nogil=True, **options)(function)
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = _cache_folder()
        dispatcher._cache = _Cache(function)
    except RuntimeError:
        pass  # There is no folder that can be written to.
    finally:
        numba.config.CACHE_DIR = before
    return dispatcher


class _Cache(caching.FunctionCache):
    """A cache on disk that is passed over where it cannot be read or written: damaged files, a full disk."""

    def load_overload(self, *given):
        try:
            return super().load_overload(*given)
        except Exception:
            return None

    def save_overload(self, *given):
        try:
            super().save_overload(*given)
            _forget_old_sources(pathlib.Path(_cache_folder()))
        except Exception as error:
            logger.debug("not cached: %s", error)


@functools.cache
def _cache_folder() -> str:
    """A folder for these very sources: numba looks at the file of a function, not at what it uses of others."""
    package = pathlib.Path(__file__).parent.parent
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py")))).hexdigest()
    home = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or pathlib.Path("~/.cache").expanduser()
    # In a folder of its own, as old ones beside it are removed: NUMBA_CACHE_DIR may hold anything else.
    return str(pathlib.Path(home, "review-scorer", digest[:DIGEST]))


def _forget_old_sources(folder: pathlib.Path) -> None:
    """Removes what was compiled of other sources and is old; whoever still runs these compiles them again."""
    for other in folder.parent.iterdir():
        is_ours = len(other.name) == DIGEST and other != folder
        if is_ours and time.time() - other.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
