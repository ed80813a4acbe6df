"""A compiled table of distinct tokens: the index of a token's bytes, and the bytes of an index.

An open-addressing hash table with linear probing (Knuth, 1973). A token of up to 16 bytes is its own key, two words
of 8 bytes. A longer one has a hash and its length as its key, and its bytes are compared, too. No token holds a NUL,
so a key's zeros after the token's end are none of its bytes.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from beam_pipelines.compiling.byte_vectors import KEY
from beam_pipelines.compiling.cache import compiled

EMPTY = -1
# Slots, and bytes, of a new table: enough for the tokens of some hundred kilobytes of text beside a vocabulary.
_SMALLEST = 1 << 13
_BYTE_BITS, _HALF_BITS = np.uint64(8), np.uint64(32)
# Odd, so that a multiplication loses nothing: 2^64 divided by the golden ratio (Knuth's multiplicative hashing; the
# increment of SplitMix64), xxHash's PRIME64_2, and the factor of degski64 (a mixer of the form of `mix_bits`).
_GOLDEN_RATIO, _XXHASH_PRIME = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_DEGSKI_FACTOR = np.uint64(0xD6E8FEB86659FD93)


class Arrays(NamedTuple):
    """The table as the compiled loops see it.

    Attributes:
      slots: uint64 [slots, 3], the two words of the key of the token in each slot, then its index plus 1, or 0 in an
        empty slot. `slots` is a power of 2.
      hashes: uint64 [tokens], by index.
      offsets: int64 [tokens + 1], token i is `data[offsets[i] : offsets[i + 1]]`.
      data: uint8 [bytes], of all tokens.
      size: int64 [1], the number of tokens.
    """

    slots: np.ndarray
    hashes: np.ndarray
    offsets: np.ndarray
    data: np.ndarray
    size: np.ndarray


class TokenTable:
    """Distinct tokens; the index of each tells its place in the order in which they were added."""

    def __init__(self):
        self.arrays = _empty(_SMALLEST, _SMALLEST)

    def __len__(self) -> int:
        return int(self.arrays.size[0])

    @property
    def tokens(self) -> pa.Array:
        """The tokens by index, large_binary [tokens]."""
        # Copies: the table goes on writing to its own arrays.
        offsets = self.arrays.offsets[: len(self) + 1].copy()
        data = self.arrays.data[: offsets[-1]].copy()
        return pa.Array.from_buffers(pa.large_binary(), len(self), [None, pa.py_buffer(offsets), pa.py_buffer(data)])

    @property
    def hashes(self) -> np.ndarray:
        """A 64-bit hash of each token, uint64 [tokens], the same in every process."""
        return self.arrays.hashes[: len(self)]

    @property
    def data_bytes(self) -> int:
        """The bytes of all tokens together."""
        return int(self.arrays.offsets[len(self)])

    def make_room(self, token_bytes: int) -> None:
        """Makes room for one more token of `token_bytes`: doubles the slots, the bytes, or both, as needed."""
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
    """Tells whether one more token of `token_bytes` fits in; at most half of the slots are filled."""
    size = table.size[0]
    return 2 * size < len(table.slots) and table.offsets[size] + token_bytes <= len(table.data)


@compiled
def mix_bits(value):
    """Computes a 64-bit hash of a 64-bit value, uint64 -> uint64: the first half of degski64."""
    value ^= value >> _HALF_BITS
    value *= _DEGSKI_FACTOR
    value ^= value >> _HALF_BITS
    return value


@compiled
def hash_words(first, second):
    """Computes a 64-bit hash of a token's key."""
    return mix_bits(first * _GOLDEN_RATIO ^ mix_bits(second + _XXHASH_PRIME))


@compiled
def long_key(data, start, end, lower):
    """Computes the key of a token of more than 16 bytes, each lowered by the table `lower`, uint8 [256]."""
    hashed, word = np.uint64(end - start), np.uint64(0)
    for offset in range(start, end):
        word = word << _BYTE_BITS | np.uint64(lower[data[offset]])
        if (offset - start) % 8 == 7:
            # Here `hashed` is of all words of 8 bytes up to this one.
            hashed, word = hash_words(hashed, word), np.uint64(0)
    # No short token has this key: the lowest byte of its second word is zero only if all of that word is.
    return hash_words(hashed, word), np.uint64(end - start) << _BYTE_BITS


@compiled
def token_at(table, slot):
    """Gives the index of the token in a slot, or EMPTY."""
    return np.int64(table.slots[slot, 2]) - 1


@compiled
def find_slot(table, first, second, hashed, data, start, end, lower):
    """Finds the slot of a token, or the empty one where it belongs.

    Args:
      table: Arrays.
      first, second: The two words of its key.
      hashed: The hash of its key.
      data: uint8 [bytes].
      start, end: The token is `data[start:end]`.
      lower: uint8 [256], what each byte becomes.
    """
    last = len(table.slots) - 1
    slot = np.int64(hashed & np.uint64(last))
    token = token_at(table, slot)
    # It ends, as at least half of the slots are empty. Here the token is in none of the slots before this one.
    while token != EMPTY:
        if table.slots[slot, 0] == first and table.slots[slot, 1] == second:
            if end - start <= KEY:
                return slot
            shift, is_same = table.offsets[token] - start, True
            for offset in range(start, end):
                if table.data[shift + offset] != lower[data[offset]]:
                    is_same = False
                    break
            if is_same:
                return slot
        slot = (slot + 1) & last
        token = token_at(table, slot)
    return slot


@compiled
def add_token(table, slot, first, second, hashed, data, start, end, lower):
    """Puts a token into the empty slot that `find_slot` gave; returns its index. There must be room for it."""
    token = table.size[0]
    shift = table.offsets[token] - start
    for offset in range(start, end):
        table.data[shift + offset] = lower[data[offset]]
    table.slots[slot, 0], table.slots[slot, 1], table.slots[slot, 2] = first, second, np.uint64(token + 1)
    table.hashes[token] = hashed
    table.offsets[token + 1] = shift + end
    table.size[0] = token + 1
    return token


@compiled
def _refill(new, old):
    """Copies the tokens of a table into an empty one, with a slot for each."""
    size = old.size[0]
    new.size[0] = size
    new.hashes[:size] = old.hashes[:size]
    new.offsets[: size + 1] = old.offsets[: size + 1]
    new.data[: old.offsets[size]] = old.data[: old.offsets[size]]
    last = len(new.slots) - 1
    for old_slot in range(len(old.slots)):
        token = token_at(old, old_slot)
        if token != EMPTY:
            slot = np.int64(old.hashes[token] & np.uint64(last))
            while token_at(new, slot) != EMPTY:
                slot = (slot + 1) & last
            new.slots[slot] = old.slots[old_slot]
