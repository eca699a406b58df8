"""View-dependent color: spherical harmonics of degrees 1 to 3, 16 Gaussians at a time.

Functions, order and signs are those of renderer.spherical_harmonics.
"""

from __future__ import annotations

import numpy as np

from renderer import spherical_harmonics as sh
from renderer.backends.kernels.layout import CAM_SH
from renderer.jit import inlined
from renderer.simd.math import fma, fnma, splat
from renderer.simd.memory import vbroadcast, vload
from renderer.simd.vector3 import dot3, normalized

f32 = np.float32

C1 = f32(sh.C1)
C20, C21, C22 = (f32(value) for value in sh.C2)
C30, C31, C32, C33, C34 = (f32(value) for value in sh.C3)


@inlined
def add_term(coefficients, k, value, red, green, blue):
    """Colors plus `value` times the coefficients number `k` of 16 Gaussians."""
    return (
        fma(value, vload(coefficients, 48 * k), red),
        fma(value, vload(coefficients, 48 * k + 16), green),
        fma(value, vload(coefficients, 48 * k + 32), blue),
    )


@inlined
def sh_directions(camera, x_cam, y_cam, z_cam):
    """Unit directions from the camera to points of its frame, in the axes of the harmonics."""
    x, y, z = normalized(x_cam, y_cam, z_cam)
    return (
        dot3(vbroadcast(camera, CAM_SH), vbroadcast(camera, CAM_SH + 1), vbroadcast(camera, CAM_SH + 2), x, y, z),
        dot3(vbroadcast(camera, CAM_SH + 3), vbroadcast(camera, CAM_SH + 4), vbroadcast(camera, CAM_SH + 5), x, y, z),
        dot3(vbroadcast(camera, CAM_SH + 6), vbroadcast(camera, CAM_SH + 7), vbroadcast(camera, CAM_SH + 8), x, y, z),
    )


@inlined
def add_harmonics(coefficients, count, x, y, z, red, green, blue):
    """Adds what `count` (3, 8 or 15) coefficients give in the unit directions (x, y, z) to the colors.

    Args:
        coefficients: address of [count][3][16] floats.
        count: K.
        x, y, z: f32x16, direction in the axes of the harmonics.
        red, green, blue: f32x16.
    """
    zero = splat(f32(0))
    c1 = splat(C1)
    red, green, blue = add_term(coefficients, 0, zero - c1 * y, red, green, blue)
    red, green, blue = add_term(coefficients, 1, c1 * z, red, green, blue)
    red, green, blue = add_term(coefficients, 2, zero - c1 * x, red, green, blue)
    if count >= 8:
        xx, yy, zz = x * x, y * y, z * z
        c20, c21, c22 = splat(C20), splat(C21), splat(C22)
        red, green, blue = add_term(coefficients, 3, c20 * (x * y), red, green, blue)
        red, green, blue = add_term(coefficients, 4, zero - c20 * (y * z), red, green, blue)
        red, green, blue = add_term(coefficients, 5, c21 * (zz + zz - xx - yy), red, green, blue)
        red, green, blue = add_term(coefficients, 6, zero - c20 * (x * z), red, green, blue)
        red, green, blue = add_term(coefficients, 7, c22 * (xx - yy), red, green, blue)
        if count >= 15:
            three = splat(f32(3))
            four_zz = fma(splat(f32(4)), zz, zero - xx - yy)
            y3, x3 = fma(three, xx, zero - yy), fnma(three, yy, xx)
            z3 = fnma(three, xx + yy, zz + zz)
            red, green, blue = add_term(coefficients, 8, zero - splat(C30) * y * y3, red, green, blue)
            red, green, blue = add_term(coefficients, 9, splat(C31) * x * y * z, red, green, blue)
            red, green, blue = add_term(coefficients, 10, zero - splat(C32) * y * four_zz, red, green, blue)
            red, green, blue = add_term(coefficients, 11, splat(C33) * z * z3, red, green, blue)
            red, green, blue = add_term(coefficients, 12, zero - splat(C32) * x * four_zz, red, green, blue)
            red, green, blue = add_term(coefficients, 13, splat(C34) * z * (xx - yy), red, green, blue)
            red, green, blue = add_term(coefficients, 14, zero - splat(C30) * x * x3, red, green, blue)
    return red, green, blue
