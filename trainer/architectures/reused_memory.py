"""Arrays for TensorFlow whose memory is used again: fresh memory must be filled with zeros by the system first."""

import math
import threading
import weakref

import numpy as np

# TensorFlow takes an array over as it is where it starts at a multiple of so many bytes, or else copies it.
ALIGNMENT = 64
# Memory that no array holds any more; never more pieces than were held at once, each as large as was ever needed.
_free: list[np.ndarray] = []
# Of those who take; what comes back may come at any time, and is appended.
_lock = threading.Lock()


def empty(shape) -> np.ndarray:
    """An array float32 of a shape, filled with anything.

    Its memory is free again when the array is gone, so a view of it must not outlive it.
    """
    size = math.prod(shape) * np.float32().itemsize + ALIGNMENT
    memory = _take(size)
    start = -memory.ctypes.data % ALIGNMENT
    array = memory[start : start + size - ALIGNMENT].view(np.float32).reshape(shape)
    weakref.finalize(array, _free.append, memory).atexit = False
    return array


def _take(size: int) -> np.ndarray:
    """The smallest free piece that is large enough, or a new one instead of the largest that is not."""
    with _lock:
        places = sorted(range(len(_free)), key=lambda place: len(_free[place]))
        fitting = [place for place in places if len(_free[place]) >= size]
        if fitting:
            return _free.pop(fitting[0])
        if places:
            del _free[places[-1]]
    return np.empty(size, np.uint8)
