"""Gauss-Newton fit of pose, expression and jaw to the landmarks of one picture.

The estimate is maximum a posteriori: landmark errors in units of the inter-ocular distance with robust weights, an
expression and jaw that stay near what the blendshape scores say (the prior), and near those of the previous picture.
Camera: pinhole, principal point in the center of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.head.pose import FLIP, rotation_matrix
from tracker.landmark_model import Base, LandmarkModel, skew

Array = NDArray[np.float64]

ITERATIONS = 2
SETTLED_RAD, SETTLED_SIGMA = 0.01, 0.15
"""A step below these ends the iteration: the next one is smaller by an order of magnitude."""
FIRST_ITERATIONS = 6
LANDMARK_SIGMA = 0.015
"""Expected landmark error, inter-ocular units."""
CORRELATED_LANDMARKS = 6.0
"""Errors of neighboring landmarks are alike: this many of them count as one against the prior."""
ROBUST_SCALE = 0.06
"""Landmark errors beyond this count less (Cauchy-like), inter-ocular units."""
EXPRESSION_SIGMA = 0.6
"""How far the expression strays from the scores' prior, standard deviations of the head model."""
EXPRESSION_STEP_SIGMA = 1.0
"""How far it moves from picture to picture beyond the prior's own movement."""
ROTATION_SIGMA = 0.01
"""How far the skull's rotation strays from MediaPipe's, which knows depth from the picture, radians."""
JAW_SIGMA = np.array([0.04, 0.015, 0.015])
"""How far the jaw strays from the scores' prior, radians."""
MAX_EXPRESSION_SIGMA = 4.0
"""What the parameter stream carries."""
_BLOCK = 48
"""Rows of one matrix product: below OpenBLAS' threading threshold (m n k = 2**18). On a busy machine its threads wait
for each other and make the fit thirty times slower."""
JAW_LOWEST = np.array([0.0, -0.12, -0.08])
JAW_HIGHEST = np.array([0.6, 0.12, 0.08])
"""What a jaw can do, radians."""


@dataclass(frozen=True, eq=False)
class Prior:
    """What MediaPipe says beside the landmarks.

    Args:
        rotation: [3, 3] of the skull; None where unknown.
        expression: [E].
        jaw_pose: [3] axis-angle.
        eyelids: [2] closure.
        gaze: [4].
    """

    rotation: Array | None

    expression: Array
    jaw_pose: Array
    eyelids: Array
    gaze: Array


@dataclass(frozen=True, eq=False)
class FitState:
    """Outcome of one picture and start of the next.

    Args:
        rotation: [3, 3] of the skull in the head frame, rotation_matrix(global_rotation).
        translation: [3] metres, camera frame.
        expression: [E].
        jaw_pose: [3] axis-angle.
        residual: weighted rms landmark error / inter-ocular distance; inf behind the camera.
    """

    rotation: Array
    translation: Array
    expression: Array
    jaw_pose: Array
    residual: float


@dataclass(frozen=True, eq=False)
class View:
    """The n landmarks of one picture and the camera that took it.

    Args:
        landmarks_px: [n, 2].
        inter_ocular_px: the unit of the errors.
        focal_px: focal length.
        center_px: [2] principal point.
    """

    landmarks_px: Array
    inter_ocular_px: float
    focal_px: float
    center_px: Array

    def project(self, points_camera: Array) -> Array:
        """[n, 2] pixels of [n, 3] camera-frame points."""
        return points_camera[:, :2] / points_camera[:, 2:] * self.focal_px + self.center_px

    def projection_jacobian(self, points_camera: Array) -> Array:
        """[n, 2, 3] derivative of the pixels by the camera-frame points, in inter-ocular units per metre."""
        inverse_depth = self.focal_px / self.inter_ocular_px / points_camera[:, 2]
        jacobian = np.zeros((len(points_camera), 2, 3))
        jacobian[:, 0, 0] = jacobian[:, 1, 1] = inverse_depth
        jacobian[:, :, 2] = -inverse_depth[:, None] * points_camera[:, :2] / points_camera[:, 2:]
        return jacobian


class LandmarkFit:
    """Fits a LandmarkModel of n landmarks, weighted by `weights` [n]."""

    def __init__(self, model: LandmarkModel, weights: Array) -> None:
        self.model = model
        self._weights = weights * len(weights) / weights.sum()
        self._dims = model.skull_dirs.shape[2]
        landmark_information = CORRELATED_LANDMARKS * LANDMARK_SIGMA**2
        self._expression_information = landmark_information / EXPRESSION_SIGMA**2
        self._step_information = landmark_information / EXPRESSION_STEP_SIGMA**2
        self._rotation_information = landmark_information / ROTATION_SIGMA**2
        self._jaw_information = landmark_information / JAW_SIGMA**2

    def start(self, view: View, prior: Prior, offsets: Array) -> FitState | None:
        """Finds the face without a previous picture (SQPNP, then Gauss-Newton); None where there is no solution."""
        base = self.model.base(prior.eyelids, prior.gaze, offsets)
        points, _ = self.model.pose(base, prior.expression, rotation_matrix(prior.jaw_pose))
        K = np.array([[view.focal_px, 0, view.center_px[0]], [0, view.focal_px, view.center_px[1]], [0, 0, 1.0]])
        try:
            found, axis_angle, translation = cv2.solvePnP(points, view.landmarks_px, K, None, flags=cv2.SOLVEPNP_SQPNP)
        except cv2.error:
            return None
        if not found or not np.isfinite(translation).all() or translation[2, 0] <= 0:
            return None
        rotation = FLIP @ rotation_matrix(axis_angle.ravel().astype(np.float64))
        state = FitState(rotation, translation.ravel().astype(np.float64), prior.expression, prior.jaw_pose, np.inf)
        return self.refine(view, prior, offsets, state, FIRST_ITERATIONS)

    def refine(
        self, view: View, prior: Prior, offsets: Array, previous: FitState, iterations: int = ITERATIONS
    ) -> FitState:
        """Gauss-Newton from the previous picture's state."""
        state = previous
        base = self.model.base(prior.eyelids, prior.gaze, offsets)
        for _ in range(iterations):
            before, state = state, self._step(view, prior, base, state, previous)
            if _settled(before, state):
                break
        return replace(state, residual=self._residual(view, base, state))

    def _residual(self, view: View, base: Base, state: FitState) -> float:
        points, _ = self.model.pose(base, state.expression, rotation_matrix(state.jaw_pose))
        camera = points @ (FLIP @ state.rotation).T + state.translation
        if not (camera[:, 2] > 1e-3).all():
            return float("inf")
        squares = ((view.project(camera) - view.landmarks_px) ** 2).sum(axis=1)
        return float(np.sqrt((self._weights * squares).mean())) / view.inter_ocular_px

    def _step(self, view: View, prior: Prior, base: Base, state: FitState, previous: FitState) -> FitState:
        jaw_rotation = rotation_matrix(state.jaw_pose)
        points, arm = self.model.pose(base, state.expression, jaw_rotation)
        turn = FLIP @ state.rotation
        turned = points @ turn.T
        camera = turned + state.translation
        camera[:, 2] = np.maximum(camera[:, 2], 1e-2)
        error = (view.project(camera) - view.landmarks_px) / view.inter_ocular_px  # [n, 2]
        by_point = view.projection_jacobian(camera)  # [n, 2, 3]
        by_head = by_point @ turn

        dims = self._dims
        jacobian = np.empty((len(points), 2, 9 + dims))
        # A rotation vector d in front of the skull's rotation moves a turned point by (FLIP d) x point.
        jacobian[:, :, 0:3] = -(by_point @ skew(turned)) @ FLIP
        jacobian[:, :, 3:6] = by_point
        jacobian[:, :, 6:9] = -(by_head @ skew(arm))
        jacobian[:, :, 9:] = by_head @ self.model.expression_jacobian(jaw_rotation)

        robust = self._weights / (1 + (error**2).sum(axis=1) / ROBUST_SCALE**2)
        normal, gradient = _normal_equations(jacobian.reshape(-1, 9 + dims), error.ravel(), np.repeat(robust, 2))

        diagonal = np.zeros(9 + dims)
        diagonal[:6] = 1e-6
        diagonal[6:9] = self._jaw_information
        diagonal[9:] = self._expression_information + self._step_information
        if prior.rotation is not None:
            away = cv2.Rodrigues(state.rotation @ prior.rotation.T)[0].ravel()
            diagonal[:3] += self._rotation_information
            gradient[:3] += self._rotation_information * away
        gradient[6:9] += self._jaw_information * (state.jaw_pose - prior.jaw_pose)
        gradient[9:] += self._expression_information * (state.expression - prior.expression)
        gradient[9:] += self._step_information * (state.expression - previous.expression)
        normal.flat[:: 10 + dims] += diagonal
        change = np.linalg.solve(normal, -gradient)

        expression = state.expression + change[9:]
        return FitState(
            rotation=rotation_matrix(change[:3]) @ state.rotation,
            translation=state.translation + change[3:6],
            expression=np.clip(expression, -MAX_EXPRESSION_SIGMA, MAX_EXPRESSION_SIGMA),
            # Jaw angles are small: adding the rotation vectors is exact enough for a Gauss-Newton step.
            jaw_pose=np.clip(state.jaw_pose + change[6:9], JAW_LOWEST, JAW_HIGHEST),
            residual=state.residual,
        )


def _settled(before: FitState, after: FitState) -> bool:
    """Whether a step was so small that another one would change nothing that can be seen."""
    turn = float(np.abs(after.rotation - before.rotation).max())
    return (
        turn < SETTLED_RAD
        and float(np.abs(after.jaw_pose - before.jaw_pose).max()) < SETTLED_RAD
        and float(np.abs(after.expression - before.expression).max()) < SETTLED_SIGMA
    )


def _normal_equations(jacobian: Array, error: Array, weights: Array) -> tuple[Array, Array]:
    """J^T W J and J^T W e for rows [m, p], errors [m] and weights [m]."""
    size = jacobian.shape[1]
    normal, gradient = np.zeros((size, size)), np.zeros(size)
    for start in range(0, len(error), _BLOCK):
        block = slice(start, start + _BLOCK)
        weighted = (jacobian[block] * weights[block, None]).T
        normal += weighted @ jacobian[block]
        gradient += weighted @ error[block]
    return normal, gradient
