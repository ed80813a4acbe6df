"""Shares work out to all cores: compiled loops run without the interpreter's lock.

Where several processes share a machine, the variable OMP_NUM_THREADS tells each how many cores are its own, as it does
for the libraries.
"""

import concurrent.futures
import functools
import itertools
import os
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")

_SHARE = "OMP_NUM_THREADS"
# TensorFlow goes by its own: threads within an operation, and operations at a time.
_SHARES = (_SHARE, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def cores() -> int:
    """Counts the cores that this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get(_SHARE, "")
    return min(found, int(share)) if share.isdecimal() and int(share) else found


def environment_of_share(processes: int) -> dict[str, str]:
    """The variables that keep each of several processes to its share of the cores, at least one."""
    return dict.fromkeys(_SHARES, str(max(cores() // processes, 1)))


@functools.cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(cores(), thread_name_prefix="compiled")


def map_on_all_cores(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Applies a function to each item, on all cores, and returns the results in the order of the items."""
    return list(_threads().map(function, items))


def slices_of_tokens(lengths: np.ndarray, tokens: int) -> list[slice]:
    """Cuts reviews into slices of about `tokens` tokens.

    Args:
      lengths: int64 [reviews], the tokens of each.
      tokens: Reviews whose last tokens lie in the same run of so many tokens are a slice.

    >>> slices_of_tokens(np.array([3, 3, 9, 1]), 6)
    [slice(0, 2, None), slice(2, 4, None)]
    """
    runs = (np.cumsum(lengths) - 1) // tokens
    edges = [0, *(np.flatnonzero(np.diff(runs)) + 1).tolist(), len(lengths)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]
