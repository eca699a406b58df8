"""Profile `paper`: the steps between the matrix products of its network, and from its outputs to Gaussians."""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.mesh import pose_mesh
from renderer.jit import inlined, kernel
from renderer.simd.blocks import gather_rows4
from renderer.simd.math import fma, splat, vmax
from renderer.simd.memory import vbroadcast, vload, vload_int, vstore
from renderer.simd.vector3 import dot3

f32 = np.float32

PAPER_STATE = np.dtype(
    [
        # the head, as in renderer.avatar.kernels.layout: what `pose_mesh` reads and writes
        ("head_blocks", np.int64),
        ("rest_at", np.int64),
        ("directions_at", np.int64),
        ("numbers_at", np.int64),
        ("starts_at", np.int64),
        ("weights_at", np.int64),
        ("rigid_rest_at", np.int64),  # nothing: no vertex follows the skull alone
        ("vertices_at", np.int64),
        ("coefficients_at", np.int64),
        ("joints_at", np.int64),  # head frame to world: the pose without the head's, then the skull's motion
        ("skull", np.int64),
        # Gaussians
        ("padded", np.int64),  # S
        ("corners_at", np.int64),  # [3][S] rows of `vertices`
        ("barycentrics_at", np.int64),  # [3][S]
        ("quats_at", np.int64),  # [4][S]
        ("rotation_at", np.int64),  # [9] head frame to world, row by row
        ("offsets_at", np.int64),  # [10][S] displacement 3, rotation (a quaternion of any length) 4, deviations 3
        # output
        ("means_at", np.int64),  # [3][S]
        ("axes_at", np.int64),  # [9][S] rotation times diag(scales), row by row
        ("areas_at", np.int64),  # [16] partial sums of the products of the two largest deviations
    ],
    align=True,
)
"""`*_at` fields are addresses (bytes), as in renderer.avatar.kernels.layout."""


@kernel
def add_and_rectify(target, source, bias):
    """target = max(source + bias, 0), with a bias for each row.

    Args:
        target: [R, C] float32 array, contiguous, C a multiple of 16; may be the source.
        source: likewise.
        bias: [R] float32 array.
    """
    rows, columns = target.shape
    target_at, source_at, bias_at = target.ctypes.data, source.ctypes.data, bias.ctypes.data
    zero = splat(f32(0))
    for row in range(rows):
        offset = vbroadcast(bias_at, row)
        for i in range(row * columns, (row + 1) * columns, 16):
            vstore(target_at, i, vmax(vload(source_at, i) + offset, zero))


@inlined
def turned(rotation, row, x, y, z):
    """One coordinate of (x, y, z), turned by the matrix at the address `rotation`."""
    return dot3(
        vbroadcast(rotation, 3 * row), vbroadcast(rotation, 3 * row + 1), vbroadcast(rotation, 3 * row + 2), x, y, z
    )


@inlined
def store_column(state, i, column, x, y, z, deviation):
    """One column of the axes: a direction in the head frame times the deviation along it."""
    x, y, z = x * deviation, y * deviation, z * deviation
    for row in range(3):
        vstore(state.axes_at, (3 * row + column) * state.padded + i, turned(state.rotation_at, row, x, y, z))


@kernel
def run_bind(states):
    """Poses the mesh, then fills means, axes and areas from it and the network's offsets."""
    state = states[0]
    pose_mesh(state, 0, state.head_blocks)
    stride, offsets, base, rotation = state.padded, state.offsets_at, state.quats_at, state.rotation_at
    one, two = splat(f32(1)), splat(f32(2))
    areas = splat(f32(0))
    for i in range(0, stride, 16):
        ax, ay, az = gather_rows4(state.vertices_at, vload_int(state.corners_at, i))
        bx, by, bz = gather_rows4(state.vertices_at, vload_int(state.corners_at, stride + i))
        cx, cy, cz = gather_rows4(state.vertices_at, vload_int(state.corners_at, 2 * stride + i))
        weights = state.barycentrics_at
        wa, wb, wc = vload(weights, i), vload(weights, stride + i), vload(weights, 2 * stride + i)
        dx, dy, dz = vload(offsets, i), vload(offsets, stride + i), vload(offsets, 2 * stride + i)
        vstore(state.means_at, i, dot3(wa, wb, wc, ax, bx, cx) + turned(rotation, 0, dx, dy, dz))
        vstore(state.means_at, stride + i, dot3(wa, wb, wc, ay, by, cy) + turned(rotation, 1, dx, dy, dz))
        vstore(state.means_at, 2 * stride + i, dot3(wa, wb, wc, az, bz, cz) + turned(rotation, 2, dx, dy, dz))

        # the base quaternion times the network's (Hamilton): the network turns in the Gaussian's own axes
        a, b = vload(base, i), vload(base, stride + i)
        c, d = vload(base, 2 * stride + i), vload(base, 3 * stride + i)
        e, f = vload(offsets, 3 * stride + i), vload(offsets, 4 * stride + i)
        g, h = vload(offsets, 5 * stride + i), vload(offsets, 6 * stride + i)
        w = a * e - dot3(b, c, d, f, g, h)
        x = fma(a, f, fma(b, e, c * h - d * g))
        y = fma(a, g, fma(c, e, d * f - b * h))
        z = fma(a, h, fma(d, e, b * g - c * f))
        s = two / fma(w, w, dot3(x, y, z, x, y, z))  # the divisor is at least about exp(-2)
        sx, sy, sz = s * x, s * y, s * z

        first, second = vload(offsets, 7 * stride + i), vload(offsets, 8 * stride + i)
        third = vload(offsets, 9 * stride + i)
        store_column(state, i, 0, one - (sy * y + sz * z), sx * y + sz * w, sx * z - sy * w, first)
        store_column(state, i, 1, sx * y - sz * w, one - (sx * x + sz * z), sy * z + sx * w, second)
        store_column(state, i, 2, sx * z + sy * w, sy * z - sx * w, one - (sx * x + sy * y), third)
        areas = areas + vmax(first * second, vmax(first * third, second * third))
    vstore(state.areas_at, 0, areas)
