"""Sums over the lanes of several vectors at once."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from renderer.simd.types import LANES, f32x16, intrinsic, shuffle

_HALF = LANES // 2


def _exchange(builder: Any, low: ir.Value, high: ir.Value, step: int) -> ir.Value:
    """Sums of lanes `step` apart: those of `low` where the lane number lacks the bit `step`, else those of `high`."""
    if low is high:
        return builder.fadd(low, shuffle(builder, low, low, [lane ^ step for lane in range(LANES)]))
    kept = [lane if not lane & step else LANES + lane for lane in range(LANES)]
    crossed = [lane ^ step if not lane & step else LANES + (lane ^ step) for lane in range(LANES)]
    return builder.fadd(shuffle(builder, low, high, kept), shuffle(builder, low, high, crossed))


def _tree(builder: Any, vectors: list[ir.Value]) -> ir.Value:
    """Lane i, and lane i + 8, of the result: a half each of the sum over vector i, for up to 8 vectors."""
    for step in (4, 2, 1):
        if len(vectors) > step:
            padded = [*vectors[step:], *[None] * (2 * step - len(vectors))]
            vectors = [
                _exchange(builder, low, low if high is None else high, step)
                for low, high in zip(vectors[:step], padded, strict=True)
            ]
        else:
            vectors = [_exchange(builder, vector, vector, step) for vector in vectors]
    return vectors[0]


@intrinsic
def sum_lanes(typingctx, vectors):
    """Lane i of the result is the sum over all lanes of vector i of a tuple of 9 to 16; the lanes after are undefined.

    The order of the additions is fixed.
    """
    if not isinstance(vectors, types.UniTuple) or vectors.dtype != f32x16 or not _HALF < vectors.count <= LANES:
        return None

    def emit(context, builder, signature, values):
        parts = [builder.extract_value(values[0], i) for i in range(vectors.count)]
        return _exchange(builder, _tree(builder, parts[:_HALF]), _tree(builder, parts[_HALF:]), _HALF)

    return f32x16(vectors), emit
