from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from renderer.head.pose import FLIP, rotation_matrix
from tracker.orientation import view_rotation
from tracker.smirk.camera import Pose, RootAnchor, WeakPerspective, to_perspective
from tracker.smirk.crop import Box

FOCAL, CENTER = 704.0, np.array([320.0, 240.0])
ROOT, ANCHOR = np.array([0.0, -0.17, -0.05]), np.array([0.001, -0.14])
INTER_OCULAR_M = 0.09
ROTATIONS = [[0, 0, 0], [0, 0.5, 0], [0.3, -0.4, 0.2], [-0.2, 0.1, -0.5]]
PLACES = [(0, 0), (120, 0), (-150, 50), (90, -130)]
"""Pixels from the center of a picture 640 wide: up to 13 degrees beside the camera's axis."""


def face_plane(rotation: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, 3] head-frame points around the origin, on the plane that `rotation` holds square to the ray `towards`."""
    grid = np.linspace(-INTER_OCULAR_M / 2, INTER_OCULAR_M / 2, 5)
    square = np.array([[x, y, 0.0] for x in grid for y in grid])
    return square @ view_rotation(towards, FOCAL).T @ rotation


def project(points: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
    camera = points @ (FLIP @ pose.rotation).T + pose.translation
    return camera[:, :2] / camera[:, 2:] * FOCAL + CENTER


def inter_ocular_px(pose: Pose) -> float:
    return FOCAL * INTER_OCULAR_M / pose.translation[2]


def ideal_network(pose: Pose, box: Box) -> WeakPerspective:
    """What a perfect SMIRK says about a head that a pinhole sees: the nearest weak-perspective camera in its crop."""
    offset = pose.translation[:2] / pose.translation[2] * FOCAL
    rotation = view_rotation(offset, FOCAL).T @ pose.rotation
    points = face_plane(pose.rotation, offset)
    seen = box.to_ndc(project(points, pose)) * (1.0, -1.0)
    turned = (points - ROOT) @ rotation[:2].T + ANCHOR
    centered = turned - turned.mean(axis=0)
    scale = float((centered * seen).sum() / (centered**2).sum())
    return WeakPerspective(rotation, scale, seen.mean(axis=0) / scale - turned.mean(axis=0))


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("place", PLACES)
def test_a_head_seen_by_a_pinhole_comes_back_where_it_was(rotation, place):
    depth = 0.55
    truth = Pose(rotation_matrix(np.array(rotation)), np.append(np.array(place) / FOCAL, 1) * depth)
    # The square does not sit on the head: the stabilizer leaves it behind a little.
    box = Box(CENTER + np.array(place) + (7.0, -9.0), 260.0)
    found = to_perspective(ideal_network(truth, box), box, ROOT, ANCHOR, FOCAL, CENTER)
    assert found is not None
    points = face_plane(truth.rotation, np.array(place))
    error = np.linalg.norm(project(points, found) - project(points, truth), axis=1)
    assert error.max() < 0.005 * inter_ocular_px(truth)
    np.testing.assert_allclose(found.rotation, truth.rotation, atol=1e-3)
    np.testing.assert_allclose(found.translation, truth.translation, atol=0.002)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_both_cameras_agree_on_the_face_plane_in_the_center(rotation):
    turn = rotation_matrix(np.array(rotation))
    box = Box(CENTER, 300.0)
    # The shift puts the origin, between the eyes, into the middle of the picture.
    weak = WeakPerspective(turn, 7.0, -(-turn[:2] @ ROOT + ANCHOR))
    pose = to_perspective(weak, box, ROOT, ANCHOR, FOCAL, CENTER)
    assert pose is not None
    points = face_plane(turn, np.zeros(2))
    error = np.linalg.norm(project(points, pose) - box.to_image(weak.project(points, ROOT, ANCHOR)), axis=1)
    assert error.max() < 0.005 * inter_ocular_px(pose)


def test_signs_are_those_of_face_params():
    """Up in FLAME is up in the picture, a larger scale is nearer, and a head on the right is seen from its side."""
    box = Box(CENTER, 300.0)
    still = -(-ROOT[:2] + ANCHOR)

    def pose(scale: float, shift: NDArray[np.float64]) -> Pose:
        found = to_perspective(WeakPerspective(np.eye(3), scale, still + shift), box, ROOT, ANCHOR, FOCAL, CENTER)
        assert found is not None
        return found

    assert pose(7.0, np.array([0.0, 0.05])).translation[1] < -0.04
    right = pose(7.0, np.array([0.05, 0.0]))
    assert right.translation[0] > 0.04
    assert right.rotation[0, 2] < -0.05  # the crop saw it straight, so it faces the camera
    assert pose(9.0, np.zeros(2)).translation[2] < pose(7.0, np.zeros(2)).translation[2]


@pytest.mark.parametrize("scale", [0.0, -7.0, float("nan")])
def test_a_camera_that_sees_nothing_gives_no_pose(scale):
    weak = WeakPerspective(np.eye(3), scale, np.zeros(2))
    assert to_perspective(weak, Box(CENTER, 300.0), ROOT, ANCHOR, FOCAL, CENTER) is None


def test_the_anchor_is_learned_from_landmarks_and_keeps_calm():
    noise = np.random.default_rng(2)
    points, weights = noise.normal(0, 0.05, (80, 3)), noise.uniform(0.2, 1, 80)
    learner, values = RootAnchor(), []
    for _ in range(150):
        weak = WeakPerspective(rotation_matrix(noise.normal(0, 0.2, 3)), 7.0, noise.normal(0, 0.01, 2))
        seen = weak.project(points, ROOT, ANCHOR + noise.normal(0, 0.003, 2))
        values.append(learner.observe(weak, points, seen, weights, ROOT, 0.04))
    np.testing.assert_allclose(values[-1], ANCHOR, atol=0.001)
    assert np.abs(np.diff(values[-30:], axis=0)).max() < 2e-4
    learner.doubt(0.04)
    elsewhere = learner.observe(weak, points, weak.project(points, ROOT, ANCHOR + 0.02), weights, ROOT, 0.04)
    assert np.abs(elsewhere - ANCHOR).max() > 0.009
