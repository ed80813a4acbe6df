"""Compiles loops over arrays with numba, and shares rows out to all cores."""

import concurrent.futures
import functools
import os
from collections.abc import Callable

import numba


def compiled(function):
    """Compiles once for all jobs, or for each where no folder can be written for the result.

    The function runs without the interpreter's lock, so that threads share the cores.
    """
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(cores(), thread_name_prefix="compiled")


def on_all_cores(function: Callable, parts: list) -> list:
    """The results of a function for some parts, computed at the same time."""
    return list(_threads().map(function, parts))
