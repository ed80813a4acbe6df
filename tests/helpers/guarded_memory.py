"""Arrays that end where no memory may be read: a program that reads further is killed."""

import ctypes
import mmap

import numpy as np


def array_before_forbidden_page(values: np.ndarray) -> np.ndarray:
    """Copies values, at most a page of them, to the end of a page that a forbidden one follows (POSIX)."""
    page, libc = mmap.PAGESIZE, ctypes.CDLL(None, use_errno=True)
    memory = mmap.mmap(-1, 2 * page)
    forbidden = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + page
    no_access = 0
    assert libc.mprotect(ctypes.c_void_p(forbidden), page, no_access) == 0
    copy = np.frombuffer(memory, values.dtype, values.size, page - values.nbytes).reshape(values.shape)
    copy[:] = values
    return copy
