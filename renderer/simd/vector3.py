"""Points and directions in space, 16 at a time: three vectors of renderer.simd.types each."""

from __future__ import annotations

import numpy as np

from renderer.jit import inlined
from renderer.simd.math import fma, fnma, splat, vmax, vsqrt

SMALLEST_NORM2 = np.float32(1e-24)


@inlined
def dot3(ax, ay, az, bx, by, bz):
    """Scalar product."""
    return fma(ax, bx, fma(ay, by, az * bz))


@inlined
def cross(ax, ay, az, bx, by, bz):
    """Vector product."""
    return fnma(az, by, ay * bz), fnma(ax, bz, az * bx), fnma(ay, bx, ax * by)


@inlined
def normalized(x, y, z):
    """A vector of length 1 (or the zero vector)."""
    scale = splat(np.float32(1)) / vsqrt(vmax(dot3(x, y, z, x, y, z), splat(SMALLEST_NORM2)))
    return x * scale, y * scale, z * scale
