"""Operations across the lanes of the vectors of renderer.simd.types."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types

from renderer.simd.types import INTS, LANES, call_llvm, constant, f32x16, i32x16, intrinsic, mask16, shuffle


@intrinsic
def compress(typingctx, mask, vector):
    """Moves the lanes of an i32x16 that the mask selects to the front, in order."""
    if (mask, vector) != (mask16, i32x16):
        return None

    def emit(context, builder, signature, values):
        arguments = [values[1], values[0], constant(INTS, 0)]
        return call_llvm(builder, "llvm.experimental.vector.compress.v16i32", INTS, arguments)

    return i32x16(mask, vector), emit


@intrinsic
def add_lane_pairs(typingctx, vector, distance):
    """Adds to every lane of an f32x16 the lane whose number differs in the bit `distance` (a literal: 1, 2, 4, 8)."""
    if vector != f32x16 or not isinstance(distance, types.IntegerLiteral):
        return None
    step = distance.literal_value

    def emit(context, builder, signature, values):
        swapped = shuffle(builder, values[0], values[0], [lane ^ step for lane in range(LANES)])
        return builder.fadd(values[0], swapped)

    return f32x16(vector, distance), emit


@intrinsic
def or_lane_groups(typingctx, vector):
    """Every lane of an i32x16 becomes the bitwise or of its group of four neighbors."""
    if vector != i32x16:
        return None

    def emit(context, builder, signature, values):
        value = values[0]
        for step in (2, 1):
            value = builder.or_(value, shuffle(builder, value, value, [lane ^ step for lane in range(LANES)]))
        return value

    return i32x16(vector), emit


@intrinsic
def lane_numbers(typingctx):
    """0, 1, ..., 15."""
    return i32x16(), lambda context, builder, signature, values: ir.Constant(INTS, list(range(LANES)))
