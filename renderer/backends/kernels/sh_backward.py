"""Backward of color, view-dependent or not (renderer.backends.kernels.harmonics), 16 Gaussians at a time."""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.camera_backward import add_to, sh_column, sh_row
from renderer.backends.kernels.gradient_layout import CAMERA_SUMS_SH
from renderer.backends.kernels.harmonics import C1, C20, C21, C22, C30, C31, C32, C33, C34
from renderer.backends.kernels.layout import BLUE, GREEN, RED
from renderer.jit import inlined
from renderer.simd.math import fma, fnma, greater_equal, keep, less, splat, vmax, vsqrt
from renderer.simd.memory import vload, vstore
from renderer.simd.vector3 import SMALLEST_NORM2, dot3

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


@inlined
def colors_backward(state, gradient, i, record, seen, x_cam, y_cam, depth, red, green, blue, camera_sums):
    """Stores dL/dcolors and dL/d(coefficients) of Gaussians i..i + 15.

    Args:
        state: layout.RASTER_STATE.
        gradient: gradient_layout.GRADIENT_STATE.
        i: a multiple of 16.
        record: the Gaussians' records, 16 columns.
        seen: mask16, which of them have a gradient at all.
        x_cam, y_cam, depth: f32x16, means in the camera frame; 1 in front of the camera where not seen.
        red, green, blue: f32x16, dL/d(color that was drawn).
        camera_sums: address of the camera sums, added to.

    Returns:
        dL/d(x_cam, y_cam, depth) by way of the direction in which the Gaussian is seen.
    """
    zero, one, stride, count = splat(f32(0)), splat(f32(1)), state.padded, state.sh_count
    g_x, g_y, g_z = zero, zero, zero
    if count == 0:
        colors = state.colors_at
        red = keep(greater_equal(vload(colors, i), zero), red)
        green = keep(greater_equal(vload(colors, stride + i), zero), green)
        blue = keep(greater_equal(vload(colors, 2 * stride + i), zero), blue)
    else:
        red, green, blue = (
            keep(less(zero, record[RED]), red),
            keep(less(zero, record[GREEN]), green),
            keep(less(zero, record[BLUE]), blue),
        )
        camera = state.camera_at
        per_length = one / vsqrt(vmax(dot3(x_cam, y_cam, depth, x_cam, y_cam, depth), splat(SMALLEST_NORM2)))
        ux, uy, uz = x_cam * per_length, y_cam * per_length, depth * per_length
        at = 12 * i * count
        dx, dy, dz = harmonics_backward(
            state.sh_at + at,
            gradient.sh_gradients_at + at,
            count,
            sh_row(camera, 0, ux, uy, uz),
            sh_row(camera, 1, ux, uy, uz),
            sh_row(camera, 2, ux, uy, uz),
            red,
            green,
            blue,
        )
        dx, dy, dz = keep(seen, dx), keep(seen, dy), keep(seen, dz)
        turn = camera_sums + 64 * CAMERA_SUMS_SH
        add_to(turn, 0, dx * ux)
        add_to(turn, 1, dx * uy)
        add_to(turn, 2, dx * uz)
        add_to(turn, 3, dy * ux)
        add_to(turn, 4, dy * uy)
        add_to(turn, 5, dy * uz)
        add_to(turn, 6, dz * ux)
        add_to(turn, 7, dz * uy)
        add_to(turn, 8, dz * uz)
        dx, dy, dz = (
            sh_column(camera, 0, dx, dy, dz),
            sh_column(camera, 1, dx, dy, dz),
            sh_column(camera, 2, dx, dy, dz),
        )
        radial = dot3(dx, dy, dz, ux, uy, uz)  # the length of the direction does not count
        g_x = fnma(radial, ux, dx) * per_length
        g_y = fnma(radial, uy, dy) * per_length
        g_z = fnma(radial, uz, dz) * per_length
    out = gradient.color_gradients_at
    vstore(out, i, red)
    vstore(out, stride + i, green)
    vstore(out, 2 * stride + i, blue)
    return g_x, g_y, g_z
