"""Sums over the lanes of several vectors at once, built from one step: `add_halves`."""

from __future__ import annotations

from numba.core import types

from renderer.simd.types import LANES, f32x16, intrinsic, shuffle


@intrinsic
def add_halves(typingctx, low, high, distance):
    """Adds lanes whose numbers differ in the bit `distance` (a literal: 1, 2, 4, 8), of two f32x16 at once.

    Lanes without the bit get sums of `low`, those with it sums of `high`. After steps for all bits a lane holds a sum
    over all lanes of the vector that its number names.
    """
    if (low, high) != (f32x16, f32x16) or not isinstance(distance, types.IntegerLiteral):
        return None
    step = distance.literal_value

    def emit(context, builder, signature, values):
        kept = [lane + LANES * (lane & step != 0) for lane in range(LANES)]
        crossed = [lane ^ step for lane in kept]
        return builder.fadd(
            shuffle(builder, values[0], values[1], kept), shuffle(builder, values[0], values[1], crossed)
        )

    return f32x16(low, high, distance), emit
