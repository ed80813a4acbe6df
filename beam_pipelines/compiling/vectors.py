"""Vectors of 16 float32 numbers for compiled loops.

LLVM turns them into the widest instructions that the processor has and keeps them in registers. A plain
loop over arrays keeps its sums in memory instead.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from beam_pipelines.compiling.numba_internals import item_pointer

WIDTH = 16
_LLVM_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
# Lets a processor with fused multiply-add round a product and its sum once.
_FLAGS = ("contract",)


class _Vector(types.Type):
    """The type of a vector in compiled code."""

    def __init__(self):
        super().__init__("float32x16")


_VECTOR = _Vector()


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _LLVM_VECTOR)


def round_up(columns: int) -> int:
    """Rounds a number of columns up to whole vectors.

    >>> round_up(16), round_up(17)
    (16, 32)
    """
    return -(-columns // WIDTH) * WIDTH


def zeros(rows: int, columns: int) -> np.ndarray:
    """Makes zeros, float32 [rows, columns], that start at a cache line.

    If `columns` is a multiple of `WIDTH`, no vector lies in two cache lines.
    """
    line_bytes, array_bytes = 4 * WIDTH, 4 * rows * columns
    memory = np.zeros(array_bytes + line_bytes, np.uint8)
    start = -memory.ctypes.data % line_bytes
    return memory[start : start + array_bytes].view(np.float32).reshape(rows, columns)


def padded(array: np.ndarray) -> np.ndarray:
    """Copies rows, float32 [rows, columns], and fills the last vector of each up with zeros."""
    rows, columns = array.shape
    copy = zeros(rows, round_up(columns))
    copy[:, :columns] = array
    return copy


@intrinsic
def load(typing_context, array, row, column):
    """Loads the vector that starts at a row and a column of a float32 array."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature, arguments), align=4)

    return _VECTOR(array, row, column), generate


@intrinsic
def store(typing_context, array, row, column, vector):
    """Stores a vector at a row and a column of a float32 array."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[3], _pointer(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.void(array, row, column, vector), generate


@intrinsic
def prefetch(typing_context, array, row, column):
    """Prefetches the cache line of an item of a two-dimensional array, by LLVM's `llvm.prefetch`."""

    def generate(context, builder, signature, arguments):
        pointer, int32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        for_reading, into_all_caches, data_cache = int32(0), int32(3), int32(1)
        function_type = ir.FunctionType(ir.VoidType(), [pointer, int32, int32, int32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], function_type)
        item = builder.bitcast(_item(context, builder, signature, arguments), pointer)
        builder.call(function, [item, for_reading, into_all_caches, data_cache])
        return context.get_dummy_value()

    return types.void(array, row, column), generate


def _pointer(context, builder, signature, arguments):
    return builder.bitcast(_item(context, builder, signature, arguments), _LLVM_VECTOR.as_pointer())


def _item(context, builder, signature, arguments):
    """Makes the pointer to an item; the first three arguments are the array, the row and the column."""
    array, *indices = zip(signature.args[:3], arguments[:3], strict=True)
    return item_pointer(context, builder, array, indices)


@intrinsic
def splat(typing_context, number):
    """Makes a vector that holds the same number 16 times."""

    def generate(context, builder, signature, arguments):
        single = context.cast(builder, arguments[0], signature.args[0], types.float32)
        lane, lanes = ir.IntType(32), ir.VectorType(ir.IntType(32), WIDTH)
        undefined = ir.Constant(_LLVM_VECTOR, ir.Undefined)
        with_lane_0 = builder.insert_element(undefined, single, lane(0))
        # A mask of zeros takes lane 0 for each lane.
        return builder.shuffle_vector(with_lane_0, undefined, ir.Constant(lanes, None))

    return _VECTOR(number), generate


def _operation(name: str):
    """Makes the intrinsic of an LLVM instruction on two vectors."""

    @intrinsic
    def operation(typing_context, first, second):
        def generate(context, builder, signature, arguments):
            return getattr(builder, name)(*arguments, flags=_FLAGS)

        return _VECTOR(_VECTOR, _VECTOR), generate

    return operation


def _define(operation, instruction):
    @overload(operation)
    def define(first, second):
        if first is _VECTOR and second is _VECTOR:
            return lambda first, second: instruction(first, second)


for _operator, _name in ((operator.add, "fadd"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _define(_operator, _operation(_name))


def _select(comparison: str):
    """Makes the intrinsic that takes each number from the first vector where the comparison holds.

    An ordered comparison is false where either operand is NaN, so the second operand's number is taken there.
    """

    @intrinsic
    def select(typing_context, first, second):
        def generate(context, builder, signature, arguments):
            return builder.select(builder.fcmp_ordered(comparison, *arguments), *arguments)

        return _VECTOR(_VECTOR, _VECTOR), generate

    return select


# The greater number of each two, or the lesser. Where either is NaN: the second operand's number, so a NaN
# passes if it is the second operand and is dropped if it is the first.
maximum, minimum = _select(">"), _select("<")
