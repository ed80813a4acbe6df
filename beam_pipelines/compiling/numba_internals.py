"""All that is used here of numba's internals, which may change with any version.

They bound numba in `pyproject.toml`: try this module with a new version before the bound is raised. The rest of the
package uses what numba documents: `njit`, `config` and `numba.extending`.
"""

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import caching, cgutils

# Keeps compiled functions on disk: `load_overload` reads one and `save_overload` writes one.
FunctionCache = caching.FunctionCache


def use_cache(dispatcher: Any, make_cache: Callable[[], FunctionCache], folder: str) -> None:
    """Lets a function of `numba.njit` keep its compiled code in a folder.

    `njit(cache=True)` does not let its caller choose the class of the cache. The cache reads `CACHE_DIR` when it is
    made, and only then.

    Raises:
      RuntimeError: The folder cannot be written to.
    """
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = folder
        dispatcher._cache = make_cache()
    finally:
        numba.config.CACHE_DIR = before


def item_pointer(context, builder: ir.IRBuilder, array, indices: list) -> ir.Value:
    """Makes the pointer to an item of an array, for an intrinsic.

    Args:
      context: The target context of the intrinsic.
      builder: Its LLVM builder.
      array: The type and the value of the array.
      indices: The type and the value of the index in each dimension. They are neither checked nor counted from the
        end.
    """
    array_type, value = array
    structure = context.make_array(array_type)(context, builder, value)
    words = [context.cast(builder, index, index_type, types.intp) for index_type, index in indices]
    return cgutils.get_item_pointer(context, builder, array_type, structure, words, wraparound=False, boundscheck=False)
