"""Kept vectors are a mapping in the order in which they came, and take no memory to speak of."""

import os
import tempfile

import numpy as np
import pytest

from beam_pipelines.errors import UserError
from beam_pipelines.preparing.embeddings.kept_vectors import KeptVectors


def kept(*given: tuple[str, list[float]]) -> KeptVectors:
    vectors = KeptVectors()
    for token, values in given:
        vectors.put(token, np.array(values, np.float64))
    return vectors


def test_vectors_are_kept_in_order_and_replaced_in_their_place():
    vectors = kept(
        ("film", [1, 2]), ("good", [3, 4]), ("film", [5, 6]), ("bad", [7, 8]), ("bad", [9, 9]), ("x", [0, 1])
    )
    values = {token: vector.tolist() for token, vector in vectors.items()}
    assert values == {"film": [5, 6], "good": [3, 4], "bad": [9, 9], "x": [0, 1]}
    assert [*vectors] == ["film", "good", "bad", "x"]
    assert (len(vectors), "good" in vectors, "worse" in vectors) == (4, True, False)
    with pytest.raises(KeyError, match="worse"):
        vectors["worse"]


def test_some_vectors_are_taken_in_the_order_that_is_asked_for():
    vectors = kept(("film", [1, 2]), ("good", [3, 4]), ("bad", [5, 0.1]))
    taken = vectors.take(["bad", "film", "bad"])
    assert (taken.dtype, taken.tolist()) == (np.float32, [[5, np.float32(0.1)], [1, 2], [5, np.float32(0.1)]])
    vectors.put("more", np.array([7, 8]))
    assert vectors.take(["more"]).tolist() == [[7, 8]]


def test_no_vectors_are_an_empty_mapping():
    assert dict(KeptVectors()) == {}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")
def test_a_full_disk_is_told_with_the_folder(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: open("/dev/full", "r+b", buffering=0))  # noqa: SIM115
    message = f"the word vectors cannot be kept in a temporary file in {tempfile.gettempdir()}: No space left on device"
    with pytest.raises(UserError, match=f"^{message}; the variable TMPDIR names"):
        kept(("film", [1, 2]))
