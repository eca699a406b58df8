"""Explicit SIMD values for Numba: vectors of 16 floats, 16 integers and 16 truth values.

A value of these types lives in LLVM vector registers: one 512-bit register with AVX-512, two with AVX2, four with
NEON. LLVM chooses at compile time for the processor it runs on; the source is the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.extending import lower_builtin, models, register_model, type_callable

LANES = 16

intrinsic: Any = extending.intrinsic
"""Numba's decorator; callers leave out the `typingctx` that it passes, which a type checker cannot know."""


class Vector(types.Type):
    """A Numba type for `LANES` values."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


f32x16 = Vector("f32x16")
i32x16 = Vector("i32x16")
mask16 = Vector("mask16")

INT8, INT16, INT32, INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
FLOAT, HALF = ir.FloatType(), ir.HalfType()
FLOATS = ir.VectorType(FLOAT, LANES)
INTS = ir.VectorType(INT32, LANES)
BITS = ir.VectorType(ir.IntType(1), LANES)
LLVM_TYPES = {f32x16: FLOATS, i32x16: INTS, mask16: BITS}


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, LLVM_TYPES[vector])


def constant(llvm_type: ir.VectorType, value: float) -> ir.Constant:
    """The same value in every lane."""
    return ir.Constant(llvm_type, [value] * llvm_type.count)


def broadcast(builder: Any, value: Any, llvm_type: ir.VectorType) -> Any:
    """A scalar in every lane."""
    undefined = ir.Constant(llvm_type, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, undefined, constant(INTS, 0))


def shuffle(builder: Any, first: Any, second: Any, lanes: list[int]) -> Any:
    """Lanes of the concatenation of two vectors, in the order of `lanes`."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(INT32, len(lanes)), lanes))


def call_llvm(builder: Any, name: str, result: ir.Type, arguments: list[Any]) -> Any:
    """Calls an LLVM intrinsic by its full name."""
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    return builder.call(function, arguments)


Emit = Callable[[Any, list[Any]], Any]
"""Emits the instructions: (builder, argument values) -> result value."""


def unary(result: types.Type, argument: types.Type, emit: Emit) -> Any:
    """A function of one vector or scalar, usable in kernels."""

    @intrinsic
    def function(typingctx, a):
        if a == argument:
            return result(a), lambda context, builder, signature, values: emit(builder, values)

    return function


def binary(result: types.Type, first: types.Type, second: types.Type, emit: Emit) -> Any:
    """A function of two vectors or scalars, usable in kernels."""

    @intrinsic
    def function(typingctx, a, b):
        if (a, b) == (first, second):
            return result(a, b), lambda context, builder, signature, values: emit(builder, values)

    return function


def ternary(result: types.Type, first: types.Type, second: types.Type, third: types.Type, emit: Emit) -> Any:
    """A function of three vectors or scalars, usable in kernels."""

    @intrinsic
    def function(typingctx, a, b, c):
        if (a, b, c) == (first, second, third):
            return result(a, b, c), lambda context, builder, signature, values: emit(builder, values)

    return function


def _define_operator(symbol: Callable[..., Any], vector: Vector, emit: Emit) -> None:
    @type_callable(symbol)
    def _type(context):
        def typer(a, b):
            if a == vector and b == vector:
                return vector

        return typer

    @lower_builtin(symbol, vector, vector)
    def _lower(context, builder, signature, values):
        return emit(builder, values)


_CONTRACT = ("contract",)  # a * b + c may become one fused operation; nothing else is reordered

_define_operator(operator.add, f32x16, lambda builder, v: builder.fadd(*v, flags=_CONTRACT))
_define_operator(operator.sub, f32x16, lambda builder, v: builder.fsub(*v, flags=_CONTRACT))
_define_operator(operator.mul, f32x16, lambda builder, v: builder.fmul(*v, flags=_CONTRACT))
_define_operator(operator.truediv, f32x16, lambda builder, v: builder.fdiv(*v))
_define_operator(operator.add, i32x16, lambda builder, v: builder.add(*v))
_define_operator(operator.sub, i32x16, lambda builder, v: builder.sub(*v))
_define_operator(operator.mul, i32x16, lambda builder, v: builder.mul(*v))
_define_operator(operator.and_, i32x16, lambda builder, v: builder.and_(*v))
_define_operator(operator.or_, i32x16, lambda builder, v: builder.or_(*v))
_define_operator(operator.lshift, i32x16, lambda builder, v: builder.shl(*v))
_define_operator(operator.rshift, i32x16, lambda builder, v: builder.lshr(*v))
_define_operator(operator.and_, mask16, lambda builder, v: builder.and_(*v))
_define_operator(operator.or_, mask16, lambda builder, v: builder.or_(*v))
