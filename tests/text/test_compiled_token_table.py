"""A table finds each token that it holds, and no other, and grows only when it must."""

import string

import numpy as np
import pyarrow as pa
import pytest

from beam_pipelines.text import compiled_token_table
from beam_pipelines.text.compiled_token_table import TokenTable
from beam_pipelines.text.compiled_tokenizer import CompiledTokenizer
from tests.helpers.tokens import RULE

MASK = (1 << 64) - 1
AS_IT_IS = np.arange(256, dtype=np.uint8)
SMALLEST = 1 << 13


def table_of(words: list[str]) -> TokenTable:
    return CompiledTokenizer(RULE)(pa.array([" ".join(words)])).others


def mix_bits(value: int) -> int:
    value ^= value >> 32
    value = value * 0xD6E8FEB86659FD93 & MASK
    return value ^ value >> 32


def hash_words(first: int, second: int) -> int:
    return mix_bits(first * 0x9E3779B97F4A7C15 & MASK ^ mix_bits(second + 0xC2B2AE3D27D4EB4F & MASK))


def hash_token(token: bytes) -> int:
    """The definition in plain Python."""
    if len(token) <= 16:
        return hash_words(*(int.from_bytes(token[first : first + 8], "little") for first in (0, 8)))
    hashed = len(token)
    for first in range(0, len(token) + 1, 8):
        hashed = hash_words(hashed, int.from_bytes(token[first : first + 8], "big"))
    return hash_words(hashed, len(token) << 8)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 40, 300])
def test_a_hash_is_that_of_its_definition(length):
    """It is the key of splits and of what is known of texts: another version must find the same."""
    token = (string.ascii_lowercase * 12)[:length]
    table = table_of([token.upper()])
    assert table.tokens.to_pylist() == [token.encode()]
    assert table.hashes.tolist() == [hash_token(token.encode())]


def test_long_tokens_of_one_start_and_one_length_are_told_apart():
    words = ["a" * 40 + letter for letter in string.ascii_lowercase] + ["b" * 16, "b" * 17, "b" * 24, "b" * 25]
    tokenizer = CompiledTokenizer(RULE, pa.array(words))
    assert tokenizer(pa.array([" ".join(words).upper()])).codes.tolist() == list(range(len(words)))


def test_long_tokens_of_one_key_are_told_apart_by_their_bytes():
    """No two are known whose hashes collide, so they are given the same key here."""
    table, data = TokenTable(), np.frombuffer(b"a" * 19 + b"b" + b"a" * 20, np.uint8)
    key = (np.uint64(1), np.uint64(20 << 8), np.uint64(SMALLEST - 1))

    def find(start: int) -> int:
        return compiled_token_table.find_slot(table.arrays, *key, data, start, start + 20, AS_IT_IS)

    for index, start in enumerate((0, 20)):
        slot = find(start)
        assert slot == (SMALLEST - 1, 0)[index]
        assert compiled_token_table.token_at(table.arrays, slot) == compiled_token_table.EMPTY
        assert compiled_token_table.add_token(table.arrays, slot, *key, data, start, start + 20, AS_IT_IS) == index
    assert [find(0), find(20), find(1)] == [SMALLEST - 1, 0, 1]
    assert table.tokens.to_pylist() == [b"a" * 19 + b"b", b"a" * 20]


@pytest.mark.parametrize(("tokens", "slots"), [(SMALLEST // 2, SMALLEST), (SMALLEST // 2 + 1, 2 * SMALLEST)])
def test_at_most_half_of_the_slots_are_filled(tokens, slots):
    words = [np.base_repr(number, 36).lower() for number in range(tokens)]
    table = TokenTable()
    tokenizer = CompiledTokenizer(RULE)
    codes = tokenizer(pa.array([" ".join(words)]), table).codes
    assert codes.tolist() == [-1 - index for index in range(tokens)]
    assert len(table.arrays.slots) == slots
    assert len(table.arrays.hashes) == slots // 2
    # Each is found again where it was put, or moved to.
    assert tokenizer(pa.array([" ".join(reversed(words))]), table).codes.tolist() == codes[::-1].tolist()
    assert table.tokens.to_pylist() == [word.encode() for word in words]


@pytest.mark.parametrize(
    ("sizes", "data_bytes"),
    [
        ([SMALLEST], SMALLEST),
        ([SMALLEST + 1], 2 * (SMALLEST + 1)),
        ([SMALLEST - 20, 20], SMALLEST),
        ([SMALLEST - 20, 21], 2 * SMALLEST),
        ([SMALLEST, 5 * SMALLEST], 10 * SMALLEST),
    ],
)
def test_bytes_double_when_a_token_has_no_room(sizes, data_bytes):
    words = [letter * size for letter, size in zip("abc", sizes, strict=False)]
    table = table_of(words)
    assert len(table.arrays.data) == data_bytes
    assert len(table.arrays.slots) == SMALLEST
    assert table.data_bytes == sum(sizes)
    assert table.tokens.to_pylist() == [word.encode() for word in words]


def test_a_table_of_long_tokens_is_hardly_larger_than_they_are():
    """As of a language that is written without spaces: a paragraph is a token."""
    words = [f"{number:05d}" + "\u4e2d" * 200 for number in range(5000)]
    table = table_of(words)
    assert len(table) == 5000
    assert sum(array.nbytes for array in table.arrays) < 4 * table.data_bytes
