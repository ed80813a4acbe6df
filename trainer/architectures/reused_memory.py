"""Arrays for TensorFlow whose memory is used again: the system first has to fill fresh memory with zeros."""

import math
import threading
import weakref
from collections.abc import Sequence

import numpy as np

# TensorFlow (2.21) takes an array over without a copy only if it starts at a multiple of so many bytes.
ALIGNMENT = 64
# Memory that no array holds any more: never more pieces than were held at once, each as large as was ever needed.
_free: list[np.ndarray] = []
# Guards the choice of a piece. Finalizers run at any time and in any thread, also while it is held: they only
# append, which needs no lock.
_lock = threading.Lock()


def empty(shape: Sequence[int]) -> np.ndarray:
    """Makes an array float32 of a shape, with arbitrary contents.

    Its memory is free again when the array is gone, so no view of it may outlive it.
    """
    size = math.prod(shape) * np.float32().itemsize + ALIGNMENT
    memory = _take(size)
    start = -memory.ctypes.data % ALIGNMENT
    array = memory[start : start + size - ALIGNMENT].view(np.float32).reshape(shape)
    weakref.finalize(array, _free.append, memory).atexit = False
    return array


def _take(size: int) -> np.ndarray:
    """Takes the smallest free piece that is large enough, or a new one in place of the largest that is too small."""
    with _lock:
        by_size = sorted(range(len(_free)), key=lambda index: len(_free[index]))
        large_enough = [index for index in by_size if len(_free[index]) >= size]
        if large_enough:
            return _free.pop(large_enough[0])
        if by_size:
            del _free[by_size[-1]]
    return np.empty(size, np.uint8)
