"""Memory is used again as soon as its array is gone, and no sooner."""

import numpy as np
import pytest

from trainer.architectures import reused_memory


@pytest.fixture(autouse=True)
def _none_free(monkeypatch):
    monkeypatch.setattr(reused_memory, "_free", [])


def test_an_array_has_its_memory_to_itself():
    arrays = [reused_memory.empty([3, 5]) for _ in range(4)]
    for index, array in enumerate(arrays):
        array[:] = index
    assert [np.unique(array).tolist() for array in arrays] == [[0], [1], [2], [3]]
    assert all(array.shape == (3, 5) and array.dtype == np.float32 for array in arrays)
    assert all(array.ctypes.data % reused_memory.ALIGNMENT == 0 for array in arrays)


def test_memory_of_arrays_that_are_gone_serves_new_ones():
    """Of any size: a larger one takes the place of a smaller."""
    small, large = (reused_memory.empty([size]) for size in (10, 1000))
    addresses = {"small": small.ctypes.data, "large": large.ctypes.data}
    del small, large
    reused = reused_memory.empty([900])
    assert reused.ctypes.data == addresses["large"]
    assert reused_memory.empty([10]).ctypes.data == addresses["small"]
    larger = reused_memory.empty([5000])
    assert len(reused_memory._free) == 0
    del reused, larger
    assert len(reused_memory._free) == 2
