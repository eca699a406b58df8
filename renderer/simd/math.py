"""Arithmetic, comparisons and conversions on the vectors of renderer.simd.types, and a few scalar bit tricks."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from renderer.simd.types import (
    BITS,
    FLOATS,
    INT16,
    INT32,
    INT64,
    INTS,
    binary,
    broadcast,
    call_llvm,
    constant,
    f32x16,
    i32x16,
    intrinsic,
    mask16,
    ternary,
    unary,
)

_f32, _i32, _i64 = types.float32, types.int32, types.int64

splat = unary(f32x16, _f32, lambda b, v: broadcast(b, v[0], FLOATS))
"""float32 -> the value in every lane."""


@intrinsic
def splat_int(typingctx, value):
    """Any integer -> its low 32 bits in every lane."""
    if not isinstance(value, types.Integer | types.IntegerLiteral):
        return None

    def emit(context, builder, signature, values):
        return broadcast(builder, context.cast(builder, values[0], signature.args[0], types.int32), INTS)

    return i32x16(value), emit


fma = ternary(f32x16, f32x16, f32x16, f32x16, lambda b, v: call_llvm(b, "llvm.fma.v16f32", FLOATS, v))
"""a * b + c."""

fnma = ternary(
    f32x16, f32x16, f32x16, f32x16, lambda b, v: call_llvm(b, "llvm.fma.v16f32", FLOATS, [b.fneg(v[0]), v[1], v[2]])
)
"""c - a * b."""

vsqrt = unary(f32x16, f32x16, lambda b, v: call_llvm(b, "llvm.sqrt.v16f32", FLOATS, v))
vfloor = unary(f32x16, f32x16, lambda b, v: call_llvm(b, "llvm.floor.v16f32", FLOATS, v))
vceil = unary(f32x16, f32x16, lambda b, v: call_llvm(b, "llvm.ceil.v16f32", FLOATS, v))


def _choose_float(comparison: str) -> Any:
    return lambda b, v: b.select(b.fcmp_ordered(comparison, v[0], v[1]), v[0], v[1])


def _choose_int(comparison: str) -> Any:
    return lambda b, v: b.select(b.icmp_signed(comparison, v[0], v[1]), v[0], v[1])


vmax = binary(f32x16, f32x16, f32x16, _choose_float(">"))
"""The larger; the second where the first is not a number."""
vmin = binary(f32x16, f32x16, f32x16, _choose_float("<"))
"""The smaller; the second where the first is not a number."""
vmax_int = binary(i32x16, i32x16, i32x16, _choose_int(">"))
vmin_int = binary(i32x16, i32x16, i32x16, _choose_int("<"))

greater_equal = binary(mask16, f32x16, f32x16, lambda b, v: b.fcmp_ordered(">=", v[0], v[1]))
less = binary(mask16, f32x16, f32x16, lambda b, v: b.fcmp_ordered("<", v[0], v[1]))
less_equal_int = binary(mask16, i32x16, i32x16, lambda b, v: b.icmp_signed("<=", v[0], v[1]))
nonzero_int = unary(mask16, i32x16, lambda b, v: b.icmp_signed("!=", v[0], constant(INTS, 0)))

select = ternary(f32x16, mask16, f32x16, f32x16, lambda b, v: b.select(v[0], v[1], v[2]))
"""mask, a, b -> a where the mask is set, else b."""
keep = binary(f32x16, mask16, f32x16, lambda b, v: b.select(v[0], v[1], constant(FLOATS, 0.0)))
"""mask, a -> a where the mask is set, else 0."""
keep_int = binary(i32x16, mask16, i32x16, lambda b, v: b.select(v[0], v[1], constant(INTS, 0)))

to_int = unary(i32x16, f32x16, lambda b, v: b.fptosi(v[0], INTS))
"""Rounds towards zero; the caller bounds the value, out of range the result is undefined."""
to_float = unary(f32x16, i32x16, lambda b, v: b.sitofp(v[0], FLOATS))

mask_bits = unary(_i32, mask16, lambda b, v: b.zext(b.bitcast(v[0], INT16), INT32))
"""The 16 truth values as the low bits of an integer, lane 0 first."""
mask_from_bits = unary(mask16, _i32, lambda b, v: b.bitcast(b.trunc(v[0], INT16), BITS))

float_bits = unary(_i32, _f32, lambda b, v: b.bitcast(v[0], INT32))
"""The bits of a float32; for values above zero their order is that of the floats."""
count_bits = unary(_i64, _i32, lambda b, v: b.zext(call_llvm(b, "llvm.ctpop.i32", INT32, v), INT64))
lowest_bit = unary(
    _i64,
    _i32,
    lambda b, v: b.zext(call_llvm(b, "llvm.cttz.i32", INT32, [v[0], ir.Constant(ir.IntType(1), 0)]), INT64),
)
"""The number of the lowest bit that is set."""


def _scale_by_power(builder: Any, values: list[Any]) -> Any:
    mantissa, exponent = (builder.bitcast(value, INTS) for value in values)
    return builder.bitcast(builder.add(mantissa, builder.shl(exponent, constant(INTS, 23))), FLOATS)


scale_by_power = binary(f32x16, f32x16, f32x16, _scale_by_power)
"""a, m -> a * 2^n, where n is the integer in the lowest bits of the float m (see `exp2` in the blend kernel)."""


def _positive_minimum(builder: Any, values: list[Any]) -> Any:
    sign_source, value, limit = (builder.bitcast(each, INTS) for each in values)
    smaller = builder.select(builder.icmp_signed("<", value, limit), value, limit)
    negative = builder.icmp_signed("<", sign_source, constant(INTS, 0))
    return builder.bitcast(builder.select(negative, smaller, constant(INTS, 0)), FLOATS)


minimum_where_negative = ternary(f32x16, f32x16, f32x16, f32x16, _positive_minimum)
"""s, a, limit -> min(a, limit) where the sign bit of s is set, else 0; a and limit are not negative.

Integer comparisons do it, which leave the floating-point ports free."""
