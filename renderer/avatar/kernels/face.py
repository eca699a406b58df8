"""From face parameters to the numbers that pose the mesh: joints, coefficients of directions and of bases.

Scalar code, some 1,500 multiplications. The formulas are those of renderer.head.pose, which is its oracle; rotations
are rows of nine numbers.
"""

from __future__ import annotations

import math

import numpy as np

from renderer.avatar.kernels.layout import (
    BASIS_INPUTS,
    EXPRESSION,
    EYELIDS,
    GAZE,
    JAW_POSE,
    JOINT,
    ROTATION,
    TORSO,
    TRANSLATION,
)
from renderer.head.pose import TORSO_PITCH, TORSO_ROLL, TORSO_YAW
from renderer.jit import inlined, kernel
from renderer.simd.memory import load_f32, store_f32

EXPRESSIONS, LIDS = 50, 2
SHOULDERS, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)


@inlined
def rotation_about(x, y, z):
    """Rotation by |(x, y, z)| radians about (x, y, z) (Rodrigues)."""
    squared = x * x + y * y + z * z
    if squared < 1e-12:
        sine, cosine = 1.0 - squared / 6, 0.5 - squared / 24
    else:
        angle = math.sqrt(squared)
        sine, cosine = math.sin(angle) / angle, (1.0 - math.cos(angle)) / squared
    return (
        (1.0 - cosine * (y * y + z * z), cosine * x * y - sine * z, cosine * x * z + sine * y),
        (cosine * x * y + sine * z, 1.0 - cosine * (x * x + z * z), cosine * y * z - sine * x),
        (cosine * x * z - sine * y, cosine * y * z + sine * x, 1.0 - cosine * (x * x + y * y)),
    )


@inlined
def eye_rotation(yaw, pitch):
    """Rotation of an eyeball relative to the skull."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return (cy, -sy * sp, sy * cp), (0.0, cp, sp), (-sy, -cy * sp, cy * cp)


@inlined
def row_times(row, matrix):
    """Row vector times matrix."""
    return (
        row[0] * matrix[0][0] + row[1] * matrix[1][0] + row[2] * matrix[2][0],
        row[0] * matrix[0][1] + row[1] * matrix[1][1] + row[2] * matrix[2][1],
        row[0] * matrix[0][2] + row[1] * matrix[1][2] + row[2] * matrix[2][2],
    )


@inlined
def product(left, right):
    """Matrix product."""
    return row_times(left[0], right), row_times(left[1], right), row_times(left[2], right)


@inlined
def transposed(matrix):
    """Rows become columns."""
    return (
        (matrix[0][0], matrix[1][0], matrix[2][0]),
        (matrix[0][1], matrix[1][1], matrix[2][1]),
        (matrix[0][2], matrix[1][2], matrix[2][2]),
    )


@inlined
def flipped(matrix):
    """From the head's axes to the camera's: FLIP @ matrix."""
    return (
        matrix[0],
        (-matrix[1][0], -matrix[1][1], -matrix[1][2]),
        (-matrix[2][0], -matrix[2][1], -matrix[2][2]),
    )


@inlined
def torso_rotation(skull):
    """Rotation of the shoulders for a skull rotation."""
    pitch = math.asin(min(max(-skull[1][2], -1.0), 1.0))
    yaw, roll = math.atan2(skull[0][2], skull[2][2]), math.atan2(skull[1][0], skull[1][1])
    turned = product(rotation_about(0.0, TORSO_YAW * yaw, 0.0), rotation_about(TORSO_PITCH * pitch, 0.0, 0.0))
    return product(turned, rotation_about(0.0, 0.0, TORSO_ROLL * roll))


@inlined
def load3(address, index):
    """Three floats, as doubles."""
    return (
        np.float64(load_f32(address, index)),
        np.float64(load_f32(address, index + 1)),
        np.float64(load_f32(address, index + 2)),
    )


@inlined
def dot(row, vector):
    """Scalar product."""
    return row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2]


@inlined
def place_joint(state, joint, pivot, rotation, skull, translation):
    """Stores a joint's motion: `rotation`, about the point where `skull` and `translation` put the joint `pivot`."""
    position = load3(state.joint_positions_at, 3 * pivot)
    for row in range(3):
        at = JOINT * joint + 4 * row
        for column in range(3):
            store_f32(state.joints_at, at + column, np.float32(rotation[row][column]))
        there = translation[row] + dot(skull[row], position) - dot(rotation[row], position)
        store_f32(state.joints_at, at + 3, np.float32(there))


@inlined
def store_feature(coefficients, number, rotation):
    """Stores rotation minus identity as the nine coefficients of pose correctives number `number`."""
    for row in range(3):
        for column in range(3):
            value = rotation[row][column] - (1.0 if row == column else 0.0)
            store_f32(coefficients, EXPRESSIONS + LIDS + 9 * number + 3 * row + column, np.float32(value))


@kernel
def set_face(state):
    """Fills joints, coefficients and basis coefficients from `face`."""
    face, coefficients = state.face_at, state.coefficients_at
    turn, jaw = load3(face, ROTATION), load3(face, JAW_POSE)
    translation = load3(face, TRANSLATION)
    skull = rotation_about(turn[0], turn[1], turn[2])
    own_turn, own_shift = load3(face, TORSO), load3(face, TORSO + 3)
    shoulders = product(rotation_about(own_turn[0], own_turn[1], own_turn[2]), torso_rotation(skull))
    jaw_rotation = rotation_about(jaw[0], jaw[1], jaw[2])
    left = eye_rotation(np.float64(load_f32(face, GAZE)), np.float64(load_f32(face, GAZE + 1)))
    right = eye_rotation(np.float64(load_f32(face, GAZE + 2)), np.float64(load_f32(face, GAZE + 3)))

    in_camera = flipped(skull)
    shifted = (translation[0] + own_shift[0], translation[1] + own_shift[1], translation[2] + own_shift[2])
    place_joint(state, SHOULDERS, NECK, flipped(shoulders), in_camera, shifted)
    place_joint(state, NECK, NECK, in_camera, in_camera, translation)
    place_joint(state, JAW, JAW, product(in_camera, jaw_rotation), in_camera, translation)
    place_joint(state, LEFT_EYE, LEFT_EYE, product(in_camera, left), in_camera, translation)
    place_joint(state, RIGHT_EYE, RIGHT_EYE, product(in_camera, right), in_camera, translation)

    for i in range(EXPRESSIONS):
        store_f32(coefficients, i, load_f32(face, EXPRESSION + i))
    for i in range(LIDS):
        store_f32(coefficients, EXPRESSIONS + i, load_f32(face, EYELIDS + i))
    store_feature(coefficients, 0, product(transposed(shoulders), skull))
    store_feature(coefficients, 1, jaw_rotation)
    store_feature(coefficients, 2, left)
    store_feature(coefficients, 3, right)
    for k in range(state.bases):
        total = np.float32(0)
        for i in range(BASIS_INPUTS):
            total += load_f32(state.basis_weights_at, BASIS_INPUTS * k + i) * load_f32(face, i)
        store_f32(state.basis_coefficients_at, k, total)
