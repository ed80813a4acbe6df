"""Shares work out to all cores; compiled loops run there at the same time."""

import concurrent.futures
import functools
import itertools
import os
from collections.abc import Callable

import numpy as np


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
