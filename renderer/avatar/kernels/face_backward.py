"""Backward of renderer.avatar.kernels.face, by differences: a few numbers, many formulas."""

from __future__ import annotations

import numpy as np

from renderer.avatar.kernels.bind_backward import bind_backward
from renderer.avatar.kernels.face import set_face
from renderer.avatar.kernels.mesh_backward import mesh_backward
from renderer.jit import kernel

f32 = np.float32

STEP = f32(2e-3)


@kernel
def run_pose_backward(states, gradients):
    """From the rasterizer's gradients to those of Gaussians, grid, vertices, coefficients and joints."""
    bind_backward(states[0], gradients[0])
    mesh_backward(states[0], gradients[0])


@kernel
def face_gradient(states, face, joints, coefficients, by_joints, by_coefficients, first, last, result):
    """Fills result[first : last] with the derivatives by these numbers of `face`.

    Args:
        states: [1] AVATAR_STATE of its own whose `face`, `joints` and `coefficients` are the next three.
        face: [FACE] the instant; used, and left as it was.
        joints: [JOINTS * JOINT] and coefficients: [D]: written.
        by_joints: [JOINTS * JOINT] and by_coefficients: [D]: dL/d these.
        first, last: which numbers.
        result: [FACE].
    """
    for number in range(first, last):
        was, total = face[number], 0.0
        for side in range(2):
            sign = f32(1) if side == 0 else f32(-1)
            face[number] = was + sign * STEP
            set_face(states[0])
            for i in range(len(joints)):
                total += sign * by_joints[i] * joints[i]
            for i in range(len(coefficients)):
                total += sign * by_coefficients[i] * coefficients[i]
        face[number] = was
        result[number] = total / (f32(2) * STEP)
