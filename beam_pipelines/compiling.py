"""Compiles loops over arrays with numba, and shares rows out to all cores."""

import concurrent.futures
import functools
import hashlib
import itertools
import os
import pathlib
import shutil
import time
from collections.abc import Callable

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import caching, cgutils
from numba.extending import intrinsic

from beam_pipelines.flags import UserError, logger

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
    package = pathlib.Path(__file__).parent
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


@intrinsic
def prefetch(typing_context, array, row, column):
    """Asks for the cache line of an item of a two-dimensional array, before it is needed: LLVM's `llvm.prefetch`."""

    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        places = [
            context.cast(builder, *one, types.intp) for one in zip(arguments[1:], signature.args[1:], strict=True)
        ]
        structure = context.make_array(kind)(context, builder, arguments[0])
        item = cgutils.get_item_pointer(context, builder, kind, structure, places, wraparound=False, boundscheck=False)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        to_read, keep_close, data = number(0), number(3), number(1)
        function_type = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], function_type)
        builder.call(function, [builder.bitcast(item, byte), to_read, keep_close, data])
        return context.get_dummy_value()

    return types.void(array, row, column), generate


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(cores(), thread_name_prefix="compiled")


def on_all_cores(function: Callable, parts: list) -> list:
    """The results of a function for some parts, computed at the same time."""
    return list(_threads().map(function, parts))


def parts_of(lengths: np.ndarray, tokens: int) -> list[slice]:
    """Cuts reviews, given their lengths, into runs of about so many tokens each.

    >>> parts_of(np.array([3, 3, 9, 1]), 6)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    numbers = (np.cumsum(lengths) - 1) // tokens
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(lengths)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]
