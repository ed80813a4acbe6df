"""Vectors and blocks of bytes in compiled loops do what numpy and plain Python do."""

import numpy as np
import pytest

from beam_pipelines.compiling import byte_vectors, vectors
from beam_pipelines.compiling.cache import compiled
from beam_pipelines.compiling.vectors import load, maximum, minimum, splat, store

CHARACTERS = "\x00\t\n !/:@[`{~az"
_mask = byte_vectors.byte_class_mask(CHARACTERS)


@compiled
def compute(given, made):
    one, other = load(given, 0, 1), load(given, 1, 0)
    store(made, 0, 0, one + other)
    store(made, 1, 2, one * splat(given[0, 0]))
    store(made, 2, 0, one / other)
    store(made, 3, 1, maximum(one, other))
    store(made, 4, 0, minimum(one, other))


def test_vectors_are_computed_as_arrays_are():
    random = np.random.default_rng(0)
    given, made = random.normal(size=(2, 40)).astype(np.float32), np.zeros((5, 20), np.float32)
    compute(given, made)
    one, other = given[0, 1:17], given[1, :16]
    assert (made[0, :16] == one + other).all()
    assert (made[1, 2:18] == one * given[0, 0]).all()
    assert (made[2, :16] == one / other).all()
    assert (made[3, 1:17] == np.maximum(one, other)).all()
    assert (made[4, :16] == np.minimum(one, other)).all()
    assert not made[:, 18:].any()


def test_rows_are_filled_up_to_whole_vectors_that_lie_in_one_cache_line():
    array = np.arange(15, dtype=np.float32).reshape(3, 5)
    found = vectors.padded(array)
    assert found.shape == (3, 16)
    assert found.ctypes.data % 64 == 0
    assert (found[:, :5] == array).all()
    assert not found[:, 5:].any()


@compiled
def look(data, place, byte, bits):
    bits[0] = _mask(data, place)
    bits[1] = byte_vectors.equal_to(data, place, byte)
    return byte_vectors.lowest_bit(bits[1]), byte_vectors.count_bits(bits[0])


@pytest.mark.parametrize("place", [0, 1, 40, 63, 192])
def test_each_byte_of_a_block_is_found(place):
    data, bits = np.arange(256, dtype=np.uint8), np.zeros(2, np.uint64)
    lowest, count = look(data, place, place + 5, bits)
    wanted = [place + at in CHARACTERS.encode() for at in range(64)]
    assert [bool(int(bits[0]) >> at & 1) for at in range(64)] == wanted
    assert count == sum(wanted)
    assert int(bits[1]) == 1 << 5
    assert lowest == 5


@compiled
def key_of(data, place, length, to_lower):
    return byte_vectors.first_16_bytes(data, place, length, to_lower)


@pytest.mark.parametrize("to_lower", [0, 32])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 200, 300])
def test_a_key_holds_the_first_bytes_alone(length, to_lower):
    data = np.arange(256, dtype=np.uint8)
    for place in (0, 60, 80, 100, 200, 240):
        raised = [byte + to_lower * (65 <= byte <= 90) for byte in data[place : place + min(length, 16)].tolist()]
        expected = bytes(raised).ljust(16, b"\0")
        found = key_of(data, place, length, np.uint8(to_lower))
        assert b"".join(int(word).to_bytes(8, "little") for word in found) == expected
