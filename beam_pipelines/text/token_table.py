"""A compiled table of distinct tokens: which number a token's bytes have, and the other way round.

An open-addressing hash table. A token of up to 16 bytes is its own key, two words of 8 bytes; a longer
one is known by a hash and its length, and then compared byte for byte. No token holds a NUL, so that
the zeros that fill a word up are none of its bytes.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines.compiling.cache import compiled

EMPTY = -1
# Enough for what some hundred kilobytes of text hold beside a vocabulary.
_SMALLEST = 1 << 13
_BITS, _SHIFT = np.uint64(8), np.uint64(32)
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93)
_FACTOR_1, _FACTOR_2, _FACTOR_3 = _FACTORS


class Arrays(NamedTuple):
    """The table as the compiled loops see it.

    Attributes:
      slots: uint64 [slots, 3], the two words of the key of the token in each slot, then its number and 1; that is 0
        where there is none.
      hashes: uint64 [tokens], by number.
      ends: int64 [tokens + 1], where the bytes of each token begin and end, by number.
      data: uint8 [bytes], of all tokens.
      size: int64 [1], how many tokens there are.
    """

    slots: np.ndarray
    hashes: np.ndarray
    ends: np.ndarray
    data: np.ndarray
    size: np.ndarray


class TokenTable:
    """Distinct tokens, numbered from 0 in the order in which they came."""

    def __init__(self):
        self.arrays = _empty(_SMALLEST, _SMALLEST)

    def __len__(self) -> int:
        return int(self.arrays.size[0])

    @property
    def tokens(self) -> pa.Array:
        """The tokens by number, large_binary [tokens]."""
        ends = self.arrays.ends[: len(self) + 1].copy()
        data = self.arrays.data[: ends[-1]].copy()
        return pa.Array.from_buffers(pa.large_binary(), len(self), [None, pa.py_buffer(ends), pa.py_buffer(data)])

    @property
    def hashes(self) -> np.ndarray:
        """A 64-bit hash of each token, uint64 [tokens], the same in every process."""
        return self.arrays.hashes[: len(self)]

    @property
    def data_bytes(self) -> int:
        """The bytes of all tokens together."""
        return int(self.arrays.ends[len(self)])

    def make_room(self, token_bytes: int) -> None:
        """Makes room for one more token, of that size, and for as many again of what there is too little room for."""
        old, slots, data = self.arrays, len(self.arrays.slots), len(self.arrays.data)
        if 2 * len(self) >= slots:
            slots *= 2
        if self.data_bytes + token_bytes > data:
            data = 2 * max(data, token_bytes)
        self.arrays = _empty(slots, data)
        _refill(self.arrays, old)


def _empty(slots: int, data_bytes: int) -> Arrays:
    return Arrays(
        np.zeros((slots, 3), np.uint64),
        np.empty(slots // 2, np.uint64),
        np.zeros(slots // 2 + 1, np.int64),
        np.empty(data_bytes, np.uint8),
        np.zeros(1, np.int64),
    )


@compiled
def has_room(table, token_bytes):
    """Whether one more token fits in, of that size; a table is never more than half full."""
    size = table.size[0]
    return 2 * size < len(table.slots) and table.ends[size] + token_bytes <= len(table.data)


@compiled
def mix(value):
    """A 64-bit hash of a 64-bit value: uint64 -> uint64."""
    value ^= value >> _SHIFT
    value *= _FACTOR_3
    value ^= value >> _SHIFT
    return value


@compiled
def hash_words(first, second):
    """A 64-bit hash of a token's key."""
    return mix(first * _FACTOR_1 ^ mix(second + _FACTOR_2))


@compiled
def long_key(data, start, end, lower):
    """The key of a token of more than 16 bytes, each of which `lower` maps to what is compared."""
    found, word = np.uint64(end - start), np.uint64(0)
    for place in range(start, end):
        word = word << _BITS | np.uint64(lower[data[place]])
        if (place - start) % 8 == 7:
            found, word = hash_words(found, word), np.uint64(0)
    # The first byte of a second word is never zero, unless the token is short and so is all of the word.
    return hash_words(found, word), np.uint64(end - start) << _BITS


@compiled
def number_at(table, slot):
    """The number of the token in a slot, or EMPTY."""
    return np.int64(table.slots[slot, 2]) - 1


@compiled
def find(table, first, second, hashed, data, start, end, lower):
    """The slot of a token, or the empty one where it would be put."""
    last = len(table.slots) - 1
    slot = np.int64(hashed & np.uint64(last))
    number = number_at(table, slot)
    while number != EMPTY:
        if table.slots[slot, 0] == first and table.slots[slot, 1] == second:
            if end - start <= 16:
                return slot
            at, same = table.ends[number], True
            for place in range(start, end):
                if table.data[at + place - start] != lower[data[place]]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & last
        number = number_at(table, slot)
    return slot


@compiled
def add(table, slot, first, second, hashed, data, start, end, lower):
    """Puts a token into an empty slot of `find`; returns its number. There must be room for it."""
    number = table.size[0]
    at = table.ends[number]
    for place in range(start, end):
        table.data[at + place - start] = lower[data[place]]
    table.slots[slot, 0], table.slots[slot, 1], table.slots[slot, 2] = first, second, np.uint64(number + 1)
    table.hashes[number] = hashed
    table.ends[number + 1] = at + end - start
    table.size[0] = number + 1
    return number


@compiled
def _refill(new, old):
    size = old.size[0]
    new.size[0] = size
    new.hashes[:size] = old.hashes[:size]
    new.ends[: size + 1] = old.ends[: size + 1]
    new.data[: old.ends[size]] = old.data[: old.ends[size]]
    last = len(new.slots) - 1
    for old_slot in range(len(old.slots)):
        number = number_at(old, old_slot)
        if number != EMPTY:
            slot = np.int64(old.hashes[number] & np.uint64(last))
            while number_at(new, slot) != EMPTY:
                slot = (slot + 1) & last
            new.slots[slot] = old.slots[old_slot]
