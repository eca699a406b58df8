"""Poses a head model: blend shapes, joints, linear blend skinning (Li et al. 2017), shoulders included.

All functions are pure and need only numpy. Frames: codec.params.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.model import HeadModel

FLIP = np.diag([1.0, -1.0, -1.0])
"""Head frame (RUB) to camera frame (RDF)."""

TORSO_YAW, TORSO_PITCH, TORSO_ROLL = 0.25, 0.15, 0.3
"""Shares of the skull's rotation that the shoulders take."""

_NECK, _JAW, _LEFT_EYE, _RIGHT_EYE = 1, 2, 3, 4


def rotation_matrix(rotvec: NDArray[np.floating]) -> NDArray[np.float64]:
    """[3, 3] rotation by |rotvec| radians about rotvec (Rodrigues)."""
    x, y, z = (float(value) for value in rotvec)
    angle_sq = x * x + y * y + z * z
    if angle_sq < 1e-12:
        sine, cosine = 1.0 - angle_sq / 6, 0.5 - angle_sq / 24
    else:
        angle = angle_sq**0.5
        sine, cosine = float(np.sin(angle)) / angle, (1 - float(np.cos(angle))) / angle_sq
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + sine * skew + cosine * (skew @ skew)


def eye_rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    """[3, 3] rotation of an eyeball relative to the skull: up by `pitch`, then towards +x by `yaw` (radians)."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[cy, -sy * sp, sy * cp], [0.0, cp, sp], [-sy, -cy * sp, cy * cp]])


def torso_rotation(skull: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] rotation of the shoulders for a skull rotation: a damped copy, yaw-pitch-roll taken apart.

    Angles are those of Ry(yaw) Rx(pitch) Rz(roll); unique while the person does not look straight up or down.
    """
    pitch = np.arcsin(np.clip(-skull[1, 2], -1.0, 1.0))
    yaw = np.arctan2(skull[0, 2], skull[2, 2])
    roll = np.arctan2(skull[1, 0], skull[1, 1])
    turn_y = rotation_matrix(np.array([0.0, TORSO_YAW * yaw, 0.0]))
    turn_x = rotation_matrix(np.array([TORSO_PITCH * pitch, 0.0, 0.0]))
    turn_z = rotation_matrix(np.array([0.0, 0.0, TORSO_ROLL * roll]))
    return turn_y @ turn_x @ turn_z


def shoulders_rotation(params: FaceParams, skull: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3, 3] rotation of the shoulders in the head frame: their own on top of the damped copy of the skull's."""
    return rotation_matrix(params.torso[:3]) @ torso_rotation(skull)


def joint_rotations(params: FaceParams) -> NDArray[np.float64]:
    """[4, 3, 3] rotations of neck, jaw, left eye and right eye relative to their parent joint."""
    skull = rotation_matrix(params.global_rotation)
    left_yaw, left_pitch, right_yaw, right_pitch = (float(value) for value in params.gaze)
    return np.stack(
        [
            shoulders_rotation(params, skull).T @ skull,
            rotation_matrix(params.jaw_pose),
            eye_rotation(left_yaw, left_pitch),
            eye_rotation(right_yaw, right_pitch),
        ]
    )


def joint_transforms(
    head: HeadModel, shape_offsets: NDArray[np.float32], params: FaceParams
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rigid motion of every joint, from the shaped template to the world (= speaker's camera) frame.

    The skull moves exactly by X_camera = FLIP @ R @ X + t (codec.params). The shoulders take a damped copy of R, turned
    by the torso's rotation, are placed so that both agree at the neck joint, and then moved by the torso's translation.
    Jaw and eyes turn about their joints on the skull.

    Args:
        head: the head model.
        shape_offsets: [V, 3] metres; the person's head is v_template + shape_offsets.
        params: the frame.

    Returns:
        rotations [J, 3, 3] and translations [J, 3]: a point X of joint j lands at rotations[j] @ X + translations[j].
    """
    joints = head.J_regressor.astype(np.float64) @ (head.v_template + shape_offsets)  # [J, 3]
    return _joint_transforms(joints, params, joint_rotations(params))


def _joint_transforms(
    joints: NDArray[np.float64], params: FaceParams, relative: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    skull = rotation_matrix(params.global_rotation)
    rotations = np.empty((5, 3, 3))
    translations = np.empty((5, 3))
    rotations[_NECK] = FLIP @ skull
    translations[_NECK] = params.translation
    rotations[0] = FLIP @ shoulders_rotation(params, skull)
    translations[0] = translations[_NECK] + (rotations[_NECK] - rotations[0]) @ joints[_NECK] + params.torso[3:]
    for joint in (_JAW, _LEFT_EYE, _RIGHT_EYE):
        rotations[joint] = rotations[_NECK] @ relative[joint - 1]
        translations[joint] = translations[_NECK] + (rotations[_NECK] - rotations[joint]) @ joints[joint]
    return rotations, translations


def pose_vertices(head: HeadModel, shape_offsets: NDArray[np.float32], params: FaceParams) -> NDArray[np.float32]:
    """[V, 3] float32 vertices in the world frame (= the speaker's camera frame, RDF, metres).

    Args:
        head: the head model.
        shape_offsets: [V, 3] metres; the person's head is v_template + shape_offsets.
        params: the frame; E expression coefficients drive the first E directions.
    """
    shaped = head.v_template + shape_offsets
    joints = head.J_regressor @ shaped
    relative = joint_rotations(params)
    rotations, translations = _joint_transforms(joints.astype(np.float64), params, relative)
    basis = _basis(head)
    rest = shaped.ravel()  # [3 V], a copy already
    rest += _weighted_sum(params.expression, basis.expression[: len(params.expression)])
    features = (relative - np.eye(3)).ravel().astype(np.float32)[basis.pose_rows]
    rest += _weighted_sum(np.concatenate([features, params.eyelids]), basis.pose_and_lids)
    transforms = np.concatenate([rotations, translations[..., None]], axis=2).astype(np.float32)  # [J, 3, 4]
    x, y, z = np.ascontiguousarray(rest.reshape(-1, 3).T)
    posed = np.empty((len(x), 3), np.float32)
    for axis in range(3):
        a, b, c, d = (_weighted_sum(np.ascontiguousarray(row), basis.weights) for row in transforms[:, axis].T)
        posed[:, axis] = a * x + b * y + c * z + d
    return posed


def _weighted_sum(weights: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """weights @ rows without BLAS, whose threads wait for each other for milliseconds on a busy machine."""
    return np.einsum("e,ev->v", weights, rows)


@dataclass(frozen=True, eq=False)
class _Basis:
    """The directions of a head model, one contiguous row each."""

    expression: NDArray[np.float32]  # [E, 3 V]
    pose_rows: NDArray[np.int64]  # elements of (R - I) whose corrective is not zero
    pose_and_lids: NDArray[np.float32]  # [pose_rows + 2, 3 V]
    weights: NDArray[np.float32]  # [J, V]


@lru_cache(maxsize=4)
def _basis(head: HeadModel) -> _Basis:
    size = head.v_template.size
    correctives = head.posedirs.reshape(-1, size)
    pose_rows = np.flatnonzero(np.abs(correctives).max(axis=1) > 0)
    return _Basis(
        expression=np.ascontiguousarray(head.expressiondirs.reshape(size, -1).T),
        pose_rows=pose_rows,
        pose_and_lids=np.concatenate([correctives[pose_rows], head.eyelid_dirs.reshape(2, size)]),
        weights=np.ascontiguousarray(head.lbs_weights.T),
    )
