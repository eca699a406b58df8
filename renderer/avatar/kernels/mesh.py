"""The head's vertices: blend shapes and linear blend skinning (Li et al. 2017), 16 vertices at a time."""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.layout import JOINT, JOINTS
from renderer.jit import inlined, kernel
from renderer.simd.blocks import store_rows4
from renderer.simd.math import fma, splat
from renderer.simd.memory import load_i32, vbroadcast, vload

f32 = np.float32


@inlined
def apply_joint(joints, at, row, x, y, z):
    """One coordinate of the points (x, y, z), moved by the joint whose floats begin at `at`."""
    at += 4 * row
    return fma(
        vbroadcast(joints, at),
        x,
        fma(vbroadcast(joints, at + 1), y, fma(vbroadcast(joints, at + 2), z, vbroadcast(joints, at + 3))),
    )


@kernel
def pose_mesh(state, first, last):
    """Fills `vertices` of blocks first .. last - 1: the posed head, then the vertices that only follow the skull."""
    coefficients, joints = state.coefficients_at, state.joints_at
    zero = splat(f32(0))
    for block in range(first, min(last, state.head_blocks)):
        rest, directions = state.rest_at + 192 * block, state.directions_at
        x, y, z = vload(rest, 0), vload(rest, 16), vload(rest, 32)
        x_odd, y_odd, z_odd = zero, zero, zero  # a second chain of sums hides the latency of the first
        for pair in range(load_i32(state.starts_at, block), load_i32(state.starts_at, block + 1), 2):
            even = vbroadcast(coefficients, load_i32(state.numbers_at, pair))
            odd = vbroadcast(coefficients, load_i32(state.numbers_at, pair + 1))
            x, y, z = (
                fma(even, vload(directions, 48 * pair), x),
                fma(even, vload(directions, 48 * pair + 16), y),
                fma(even, vload(directions, 48 * pair + 32), z),
            )
            x_odd, y_odd, z_odd = (
                fma(odd, vload(directions, 48 * pair + 48), x_odd),
                fma(odd, vload(directions, 48 * pair + 64), y_odd),
                fma(odd, vload(directions, 48 * pair + 80), z_odd),
            )
        x, y, z = x + x_odd, y + y_odd, z + z_odd
        posed_x, posed_y, posed_z = zero, zero, zero
        for joint in range(JOINTS):
            weight = vload(state.weights_at, (JOINTS * block + joint) * 16)
            posed_x = fma(weight, apply_joint(joints, JOINT * joint, 0, x, y, z), posed_x)
            posed_y = fma(weight, apply_joint(joints, JOINT * joint, 1, x, y, z), posed_y)
            posed_z = fma(weight, apply_joint(joints, JOINT * joint, 2, x, y, z), posed_z)
        store_rows4(state.vertices_at, 64 * block, posed_x, posed_y, posed_z)
    skull = JOINT * state.skull
    for block in range(max(first, state.head_blocks), last):
        rest = state.rigid_rest_at + 192 * (block - state.head_blocks)
        x, y, z = vload(rest, 0), vload(rest, 16), vload(rest, 32)
        store_rows4(
            state.vertices_at,
            64 * block,
            apply_joint(joints, skull, 0, x, y, z),
            apply_joint(joints, skull, 1, x, y, z),
            apply_joint(joints, skull, 2, x, y, z),
        )
