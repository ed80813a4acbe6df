"""Blocks of bytes in compiled loops are compared as plain Python compares bytes."""

import numpy as np
import pytest

from beam_pipelines.compiling import byte_vectors
from beam_pipelines.compiling.cache import compiled

CHARACTERS = "\x00\t\n !/:@[`{~az"
_mask = byte_vectors.byte_class_mask(CHARACTERS)


@compiled
def compare(data, offset, byte, masks):
    masks[0] = _mask(data, offset)
    masks[1] = byte_vectors.equal_to(data, offset, byte)
    return byte_vectors.lowest_bit(masks[1]), byte_vectors.count_bits(masks[0])


@pytest.mark.parametrize("offset", [0, 1, 40, 63, 192])
def test_each_byte_of_a_block_has_its_bit(offset):
    data, masks = np.arange(256, dtype=np.uint8), np.zeros(2, np.uint64)
    lowest, count = compare(data, offset, offset + 5, masks)
    is_in_class = [offset + index in CHARACTERS.encode() for index in range(64)]
    assert [bool(int(masks[0]) >> index & 1) for index in range(64)] == is_in_class
    assert count == sum(is_in_class)
    assert int(masks[1]) == 1 << 5
    assert lowest == 5


def test_the_lowest_of_several_bits_and_the_last_are_found():
    data, masks = np.zeros(64, np.uint8), np.zeros(2, np.uint64)
    data[[3, 63]] = 7
    assert compare(data, 0, 7, masks)[0] == 3
    assert int(masks[1]) == 1 << 3 | 1 << 63
    data[3] = 0
    assert compare(data, 0, 7, masks)[0] == 63


@compiled
def equal_words(array, row, word):
    return byte_vectors.equal_words(array, row, word)


def test_each_word_of_a_row_has_its_bit():
    """All 8 bytes of a word count, and of the row's words the first 8."""
    array = np.array([[5] * 9, [0, 1, 2, 3, 4, 1, 6, 1, 1], [2**56, 2**63, 0, 0, 0, 0, 0, 2**63 - 1, 0]], np.uint64)
    assert equal_words(array, 0, np.uint64(5)) == 0b11111111
    assert equal_words(array, 1, np.uint64(1)) == 0b10100010
    assert equal_words(array, 1, np.uint64(5)) == 0
    assert equal_words(array, 2, np.uint64(2**63)) == 0b10


@compiled
def key_of(data, offset, length, to_lower):
    return byte_vectors.first_16_bytes(data, offset, length, to_lower)


@pytest.mark.parametrize("to_lower", [0, 32])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 200, 300])
def test_a_key_holds_the_first_bytes_alone(length, to_lower):
    data = np.arange(256, dtype=np.uint8)
    for offset in (0, 60, 80, 100, 200, 240):
        lowered = [byte + to_lower * (65 <= byte <= 90) for byte in data[offset : offset + min(length, 16)].tolist()]
        words = key_of(data, offset, length, np.uint8(to_lower))
        key = b"".join(int(word).to_bytes(8, "little") for word in words)
        assert key == bytes(lowered).ljust(16, b"\0")
