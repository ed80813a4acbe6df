"""Vectors in compiled loops compute what numpy computes."""

import numpy as np

from beam_pipelines.compiling import vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import load, maximum, minimum, prefetch, splat, store


@compiled
def compute(operands, results):
    first, second = load(operands, 0, 1), load(operands, 1, 0)
    prefetch(operands, 1, 16)
    store(results, 0, 0, first + second)
    store(results, 1, 2, first * splat(operands[0, 0]))
    store(results, 2, 0, first / second)
    store(results, 3, 1, maximum(first, second))
    store(results, 4, 0, minimum(first, second))


def test_vectors_are_computed_as_arrays_are():
    random = np.random.default_rng(0)
    operands, results = random.normal(size=(2, 40)).astype(np.float32), np.zeros((5, 20), np.float32)
    compute(operands, results)
    first, second = operands[0, 1:17], operands[1, :16]
    assert (results[0, :16] == first + second).all()
    assert (results[1, 2:18] == first * operands[0, 0]).all()
    assert (results[2, :16] == first / second).all()
    assert (results[3, 1:17] == np.maximum(first, second)).all()
    assert (results[4, :16] == np.minimum(first, second)).all()
    assert not results[:, 18:].any()


def test_where_either_operand_is_nan_the_second_is_taken():
    """A NaN that comes into a running maximum as its second operand passes, also through `tanh_fraction`."""
    operands, results = np.ones((2, 40), np.float32), np.zeros((5, 20), np.float32)
    operands[0, 1:17:2] = np.nan
    operands[1, :16:4] = np.nan
    compute(operands, results)
    second = operands[1, :16]
    assert np.array_equal(results[3, 1:17], second, equal_nan=True)
    assert np.array_equal(results[4, :16], second, equal_nan=True)


def test_rows_are_padded_to_whole_vectors_that_lie_in_one_cache_line():
    array = np.arange(15, dtype=np.float32).reshape(3, 5)
    padded = vectors.padded(array)
    assert padded.shape == (3, 16)
    assert padded.ctypes.data % 64 == 0
    assert (padded[:, :5] == array).all()
    assert not padded[:, 5:].any()
