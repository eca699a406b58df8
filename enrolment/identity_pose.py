"""Poses and face shape that agree: a pose fit to landmarks, for a head whose shape is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.take import Take
from renderer.head.pose import FLIP, rotation_matrix
from tracker.landmark_model import LandmarkModel

Array = NDArray[np.float64]

LANDMARK_SIGMA = 0.02
"""Expected landmark error, shares of the distance of the eyes' outer corners."""
ROTATION_SIGMA = np.array([0.03, 0.2, 0.2])
"""How far pitch, yaw and roll of the tracker are off, radians: landmarks hardly tell a nod from another face."""
TRANSLATION_SIGMA_M = np.array([0.01, 0.01, 0.01])
_CORRELATED_LANDMARKS = 12.0
"""Errors of neighboring landmarks are alike: this many of them count as one against the tracker."""
_ITERATIONS = 2


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture's n landmarks and the face behind them.

    Args:
        points: [n, 3] the unmoved landmarks with expression and jaw, head frame, without the person's offsets.
        by_offset: [n, 3, 3] how an offset of the resting landmark moves it there.
        pixels: [n, 2] what the detector saw.
        unit: pixels of one expected landmark error.
        rotation: [3, 3] and translation: [3] of the skull, as the tracker says.
        trust: of the picture; lively faces teach less about shapes.
    """

    points: Array
    by_offset: Array
    pixels: Array
    unit: float
    rotation: Array
    translation: Array
    trust: float


@dataclass(frozen=True, eq=False)
class Turn:
    """A small motion in the head frame: X becomes rotation @ X + shift."""

    rotation: Array
    shift: Array

    @staticmethod
    def none() -> Turn:
        """No motion."""
        return Turn(np.eye(3), np.zeros(3))

    def then_pose(self, params: FaceParams) -> FaceParams:
        """`params` with the motion taken into the pose."""
        skull = rotation_matrix(params.global_rotation)
        return replace(
            params,
            global_rotation=rotation_vector(skull @ self.rotation).astype(np.float32),
            translation=(params.translation + FLIP @ skull @ self.shift).astype(np.float32),
        )

    def after(self, other: Turn) -> Turn:
        """First `other`, then this one."""
        return Turn(self.rotation @ other.rotation, self.rotation @ other.shift + self.shift)

    def inverse(self) -> Turn:
        """What undoes it."""
        return Turn(self.rotation.T, -self.rotation.T @ self.shift)


def rotation_vector(rotation: Array) -> Array:
    """[3] axis times angle of a rotation matrix [3, 3]."""
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    sine, cosine = 0.5 * float(np.linalg.norm(axis)), 0.5 * (float(np.trace(rotation)) - 1)
    angle = float(np.arctan2(sine, cosine))
    return 0.5 * axis if sine < 1e-9 else axis * (angle / (2 * sine))


def look_at(take: Take, model: LandmarkModel, index: int) -> Seen:
    """The landmarks of one picture."""
    params, count = take.params(index), len(model.rest)
    base = model.base(params.eyelids.astype(np.float64), params.gaze.astype(np.float64), np.zeros((count, 3)))
    jaw = rotation_matrix(params.jaw_pose)
    share = model.jaw_weight[:, None, None]
    pixels = take.landmarks_px[index, :count].astype(np.float64)
    eyes = float(np.linalg.norm(pixels[33] - pixels[263]))
    liveliness = float((params.expression**2).mean()) + 4 * float(params.eyelids.max())
    return Seen(
        points=model.pose(base, params.expression.astype(np.float64), jaw),
        by_offset=(1 - share) * np.eye(3) + share * jaw,
        pixels=pixels,
        unit=LANDMARK_SIGMA * max(eyes, 4.0),
        rotation=rotation_matrix(params.global_rotation),
        translation=params.translation.astype(np.float64),
        trust=1 / (1 + liveliness),
    )


def errors(seen: Seen, offsets: Array, turn: Turn, K: NDArray[np.floating]) -> tuple[Array, Array, Array]:
    """What is left of the landmarks of a shaped and turned head, in expected errors.

    Returns:
        error [n, 2], its derivative [n, 2, 3] by points of the turned head, and those points [n, 3].
    """
    points = (seen.points + np.einsum("nij,nj->ni", seen.by_offset, offsets)) @ turn.rotation.T + turn.shift
    to_camera = FLIP @ seen.rotation
    camera = points @ to_camera.T + seen.translation
    depth = camera[:, 2:].clip(0.05)
    focal, center = K[[0, 1], [0, 1]].astype(np.float64), K[:2, 2].astype(np.float64)
    error = (seen.pixels - (camera[:, :2] / depth * focal + center)) / seen.unit
    jacobian = np.zeros((len(points), 2, 3))
    jacobian[:, 0, 0], jacobian[:, 1, 1] = focal[:, None] / depth[:, 0]
    jacobian[:, :, 2] = -focal * camera[:, :2] / depth**2
    return error, jacobian @ to_camera / seen.unit, points


def robust(error: Array) -> Array:
    """[n] weights that let wrong landmarks count less."""
    return 1 / (1 + (error**2).sum(axis=1) / 9)


def fit_turn(seen: Seen, offsets: Array, weights: Array, K: NDArray[np.floating], turn: Turn) -> Turn:
    """The small motion of the shaped head that its landmarks ask for, near no motion at all."""
    prior = _CORRELATED_LANDMARKS / np.concatenate([ROTATION_SIGMA, TRANSLATION_SIGMA_M]) ** 2
    for _ in range(_ITERATIONS):
        error, jacobian, points = errors(seen, offsets, turn, K)
        x, y, z = points.T
        zero = np.zeros_like(x)
        spin = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=1).reshape(-1, 3, 3)  # -[p]x
        by_motion = np.concatenate([jacobian @ spin, jacobian], axis=2)  # [n, 2, 6]
        weighted = by_motion * (weights * robust(error))[:, None, None]
        system = np.einsum("nij,nik->jk", weighted, by_motion) + np.diag(prior)
        now = np.concatenate([rotation_vector(turn.rotation), turn.shift])
        step = np.linalg.solve(system, np.einsum("nij,ni->j", weighted, error) - prior * now)
        twist = rotation_matrix(step[:3])
        turn = Turn(twist @ turn.rotation, twist @ turn.shift + step[3:])
    return turn


def mean_turn(turns: list[Turn]) -> Turn:
    """The typical motion: medians of rotation vectors and shifts."""
    rotation = np.median([rotation_vector(turn.rotation) for turn in turns], axis=0)
    return Turn(rotation_matrix(rotation), np.median([turn.shift for turn in turns], axis=0))
