"""Compares many bytes at a time in compiled loops, by the processor's vector instructions."""

import functools
import itertools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from beam_pipelines.compiling.numba_internals import item_pointer

# The bytes that are compared at a time, one bit of a 64-bit word each, and those of a token's key.
BLOCK, KEY = 64, 16
# The same block as words of 8 bytes.
WORDS = BLOCK // 8
_BYTE, _WORD = ir.IntType(8), ir.IntType(64)
_CAPITALS = (ord("A"), ord("Z"))


def runs_of(characters: str) -> list[tuple[int, int]]:
    """Finds the first and the last code of each run of ASCII characters.

    >>> runs_of("cba z")
    [(32, 32), (97, 99), (122, 122)]
    """
    codes = sorted(map(ord, characters))
    runs = itertools.groupby(enumerate(codes), lambda numbered: numbered[1] - numbered[0])
    codes_of_runs = [[code for _, code in run] for _, run in runs]
    return [(run[0], run[-1]) for run in codes_of_runs]


def byte_class_mask(characters: str):
    """Makes the intrinsic that tells which of 64 bytes belong to a class of ASCII characters.

    The intrinsic takes uint8 [bytes] and an offset, and returns a uint64: bit i is set if byte `offset + i` is one
    of the characters.
    """

    @intrinsic
    def mask(typing_context, data, offset):
        def generate(context, builder, signature, arguments):
            block = _load(context, builder, signature, arguments, BLOCK)
            masks = [_is_within(builder, block, *run) for run in runs_of(characters)]
            return builder.bitcast(functools.reduce(builder.or_, masks), _WORD)

        return types.uint64(data, offset), generate

    return mask


@intrinsic
def equal_to(typing_context, data, offset, byte):
    """Tells which of the 64 bytes from an offset on equal `byte`: a mask as of `byte_class_mask`."""

    def generate(context, builder, signature, arguments):
        block = _load(context, builder, signature, arguments, BLOCK)
        byte = context.cast(builder, arguments[2], signature.args[2], types.uint8)
        return builder.bitcast(builder.icmp_unsigned("==", block, _splat(builder, byte, BLOCK)), _WORD)

    return types.uint64(data, offset, byte), generate


@intrinsic
def equal_words(typing_context, array, row, word):
    """Tells which of the first 8 words of a row of uint64 [rows, words] equal `word`: bit i is set if word i does."""

    def generate(context, builder, signature, arguments):
        array, row = zip(signature.args[:2], arguments[:2], strict=True)
        item = item_pointer(context, builder, array, [row, (types.intp, _WORD(0))])
        block = builder.load(builder.bitcast(item, ir.VectorType(_WORD, WORDS).as_pointer()), align=8)
        word = context.cast(builder, arguments[2], signature.args[2], types.uint64)
        is_equal = builder.icmp_unsigned("==", block, _splat(builder, word, WORDS))
        return builder.zext(builder.bitcast(is_equal, ir.IntType(WORDS)), _WORD)

    return types.uint64(array, row, word), generate


@intrinsic
def first_16_bytes(typing_context, data, offset, length, to_lower):
    """Loads the first 16 of `length` bytes from an offset on, as two little-endian uint64, padded with zeros.

    Adds `to_lower`, uint8, to ASCII capitals. Reads 16 bytes whatever the length: they must exist.
    """

    def generate(context, builder, signature, arguments):
        block = _load(context, builder, signature, arguments, KEY)
        to_add = _splat(builder, context.cast(builder, arguments[3], signature.args[3], types.uint8), KEY)
        zeros = ir.Constant(block.type, None)
        block = builder.add(block, builder.select(_is_within(builder, block, *_CAPITALS), to_add, zeros))
        size = context.cast(builder, arguments[2], signature.args[2], types.int64)
        size = builder.select(builder.icmp_signed("<", size, _WORD(KEY)), size, _WORD(KEY))
        lanes = ir.Constant(block.type, list(range(KEY)))
        is_inside = builder.icmp_unsigned("<", lanes, _splat(builder, builder.trunc(size, _BYTE), KEY))
        words = builder.bitcast(builder.select(is_inside, block, zeros), ir.VectorType(_WORD, 2))
        halves = [builder.extract_element(words, ir.IntType(32)(half)) for half in range(2)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(types.uint64, 2)(data, offset, length, to_lower), generate


@intrinsic
def lowest_bit(typing_context, bits):
    """Finds the index of the lowest set bit of a uint64; one must be set."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


@intrinsic
def count_bits(typing_context, bits):
    """Counts the set bits of a uint64."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


def _load(context, builder, signature, arguments, size: int):
    """Loads bytes of a one-dimensional array; the first two arguments are the array and the offset."""
    array, offset = zip(signature.args[:2], arguments[:2], strict=True)
    item = item_pointer(context, builder, array, [offset])
    return builder.load(builder.bitcast(item, ir.VectorType(_BYTE, size).as_pointer()), align=1)


def _is_within(builder, block, first: int, last: int):
    size = block.type.count
    # One unsigned comparison for both bounds: a byte below `first` wraps around to a large number.
    return builder.icmp_unsigned("<=", builder.sub(block, _all(first, size)), _all(last - first, size))


def _all(byte: int, size: int):
    return ir.Constant(ir.VectorType(_BYTE, size), [byte] * size)


def _splat(builder, number, size: int):
    undefined = ir.Constant(ir.VectorType(number.type, size), ir.Undefined)
    with_lane_0 = builder.insert_element(undefined, number, ir.IntType(32)(0))
    # A mask of zeros takes lane 0 for each lane.
    return builder.shuffle_vector(with_lane_0, undefined, ir.Constant(ir.VectorType(ir.IntType(32), size), None))
