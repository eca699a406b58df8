"""Gaussians on the posed triangles, 16 at a time.

The triangle frame is that of codec.avatar_asset: x along the first edge, z along the normal, y = z cross x. No
quaternion is needed: the rasterizer takes rotation times diag(scales), which is a product of three matrices, frame,
rotation by the bases, and the Gaussian's constant local axes.
"""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.bases import sample_offsets
from renderer.jit import inlined, kernel
from renderer.simd.blocks import gather_rows4, load_transposed
from renderer.simd.math import fma, fnma, splat, vmax
from renderer.simd.memory import vload, vload_int, vstore
from renderer.simd.vector3 import cross, dot3, normalized

f32 = np.float32

SH_C0 = f32(0.28209479177387814)


@inlined
def rotation_factors(angle2):
    """sin(t) / t and (1 - cos(t)) / t^2 from t^2, by Taylor series; good to 1e-5 up to half a turn."""
    one = splat(f32(1))
    sine = fnma(angle2, splat(f32(1 / 156)), one)
    sine = fnma(angle2 * splat(f32(1 / 110)), sine, one)
    sine = fnma(angle2 * splat(f32(1 / 72)), sine, one)
    sine = fnma(angle2 * splat(f32(1 / 42)), sine, one)
    sine = fnma(angle2 * splat(f32(1 / 20)), sine, one)
    sine = fnma(angle2 * splat(f32(1 / 6)), sine, one)
    cosine = fnma(angle2, splat(f32(1 / 182)), one)
    cosine = fnma(angle2 * splat(f32(1 / 132)), cosine, one)
    cosine = fnma(angle2 * splat(f32(1 / 90)), cosine, one)
    cosine = fnma(angle2 * splat(f32(1 / 56)), cosine, one)
    cosine = fnma(angle2 * splat(f32(1 / 30)), cosine, one)
    cosine = fnma(angle2 * splat(f32(1 / 12)), cosine, one)
    return sine, cosine * splat(f32(0.5))


@inlined
def rotated_row(a, b, c, x, y, z, sine, cosine):
    """The row vector (a, b, c) times the rotation about (x, y, z): v + sine (v x r) + cosine ((v x r) x r)."""
    once_a, once_b, once_c = cross(a, b, c, x, y, z)
    twice_a, twice_b, twice_c = cross(once_a, once_b, once_c, x, y, z)
    return (
        fma(sine, once_a, fma(cosine, twice_a, a)),
        fma(sine, once_b, fma(cosine, twice_b, b)),
        fma(sine, once_c, fma(cosine, twice_c, c)),
    )


@inlined
def store_axes_row(state, i, row, a, b, c):
    """One row of the axes: (a, b, c) times the local axes."""
    local, stride = state.local_axes_at, state.padded
    for column in range(3):
        value = dot3(
            a,
            b,
            c,
            vload(local, column * stride + i),
            vload(local, (3 + column) * stride + i),
            vload(local, (6 + column) * stride + i),
        )
        vstore(state.axes_at, (3 * row + column) * stride + i, value)


@kernel
def bind_gaussians(state, worker, first, last):
    """Fills the rasterizer's means, axes and, if there are bases, colors of Gaussians first .. last - 1 (whole blocks).

    The `offsets` of thread `worker` are used.
    """
    stride, sampled = state.padded, state.offsets_at + 1024 * worker
    for i in range(first, last, 16):
        if state.bases > 0:
            sample_offsets(state, sampled, i)
        offsets = load_transposed(sampled, 0)
        corners, barycentrics, local = state.corners_at, state.barycentrics_at, state.local_means_at
        ax, ay, az = gather_rows4(state.vertices_at, vload_int(corners, i))
        bx, by, bz = gather_rows4(state.vertices_at, vload_int(corners, stride + i))
        cx, cy, cz = gather_rows4(state.vertices_at, vload_int(corners, 2 * stride + i))
        xx, xy, xz = normalized(bx - ax, by - ay, bz - az)
        zx, zy, zz = cross(bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az)
        zx, zy, zz = normalized(zx, zy, zz)
        yx, yy, yz = cross(zx, zy, zz, xx, xy, xz)

        wa, wb, wc = vload(barycentrics, i), vload(barycentrics, stride + i), vload(barycentrics, 2 * stride + i)
        lx, ly = vload(local, i) + offsets[0], vload(local, stride + i) + offsets[1]
        lz = vload(local, 2 * stride + i) + offsets[2]
        vstore(state.means_at, i, dot3(wa, wb, wc, ax, bx, cx) + dot3(xx, yx, zx, lx, ly, lz))
        vstore(state.means_at, stride + i, dot3(wa, wb, wc, ay, by, cy) + dot3(xy, yy, zy, lx, ly, lz))
        vstore(state.means_at, 2 * stride + i, dot3(wa, wb, wc, az, bz, cz) + dot3(xz, yz, zz, lx, ly, lz))

        rx, ry, rz = offsets[3], offsets[4], offsets[5]
        sine, cosine = rotation_factors(dot3(rx, ry, rz, rx, ry, rz))
        r0, r1, r2 = rotated_row(xx, yx, zx, rx, ry, rz, sine, cosine)
        store_axes_row(state, i, 0, r0, r1, r2)
        r0, r1, r2 = rotated_row(xy, yy, zy, rx, ry, rz, sine, cosine)
        store_axes_row(state, i, 1, r0, r1, r2)
        r0, r1, r2 = rotated_row(xz, yz, zz, rx, ry, rz, sine, cosine)
        store_axes_row(state, i, 2, r0, r1, r2)

        if state.bases > 0:
            zero, scale, base = splat(f32(0)), splat(SH_C0), state.base_colors_at
            vstore(state.colors_at, i, vmax(fma(scale, offsets[6], vload(base, i)), zero))
            vstore(state.colors_at, stride + i, vmax(fma(scale, offsets[7], vload(base, stride + i)), zero))
            vstore(state.colors_at, 2 * stride + i, vmax(fma(scale, offsets[8], vload(base, 2 * stride + i)), zero))
