"""Both forms of tanh agree with numpy's, from the smallest numbers to infinity, and let NaN pass."""

import numpy as np
import pytest

from beam_pipelines.compiling import tanh
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import WIDTH, load, store

LIMITS = [0.0, 1e-30, 8.6, 8.7, 8.8, 30.0, 3e38, np.inf]
NUMBERS = np.concatenate([LIMITS, np.linspace(1e-6, 9, 4000 - len(LIMITS))])
VALUES = np.concatenate([NUMBERS, -NUMBERS]).astype(np.float32)


@compiled
def divide(values, results, denominators):
    for column in range(0, values.shape[1], WIDTH):
        numerator, denominator = tanh.tanh_fraction(load(values, 0, column))
        store(denominators, 0, column, denominator)
        store(results, 0, column, numerator / denominator)


def of_arrays(values: np.ndarray) -> np.ndarray:
    results = values.copy()
    tanh.tanh(results)
    return results


def of_vectors(values: np.ndarray) -> np.ndarray:
    results, denominators = np.empty((2, 1, len(values)), np.float32)
    divide(values[np.newaxis], results, denominators)
    assert (denominators > 0).all() or np.isnan(values).any()
    return results[0]


@pytest.mark.parametrize("compute", [of_arrays, of_vectors])
def test_values_are_those_of_numpy(compute):
    """Beyond the range of the approximation, too, and of negative numbers the negative."""
    results = compute(VALUES)
    assert np.abs(results - np.tanh(VALUES.astype(np.float64))).max() < 5e-7
    assert (results[: len(NUMBERS)] == -results[len(NUMBERS) :]).all()
    assert (np.abs(results) <= 1 + 1e-6).all()


@pytest.mark.parametrize("compute", [of_arrays, of_vectors])
def test_nan_passes(compute):
    values = np.ones(WIDTH, np.float32)
    values[3] = np.nan
    assert np.flatnonzero(np.isnan(compute(values))).tolist() == [3]
