"""Backward of renderer.avatar.kernels.bind: from means, axes and colors to Gaussians, grid and posed vertices.

With F the triangle frame, o the bound point and A = F L the axes, a small rotation w of the frame moves a Gaussian by
w x (x - o) and its axes by w x a_j. Its derivative, the torque, reaches the triangle's corners a, b, c through
w_z = db.y / |e|, w_y = -db.z / |e| and w_x = d(height of c).z / h, where e = b - a and h is the height of c over e.

A rotation by the bases is taken as if it were small: its derivative is that of a rotation that comes after it.
"""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.pose_gradient_layout import SCRATCH
from renderer.jit import inlined, kernel
from renderer.simd.blocks import gather_rows4, store_rows4, store_transposed
from renderer.simd.math import fma, fnma, keep, less, splat, vmax
from renderer.simd.memory import load_f32, load_i32, store_f32, vbroadcast, vload, vload_int, vstore
from renderer.simd.vector3 import cross, dot3, normalized

f32 = np.float32

ROWS = SCRATCH - 256
"""Where in the scratch memory the rows of 16 Gaussians for the grid begin."""

SHORTEST = f32(5e-4)
"""Edges and heights of triangles are taken for at least this long (metres): tiny ones would shout down all others."""


@inlined
def load3(address, stride, i):
    """Three rows of a structure of arrays."""
    return vload(address, i), vload(address, stride + i), vload(address, 2 * stride + i)


@inlined
def store3(address, stride, i, x, y, z):
    """Stores three rows of a structure of arrays."""
    vstore(address, i, x)
    vstore(address, stride + i, y)
    vstore(address, 2 * stride + i, z)


@inlined
def axis_terms(axes, gradients, stride, i, column):
    """The part of the torque and the derivative by the logarithm of the scale that column `column` of the axes has."""
    ax, ay, az = load3(axes + 4 * stride * column, 3 * stride, i)
    gx, gy, gz = load3(gradients + 4 * stride * column, 3 * stride, i)
    tx, ty, tz = cross(ax, ay, az, gx, gy, gz)
    return tx, ty, tz, dot3(ax, ay, az, gx, gy, gz)


@inlined
def scatter_rows(vertices, corners, first, rows):
    """Adds 16 rows of four floats to the vertices that `corners` names, from number `first` on."""
    for lane in range(16):
        at = 4 * np.int64(load_i32(corners, first + lane))
        for axis in range(3):
            store_f32(vertices, at + axis, load_f32(vertices, at + axis) + load_f32(rows, 4 * lane + axis))


@inlined
def shown(color, gradient):
    """The derivative by a color, none where it is cut off at 0."""
    return keep(less(splat(f32(0)), color), gradient)


@inlined
def scatter_grid(state, gradient, rows, first):
    """Adds the rows of 16 Gaussians, [16][16] floats, to the grid points around them."""
    samples, weights, stride, grid = state.samples_at, state.sample_weights_at, state.padded, gradient.grid_at
    for lane in range(16):
        row, at = vload(rows, 16 * lane), first + lane
        for _corner in range(4):
            point = 16 * np.int64(load_i32(samples, at))
            vstore(grid, point, fma(vbroadcast(weights, at), row, vload(grid, point)))
            at += stride


@kernel
def bind_backward(state, gradient):
    """Fills `local_means`, `turns` and `log_scales`, and adds to `vertices` and `grid`.

    Args:
        state: AVATAR_STATE after renderer.avatar.kernels.bind.bind_gaussians.
        gradient: POSE_GRADIENT.
    """
    stride, zero, one = state.padded, splat(f32(0)), splat(f32(1))
    barycentrics, corners, vertices = state.barycentrics_at, state.corners_at, gradient.vertices_at
    scratch = gradient.scratch_at
    for i in range(0, stride, 16):
        ax, ay, az = gather_rows4(state.vertices_at, vload_int(corners, i))
        bx, by, bz = gather_rows4(state.vertices_at, vload_int(corners, stride + i))
        cx, cy, cz = gather_rows4(state.vertices_at, vload_int(corners, 2 * stride + i))
        ex, ey, ez = bx - ax, by - ay, bz - az
        fx, fy, fz = cx - ax, cy - ay, cz - az
        xx, xy, xz = normalized(ex, ey, ez)
        zx, zy, zz = cross(ex, ey, ez, fx, fy, fz)
        zx, zy, zz = normalized(zx, zy, zz)
        yx, yy, yz = cross(zx, zy, zz, xx, xy, xz)
        wa, wb, wc = load3(barycentrics, stride, i)

        gx, gy, gz = load3(gradient.mean_gradients_at, stride, i)
        mx, my, mz = load3(state.means_at, stride, i)
        px, py, pz = dot3(xx, xy, xz, gx, gy, gz), dot3(yx, yy, yz, gx, gy, gz), dot3(zx, zy, zz, gx, gy, gz)
        store3(gradient.local_means_at, stride, i, px, py, pz)

        tx, ty, tz, s0 = axis_terms(state.axes_at, gradient.axis_gradients_at, stride, i, 0)
        ux, uy, uz, s1 = axis_terms(state.axes_at, gradient.axis_gradients_at, stride, i, 1)
        vx, vy, vz, s2 = axis_terms(state.axes_at, gradient.axis_gradients_at, stride, i, 2)
        store3(gradient.log_scales_at, stride, i, s0, s1, s2)
        tx, ty, tz = tx + ux + vx, ty + uy + vy, tz + uz + vz
        rx, ry, rz = dot3(xx, xy, xz, tx, ty, tz), dot3(yx, yy, yz, tx, ty, tz), dot3(zx, zy, zz, tx, ty, tz)
        store3(gradient.turns_at, stride, i, rx, ry, rz)

        # the torque of the whole frame, in its own axes
        qx, qy, qz = (
            mx - dot3(wa, wb, wc, ax, bx, cx),
            my - dot3(wa, wb, wc, ay, by, cy),
            mz - dot3(wa, wb, wc, az, bz, cz),
        )
        qx, qy, qz = cross(qx, qy, qz, gx, gy, gz)
        along_x = rx + dot3(xx, xy, xz, qx, qy, qz)
        along_y = ry + dot3(yx, yy, yz, qx, qy, qz)
        along_z = rz + dot3(zx, zy, zz, qx, qy, qz)
        length = vmax(dot3(xx, xy, xz, ex, ey, ez), splat(SHORTEST))
        height = vmax(dot3(yx, yy, yz, fx, fy, fz), splat(SHORTEST))
        foot = dot3(xx, xy, xz, fx, fy, fz) / length
        to_y, to_z = along_z / length, zero - along_y / length
        lift = along_x / height
        on_b = to_z - foot * lift  # along z, beside `to_y` along y
        on_a = zero - to_z - (one - foot) * lift
        store_rows4(
            scratch,
            0,
            fma(wa, gx, fma(on_a, zx, fnma(to_y, yx, zero))),
            fma(wa, gy, fma(on_a, zy, fnma(to_y, yy, zero))),
            fma(wa, gz, fma(on_a, zz, fnma(to_y, yz, zero))),
        )
        scatter_rows(vertices, corners, i, scratch)
        store_rows4(
            scratch,
            0,
            fma(wb, gx, fma(on_b, zx, to_y * yx)),
            fma(wb, gy, fma(on_b, zy, to_y * yy)),
            fma(wb, gz, fma(on_b, zz, to_y * yz)),
        )
        scatter_rows(vertices, corners, stride + i, scratch)
        store_rows4(scratch, 0, fma(wc, gx, lift * zx), fma(wc, gy, lift * zy), fma(wc, gz, lift * zz))
        scatter_rows(vertices, corners, 2 * stride + i, scratch)

        if state.bases > 0:
            red, green, blue = load3(gradient.color_gradients_at, stride, i)
            old_red, old_green, old_blue = load3(state.colors_at, stride, i)
            red, green, blue = shown(old_red, red), shown(old_green, green), shown(old_blue, blue)
            scale = splat(f32(0.28209479177387814))
            columns = (
                *(px, py, pz, rx, ry, rz),
                *(scale * red, scale * green, scale * blue),
                *(zero, zero, zero, zero, zero, zero, zero),
            )
            store_transposed(scratch, ROWS, columns)
            scatter_grid(state, gradient, scratch + 4 * ROWS, i)
