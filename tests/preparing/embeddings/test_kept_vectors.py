"""Kept vectors are a mapping, and an array in the order in which they came."""

import numpy as np
import pytest

from beam_pipelines.preparing.embeddings.kept_vectors import KeptVectors


def test_vectors_are_kept_in_order_and_replaced_in_their_place():
    kept = KeptVectors()
    for token, values in (("film", [1, 2]), ("good", [3, 4]), ("film", [5, 6]), ("bad", [7, 8])):
        kept.put(token, np.array(values, np.float64))
    assert {token: vector.tolist() for token, vector in kept.items()} == {"film": [5, 6], "good": [3, 4], "bad": [7, 8]}
    assert [*kept] == ["film", "good", "bad"]
    assert kept.rows == {"film": 0, "good": 1, "bad": 2}
    matrix = kept.matrix(2)
    assert (matrix.dtype, matrix.tolist()) == (np.float32, [[5, 6], [3, 4], [7, 8]])
    assert (len(kept), "good" in kept, "worse" in kept) == (3, True, False)
    with pytest.raises(KeyError, match="worse"):
        kept["worse"]


def test_no_vectors_are_an_array_without_rows():
    assert KeptVectors().matrix(3).shape == (0, 3)
