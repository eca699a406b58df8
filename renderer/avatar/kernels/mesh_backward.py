"""Backward of renderer.avatar.kernels.mesh: from posed vertices to rest positions, coefficients and joints."""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.layout import JOINT, JOINTS
from renderer.jit import inlined, kernel
from renderer.simd.blocks import gather_rows4
from renderer.simd.lanes import lane_numbers
from renderer.simd.math import fma, splat, splat_int
from renderer.simd.memory import load_i32, vbroadcast, vload, vstore
from renderer.simd.vector3 import dot3

f32 = np.float32


@inlined
def turned_back(joints, at, column, x, y, z):
    """One coordinate of the vectors (x, y, z), turned back by the rotation of the joint whose floats begin at `at`."""
    return dot3(
        vbroadcast(joints, at + column),
        vbroadcast(joints, at + 4 + column),
        vbroadcast(joints, at + 8 + column),
        x,
        y,
        z,
    )


@inlined
def add(address, index, value):
    """Adds a vector to memory."""
    vstore(address, index, vload(address, index) + value)


@inlined
def add_motion(sums, joint, gx, gy, gz, x, y, z):
    """Adds what vertices (x, y, z) with gradients (gx, gy, gz) say of the motion of a joint."""
    for row, g in enumerate((gx, gy, gz)):
        at = 16 * (JOINT * joint + 4 * row)
        add(sums, at, g * x)
        add(sums, at + 16, g * y)
        add(sums, at + 32, g * z)
        add(sums, at + 48, g)


@kernel
def mesh_backward(state, gradient):
    """Fills `rest` and adds to `coefficients` and `joints`.

    Args:
        state: AVATAR_STATE after `pose_mesh`.
        gradient: POSE_GRADIENT whose `vertices` are filled.
    """
    coefficients, joints, zero = state.coefficients_at, state.joints_at, splat(f32(0))
    directions, vertices = state.directions_at, gradient.vertices_at
    for block in range(state.head_blocks):
        gx, gy, gz = gather_rows4(vertices, lane_numbers() + splat_int(16 * block))
        rest = state.rest_at + 192 * block
        x, y, z = vload(rest, 0), vload(rest, 16), vload(rest, 32)
        first, last = load_i32(state.starts_at, block), load_i32(state.starts_at, block + 1)
        for pair in range(first, last):
            by = vbroadcast(coefficients, load_i32(state.numbers_at, pair))
            x = fma(by, vload(directions, 48 * pair), x)
            y = fma(by, vload(directions, 48 * pair + 16), y)
            z = fma(by, vload(directions, 48 * pair + 32), z)
        rx, ry, rz = zero, zero, zero
        for joint in range(JOINTS):
            weight, at = vload(state.weights_at, (JOINTS * block + joint) * 16), JOINT * joint
            hx, hy, hz = weight * gx, weight * gy, weight * gz
            rx = rx + turned_back(joints, at, 0, hx, hy, hz)
            ry = ry + turned_back(joints, at, 1, hx, hy, hz)
            rz = rz + turned_back(joints, at, 2, hx, hy, hz)
            add_motion(gradient.joints_at, joint, hx, hy, hz, x, y, z)
        vstore(gradient.rest_at, 48 * block, rx)
        vstore(gradient.rest_at, 48 * block + 16, ry)
        vstore(gradient.rest_at, 48 * block + 32, rz)
        for pair in range(first, last):
            at = 48 * pair
            along = dot3(rx, ry, rz, vload(directions, at), vload(directions, at + 16), vload(directions, at + 32))
            add(gradient.coefficients_at, 16 * np.int64(load_i32(state.numbers_at, pair)), along)
    skull = JOINT * state.skull
    for block in range(state.head_blocks, state.head_blocks + state.rigid_blocks):
        gx, gy, gz = gather_rows4(vertices, lane_numbers() + splat_int(16 * block))
        rest = state.rigid_rest_at + 192 * (block - state.head_blocks)
        add_motion(gradient.joints_at, state.skull, gx, gy, gz, vload(rest, 0), vload(rest, 16), vload(rest, 32))
        vstore(gradient.rest_at, 48 * block, turned_back(joints, skull, 0, gx, gy, gz))
        vstore(gradient.rest_at, 48 * block + 16, turned_back(joints, skull, 1, gx, gy, gz))
        vstore(gradient.rest_at, 48 * block + 32, turned_back(joints, skull, 2, gx, gy, gz))
