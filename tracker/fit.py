"""Gauss-Newton fit of pose, expression and jaw to the landmarks of one picture (the loop: tracker.fit_kernel).

The estimate is maximum a posteriori: landmark errors in units of the inter-ocular distance with robust weights, an
expression and jaw that stay near what the blendshape scores say (the prior), and near those of the previous picture.
Camera: pinhole, principal point in the center of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.head.pose import FLIP, rotation_matrix
from tracker import fit_kernel
from tracker.landmark_model import LandmarkModel

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
ROTATION_SIGMA = np.array([0.04, 0.1, 0.1])
"""How far the skull's pitch, yaw and roll stray from MediaPipe's, which knows depth from the picture, radians.
Landmarks tell turns well (MediaPipe makes them a tenth too small), but mistake a dropped jaw for a nod."""
JAW_SIGMA = np.array([0.08, 0.015, 0.015])
"""How far the jaw strays from the scores' prior, radians."""
MAX_EXPRESSION_SIGMA = 4.0
"""What the parameter stream carries."""
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
        # Only the jaw's share moves during the fit; the eyes' is part of the base.
        self._skull_corrective = np.ascontiguousarray(model.skull_corrective[:, :, :9])
        self._jaw_corrective = np.ascontiguousarray(model.jaw_corrective[:, :, :9])
        self._bounds = fit_kernel.Bounds(JAW_LOWEST, JAW_HIGHEST, MAX_EXPRESSION_SIGMA, SETTLED_RAD, SETTLED_SIGMA)
        landmark_information = CORRELATED_LANDMARKS * LANDMARK_SIGMA**2
        self._expression_information = landmark_information / EXPRESSION_SIGMA**2
        self._step_information = landmark_information / EXPRESSION_STEP_SIGMA**2
        self._rotation_information = landmark_information / ROTATION_SIGMA**2
        self._jaw_information = landmark_information / JAW_SIGMA**2

    def start(self, view: View, prior: Prior, offsets: Array) -> FitState | None:
        """Finds the face without a previous picture (SQPNP, then Gauss-Newton); None where there is no solution."""
        base = self.model.base(prior.eyelids, prior.gaze, offsets)
        points = self.model.pose(base, prior.expression, rotation_matrix(prior.jaw_pose))
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
        rotation, translation = previous.rotation.copy(), previous.translation.copy()
        expression, jaw_pose = previous.expression.copy(), previous.jaw_pose.copy()
        residual = fit_kernel.iterate(
            self._kernel_model(prior, offsets),
            fit_kernel.Seen(
                np.ascontiguousarray(view.landmarks_px, np.float64),
                self._weights,
                np.ascontiguousarray(view.center_px, np.float64),
                float(view.focal_px),
                float(view.inter_ocular_px),
                ROBUST_SCALE,
            ),
            fit_kernel.Trust(
                prior.expression,
                self._expression_information,
                previous.expression,
                self._step_information,
                prior.jaw_pose,
                self._jaw_information,
                np.eye(3) if prior.rotation is None else prior.rotation,
                np.zeros(3) if prior.rotation is None else self._rotation_information,
            ),
            self._bounds,
            iterations,
            rotation,
            translation,
            expression,
            jaw_pose,
        )
        return FitState(rotation, translation, expression, jaw_pose, float(residual))

    def warm_up(self) -> None:
        """Compiles the iteration, or loads it from the cache: some ten seconds the first time on a machine."""
        count, dims = len(self._weights), self.model.skull_dirs.shape[2]
        view = View(np.zeros((count, 2)), 1.0, 1.0, np.zeros(2))
        prior = Prior(None, np.zeros(dims), np.zeros(3), np.zeros(2), np.zeros(4))
        state = FitState(np.eye(3), np.array([0.0, 0.0, 1.0]), np.zeros(dims), np.zeros(3), np.inf)
        self.refine(view, prior, np.zeros((count, 3)), state, iterations=0)

    def _kernel_model(self, prior: Prior, offsets: Array) -> fit_kernel.Model:
        base, model = self.model.base(prior.eyelids, prior.gaze, offsets), self.model
        return fit_kernel.Model(
            base.skull,
            base.jaw,
            model.skull_dirs,
            model.jaw_dirs,
            self._skull_corrective,
            self._jaw_corrective,
            model.jaw_weight,
            model.jaw_joint,
        )
