"""The compiled Gauss-Newton iteration against the same mathematics written in numpy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from renderer.head.pose import FLIP, rotation_matrix
from tracker import fit
from tracker.fit import FitState, LandmarkFit, Prior, View
from tracker.fit_kernel import rotation_of, vector_of
from tracker.landmark_model import LandmarkModel
from tracker.topology import fit_landmarks

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def landmark_fit(studio) -> LandmarkFit:
    indices, weights = fit_landmarks(studio.head.landmark_weights)
    return LandmarkFit(LandmarkModel.of(studio.head, indices), weights)


class Take:
    """A face in front of a camera, landmarks with errors, and an estimate that is somewhat off."""

    def __init__(self, landmark_fit: LandmarkFit, seed: int, *, with_rotation: bool) -> None:
        rng = np.random.default_rng(seed)
        dims = landmark_fit.model.skull_dirs.shape[2]
        count = len(landmark_fit.model.skull)
        self.state = FitState(
            rotation=rotation_matrix(rng.normal(0, 0.2, 3)),
            translation=np.array([0.03, -0.02, 0.6]),
            expression=rng.normal(0, 0.5, dims),
            jaw_pose=np.array([0.1, 0.01, -0.01]),
            residual=np.inf,
        )
        self.prior = Prior(
            rotation=rotation_matrix(rng.normal(0, 0.2, 3)) if with_rotation else None,
            expression=rng.normal(0, 0.5, dims),
            jaw_pose=np.array([0.15, 0.0, 0.0]),
            eyelids=np.array([0.2, 0.4]),
            gaze=rng.normal(0, 0.1, 4),
        )
        self.offsets = rng.normal(0, 1e-3, (count, 3))
        self.view = View(np.zeros((count, 2)), 90.0, 700.0, np.array([320.0, 240.0]))
        base = landmark_fit.model.base(self.prior.eyelids, self.prior.gaze, self.offsets)
        points = landmark_fit.model.pose(base, self.state.expression, rotation_matrix(self.state.jaw_pose))
        seen = points @ (FLIP @ self.state.rotation).T + self.state.translation
        noise = rng.normal(0, 2.0, (count, 2))
        noise[:5] += 40.0  # landmarks under a hand
        self.view = View(self.view.project(seen) + noise, 90.0, 700.0, np.array([320.0, 240.0]))


def errors(landmark_fit: LandmarkFit, take: Take, state: FitState, change: Array) -> Array:
    """[n, 2] landmark errors of the state moved by the unknowns [9 + E], inter-ocular units."""
    model = landmark_fit.model
    base = model.base(take.prior.eyelids, take.prior.gaze, take.offsets)
    expression = state.expression + change[9:]
    before = rotation_matrix(state.jaw_pose)
    jaw = rotation_matrix(change[6:9]) @ before
    # The pose correctives' dependence on the jaw is left out of the derivative, as in the kernel.
    still = (before - np.eye(3)).ravel()
    skull = base.skull + model.skull_dirs @ expression + model.skull_corrective[:, :, :9] @ still
    on_jaw = base.jaw + model.jaw_dirs @ expression + model.jaw_corrective[:, :, :9] @ still
    pivot = model.jaw_weight[:, None] * model.jaw_joint
    points = skull + pivot + (on_jaw - pivot) @ jaw.T
    rotation = rotation_matrix(change[:3]) @ state.rotation
    camera = points @ (FLIP @ rotation).T + state.translation + change[3:6]
    return (take.view.project(camera) - take.view.landmarks_px) / take.view.inter_ocular_px


def reference_step(landmark_fit: LandmarkFit, take: Take, weights: Array) -> Array:
    """[9 + E] the Gauss-Newton step, with a Jacobian by central differences."""
    state, prior = take.state, take.prior
    size = 9 + len(state.expression)
    error = errors(landmark_fit, take, state, np.zeros(size))
    h = 1e-5
    jacobian = np.stack(
        [
            (errors(landmark_fit, take, state, h * axis) - errors(landmark_fit, take, state, -h * axis)) / (2 * h)
            for axis in np.eye(size)
        ],
        axis=-1,
    )
    robust = weights / (1 + (error**2).sum(axis=1) / fit.ROBUST_SCALE**2)
    normal = np.einsum("nip,n,niq->pq", jacobian, robust, jacobian)
    gradient = np.einsum("nip,n,ni->p", jacobian, robust, error)
    landmark = fit.CORRELATED_LANDMARKS * fit.LANDMARK_SIGMA**2
    information = np.zeros(size)
    information[:6] = 1e-6
    information[6:9] = landmark / fit.JAW_SIGMA**2
    gradient[6:9] += information[6:9] * (state.jaw_pose - prior.jaw_pose)
    information[9:] = landmark / fit.EXPRESSION_SIGMA**2
    gradient[9:] += information[9:] * (state.expression - prior.expression)
    information[9:] += landmark / fit.EXPRESSION_STEP_SIGMA**2  # the previous picture's state is this one: no pull
    if prior.rotation is not None:
        trust = landmark / fit.ROTATION_SIGMA**2
        information[:3] += trust
        gradient[:3] += trust * cv2.Rodrigues(state.rotation @ prior.rotation.T)[0].ravel()
    return np.linalg.solve(normal + np.diag(information), -gradient)


@pytest.mark.parametrize("with_rotation", [True, False])
def test_one_step_is_the_gauss_newton_step(landmark_fit, with_rotation):
    take = Take(landmark_fit, seed=3, with_rotation=with_rotation)
    moved = landmark_fit.refine(take.view, take.prior, take.offsets, take.state, iterations=1)
    weights = landmark_fit._weights
    step = reference_step(landmark_fit, take, weights)
    np.testing.assert_allclose(moved.rotation, rotation_matrix(step[:3]) @ take.state.rotation, atol=1e-6)
    np.testing.assert_allclose(moved.translation, take.state.translation + step[3:6], atol=1e-6)
    np.testing.assert_allclose(moved.expression, take.state.expression + step[9:], atol=1e-5)
    np.testing.assert_allclose(
        moved.jaw_pose, np.clip(take.state.jaw_pose + step[6:9], fit.JAW_LOWEST, fit.JAW_HIGHEST), atol=1e-6
    )


def test_the_state_before_is_left_alone(landmark_fit):
    take = Take(landmark_fit, seed=4, with_rotation=True)
    before = [take.state.rotation.copy(), take.state.expression.copy()]
    landmark_fit.refine(take.view, take.prior, take.offsets, take.state)
    np.testing.assert_array_equal(take.state.rotation, before[0])
    np.testing.assert_array_equal(take.state.expression, before[1])


def test_residual_is_the_weighted_distance(landmark_fit):
    take = Take(landmark_fit, seed=5, with_rotation=True)
    moved = landmark_fit.refine(take.view, take.prior, take.offsets, take.state, iterations=0)
    squares = (errors(landmark_fit, take, take.state, np.zeros(9 + len(take.state.expression))) ** 2).sum(axis=1)
    np.testing.assert_allclose(moved.residual, np.sqrt((landmark_fit._weights * squares).mean()), rtol=1e-9)


def test_a_face_behind_the_camera_has_no_residual(landmark_fit):
    take = Take(landmark_fit, seed=6, with_rotation=True)
    behind = FitState(take.state.rotation, np.array([0, 0, -0.5]), take.state.expression, take.state.jaw_pose, np.inf)
    assert landmark_fit.refine(take.view, take.prior, take.offsets, behind, iterations=0).residual == np.inf


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.3, 2.5])
def test_axis_angle_and_matrix_agree(angle):
    vector = angle * np.array([0.6, -0.64, 0.48])
    np.testing.assert_allclose(rotation_of(vector), cv2.Rodrigues(vector)[0], atol=1e-12)
    np.testing.assert_allclose(vector_of(rotation_of(vector)), vector, atol=1e-9)
