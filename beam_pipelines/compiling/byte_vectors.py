"""Looks at many bytes at a time in compiled loops: LLVM makes vector instructions of it."""

import functools
import itertools

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# So many bytes are looked at together, a bit each of a word, and so many make a key.
BLOCK, KEY = 64, 16
_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_CAPITALS = (ord("A"), ord("Z"))


def runs_of(characters: str) -> list[tuple[int, int]]:
    """The first and the last code of each run of ASCII characters.

    >>> runs_of("cba z")
    [(32, 32), (97, 99), (122, 122)]
    """
    codes = sorted(map(ord, characters))
    runs = itertools.groupby(enumerate(codes), lambda numbered: numbered[1] - numbered[0])
    found = [[code for _, code in run] for _, run in runs]
    return [(run[0], run[-1]) for run in found]


def finder(characters: str):
    """Makes the function that tells which of the 64 bytes from a place on are one of some ASCII characters.

    It takes uint8 [bytes] and the place, and returns a uint64; its lowest bit is of the first byte.
    """

    @intrinsic
    def find(typing_context, data, place):
        def generate(context, builder, signature, arguments):
            block = _load(context, builder, signature, arguments, BLOCK)
            found = [_is_within(builder, block, *run) for run in runs_of(characters)]
            return builder.bitcast(functools.reduce(builder.or_, found), _WORD)

        return types.uint64(data, place), generate

    return find


@intrinsic
def equal_to(typing_context, data, place, byte):
    """Which of the 64 bytes from a place on are equal to one: see `finder`."""

    def generate(context, builder, signature, arguments):
        block = _load(context, builder, signature, arguments, BLOCK)
        byte = context.cast(builder, arguments[2], signature.args[2], types.uint8)
        return builder.bitcast(builder.icmp_unsigned("==", block, _splat(builder, byte, BLOCK)), _WORD)

    return types.uint64(data, place, byte), generate


@intrinsic
def key(typing_context, data, place, length, to_lower):
    """The first bytes from a place on, at most 16 and so many: two uint64, filled up with 0.

    ASCII capitals are raised by `to_lower`, uint8.
    """

    def generate(context, builder, signature, arguments):
        block = _load(context, builder, signature, arguments, KEY)
        raised = _splat(builder, context.cast(builder, arguments[3], signature.args[3], types.uint8), KEY)
        none = ir.Constant(block.type, None)
        block = builder.add(block, builder.select(_is_within(builder, block, *_CAPITALS), raised, none))
        size = context.cast(builder, arguments[2], signature.args[2], types.int64)
        size = builder.select(builder.icmp_signed("<", size, _WORD(KEY)), size, _WORD(KEY))
        lanes = ir.Constant(block.type, list(range(KEY)))
        is_inside = builder.icmp_unsigned("<", lanes, _splat(builder, builder.trunc(size, _BYTE), KEY))
        words = builder.bitcast(builder.select(is_inside, block, none), ir.VectorType(_WORD, 2))
        halves = [builder.extract_element(words, ir.IntType(32)(half)) for half in range(2)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(types.uint64, 2)(data, place, length, to_lower), generate


@intrinsic
def lowest_bit(typing_context, bits):
    """The number of the lowest bit that is set; there must be one."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


@intrinsic
def count_bits(typing_context, bits):
    """How many bits of a uint64 are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


def _load(context, builder, signature, arguments, size: int):
    """Bytes of a one-dimensional array, from a place on."""
    structure = context.make_array(signature.args[0])(context, builder, arguments[0])
    place = context.cast(builder, arguments[1], signature.args[1], types.intp)
    item = cgutils.get_item_pointer(
        context, builder, signature.args[0], structure, [place], wraparound=False, boundscheck=False
    )
    return builder.load(builder.bitcast(item, ir.VectorType(_BYTE, size).as_pointer()), align=1)


def _is_within(builder, block, first: int, last: int):
    size = block.type.count
    return builder.icmp_unsigned("<=", builder.sub(block, _all(first, size)), _all(last - first, size))


def _all(byte: int, size: int):
    return ir.Constant(ir.VectorType(_BYTE, size), [byte] * size)


def _splat(builder, byte, size: int):
    kind = ir.VectorType(_BYTE, size)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), byte, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), size), None)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)
