"""Backward of view-dependent color (renderer.backends.kernels.harmonics), 16 Gaussians at a time."""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.harmonics import C1, C20, C21, C22, C30, C31, C32, C33, C34
from renderer.jit import inlined
from renderer.simd.math import fma, fnma, splat
from renderer.simd.memory import vload, vstore

f32 = np.float32


@inlined
def term_backward(coefficients, gradients, k, value, red, green, blue):
    """Stores dL/d(coefficients number `k`); returns dL/d(the function's value)."""
    at = 48 * k
    vstore(gradients, at, value * red)
    vstore(gradients, at + 16, value * green)
    vstore(gradients, at + 32, value * blue)
    return fma(
        red,
        vload(coefficients, at),
        fma(green, vload(coefficients, at + 16), blue * vload(coefficients, at + 32)),
    )


@inlined
def harmonics_backward(coefficients, gradients, count, x, y, z, red, green, blue):
    """Backward of `add_harmonics`.

    Args:
        coefficients: address of [count][3][16] floats.
        gradients: address of as many, written.
        count: K: 3, 8 or 15.
        x, y, z: f32x16, unit directions in the axes of the harmonics.
        red, green, blue: f32x16, dL/dcolor.

    Returns:
        dL/d(x, y, z), of the polynomials, not yet tangential to the sphere.
    """
    zero, two, three, four = splat(f32(0)), splat(f32(2)), splat(f32(3)), splat(f32(4))
    c1 = splat(C1)
    gy = zero - c1 * term_backward(coefficients, gradients, 0, zero - c1 * y, red, green, blue)
    gz = c1 * term_backward(coefficients, gradients, 1, c1 * z, red, green, blue)
    gx = zero - c1 * term_backward(coefficients, gradients, 2, zero - c1 * x, red, green, blue)
    if count >= 8:
        xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
        c20, c21, c22 = splat(C20), splat(C21), splat(C22)
        g = c20 * term_backward(coefficients, gradients, 3, c20 * xy, red, green, blue)
        gx, gy = fma(g, y, gx), fma(g, x, gy)
        g = c20 * term_backward(coefficients, gradients, 4, zero - c20 * yz, red, green, blue)
        gy, gz = fnma(g, z, gy), fnma(g, y, gz)
        g = two * c21 * term_backward(coefficients, gradients, 5, c21 * (zz + zz - xx - yy), red, green, blue)
        gx, gy, gz = fnma(g, x, gx), fnma(g, y, gy), fma(two * g, z, gz)
        g = c20 * term_backward(coefficients, gradients, 6, zero - c20 * xz, red, green, blue)
        gx, gz = fnma(g, z, gx), fnma(g, x, gz)
        g = two * c22 * term_backward(coefficients, gradients, 7, c22 * (xx - yy), red, green, blue)
        gx, gy = fma(g, x, gx), fnma(g, y, gy)
        if count >= 15:
            four_zz = fma(four, zz, zero - xx - yy)
            y3, x3 = fma(three, xx, zero - yy), fnma(three, yy, xx)
            z3 = fnma(three, xx + yy, zz + zz)
            c30, c31, c32, c33, c34 = splat(C30), splat(C31), splat(C32), splat(C33), splat(C34)
            g = c30 * three * term_backward(coefficients, gradients, 8, zero - c30 * y * y3, red, green, blue)
            gx, gy = fnma(g, xy + xy, gx), fnma(g, xx - yy, gy)
            g = c31 * term_backward(coefficients, gradients, 9, c31 * xy * z, red, green, blue)
            gx, gy, gz = fma(g, yz, gx), fma(g, xz, gy), fma(g, xy, gz)
            g = c32 * term_backward(coefficients, gradients, 10, zero - c32 * y * four_zz, red, green, blue)
            gx, gy, gz = fma(g, xy + xy, gx), fnma(g, four_zz - yy - yy, gy), fnma(g, two * four * yz, gz)
            g = c33 * three * term_backward(coefficients, gradients, 11, c33 * z * z3, red, green, blue)
            gx, gy, gz = fnma(g, xz + xz, gx), fnma(g, yz + yz, gy), fma(g, zz + zz - xx - yy, gz)
            g = c32 * term_backward(coefficients, gradients, 12, zero - c32 * x * four_zz, red, green, blue)
            gx, gy, gz = fnma(g, four_zz - xx - xx, gx), fma(g, xy + xy, gy), fnma(g, two * four * xz, gz)
            g = c34 * term_backward(coefficients, gradients, 13, c34 * z * (xx - yy), red, green, blue)
            gx, gy, gz = fma(g, xz + xz, gx), fnma(g, yz + yz, gy), fma(g, xx - yy, gz)
            g = c30 * three * term_backward(coefficients, gradients, 14, zero - c30 * x * x3, red, green, blue)
            gx, gy = fnma(g, xx - yy, gx), fma(g, xy + xy, gy)
    return gx, gy, gz
