"""Vectors of 16 float32 numbers for compiled loops.

LLVM makes of them the widest instructions that the processor has, and keeps them in registers, where a
loop over arrays, left to the compiler, goes by way of memory.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 16
_LLVM_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
# A product and its sum are rounded once where the processor can do both at a time.
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


def whole(columns: int) -> int:
    """The columns of as many vectors as hold so many numbers.

    >>> whole(16), whole(17)
    (16, 32)
    """
    return -(-columns // WIDTH) * WIDTH


def zeros(rows: int, columns: int) -> np.ndarray:
    """float32 [rows, columns]; with whole vectors in a row, none of them lies in two cache lines."""
    line, size = 4 * WIDTH, 4 * rows * columns
    memory = np.zeros(size + line, np.uint8)
    start = -memory.ctypes.data % line
    return memory[start : start + size].view(np.float32).reshape(rows, columns)


def filled(array: np.ndarray) -> np.ndarray:
    """The same rows, with zeros that fill the last vector of each."""
    rows, columns = array.shape
    found = zeros(rows, whole(columns))
    found[:, :columns] = array
    return found


@intrinsic
def load(typing_context, array, row, column):
    """The vector in a row of a float32 array, from a column on."""

    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature, arguments), align=4)

    return _VECTOR(array, row, column), generate


@intrinsic
def store(typing_context, array, row, column, vector):
    """Puts a vector into a row of a float32 array, from a column on."""

    def generate(context, builder, signature, arguments):
        builder.store(arguments[3], _pointer(context, builder, signature, arguments), align=4)
        return context.get_dummy_value()

    return types.void(array, row, column, vector), generate


@intrinsic
def prefetch(typing_context, array, row, column):
    """Asks for the cache line of an item of a two-dimensional array, before it is needed: LLVM's `llvm.prefetch`."""

    def generate(context, builder, signature, arguments):
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        to_read, keep_close, data = number(0), number(3), number(1)
        function_type = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], function_type)
        item = builder.bitcast(_item(context, builder, signature, arguments), byte)
        builder.call(function, [item, to_read, keep_close, data])
        return context.get_dummy_value()

    return types.void(array, row, column), generate


def _pointer(context, builder, signature, arguments):
    return builder.bitcast(_item(context, builder, signature, arguments), _LLVM_VECTOR.as_pointer())


def _item(context, builder, signature, arguments):
    """A pointer to the item of the array that is the first argument, in the row and the column that come next."""
    array, *places = zip(signature.args[:3], arguments[:3], strict=True)
    structure = context.make_array(array[0])(context, builder, array[1])
    indices = [context.cast(builder, place, kind, types.intp) for kind, place in places]
    return cgutils.get_item_pointer(context, builder, array[0], structure, indices, wraparound=False, boundscheck=False)


@intrinsic
def splat(typing_context, number):
    """The same number 16 times."""

    def generate(context, builder, signature, arguments):
        single = context.cast(builder, arguments[0], signature.args[0], types.float32)
        lane, lanes = ir.IntType(32), ir.VectorType(ir.IntType(32), WIDTH)
        one = builder.insert_element(ir.Constant(_LLVM_VECTOR, ir.Undefined), single, lane(0))
        return builder.shuffle_vector(one, ir.Constant(_LLVM_VECTOR, ir.Undefined), ir.Constant(lanes, None))

    return _VECTOR(number), generate


def _operation(name: str):
    """What an instruction of LLVM makes of two vectors."""

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


def _choice(comparison: str):
    """Numbers of the first vector where they compare so, else of the second, also where one is NaN."""

    @intrinsic
    def choice(typing_context, first, second):
        def generate(context, builder, signature, arguments):
            return builder.select(builder.fcmp_ordered(comparison, *arguments), *arguments)

        return _VECTOR(_VECTOR, _VECTOR), generate

    return choice


greater, lesser = _choice(">"), _choice("<")
