from __future__ import annotations

import numpy as np
import pytest

from renderer.head.pose import rotation_matrix
from tracker.orientation import OrientationPrior, view_rotation

FOCAL_PX = 704.0


@pytest.mark.parametrize("offset", [[0.0, 0.0], [200.0, 0.0], [0.0, -150.0], [-120.0, 90.0]])
def test_view_rotation_turns_the_axis_to_the_pixel(offset):
    turn = view_rotation(np.array(offset), FOCAL_PX)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    ray = turn @ np.array([0.0, 0.0, -1.0])
    np.testing.assert_allclose(ray[:2] / -ray[2] * FOCAL_PX, [offset[0], -offset[1]], atol=1e-9)


@pytest.mark.parametrize(
    ("offset_x", "mediapipe_yaw", "true_yaw"),
    [
        (-158, -0.071, 0.0),
        (-84, -0.033, 0.0),
        (85, 0.044, 0.0),
        (159, 0.080, 0.0),
        (90, 0.307, 0.27),
        (-79, 0.228, 0.27),
    ],
)
def test_faces_beside_the_center_get_the_yaw_they_were_rendered_with(offset_x, mediapipe_yaw, true_yaw):
    # Measured on 560 x 400 renderings, focal length 616 px; MediaPipe gives a face at the center 0.27 for 0.3.
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = rotation_matrix(np.array([0, mediapipe_yaw, 0]))
    seen = OrientationPrior().in_our_camera(matrix, np.array([offset_x, 0.0]), 400, 616.0)
    assert np.arctan2(seen[0, 2], seen[2, 2]) == pytest.approx(true_yaw, abs=0.02)


def test_a_constant_pitch_between_the_heads_is_learned():
    prior = OrientationPrior()
    rng = np.random.default_rng(5)
    assert prior.predict(np.eye(3)) is None
    for _ in range(50):
        theirs = rotation_matrix(rng.normal(0, 0.3, 3))
        prior.observe(theirs, theirs @ rotation_matrix(np.array([-0.1, 0, 0])), 0.04)
    predicted = prior.predict(np.eye(3))
    assert predicted is not None
    np.testing.assert_allclose(predicted, rotation_matrix(np.array([-0.1, 0, 0])), atol=1e-3)
    np.testing.assert_allclose(prior.level(predicted), np.eye(3), atol=1e-3)  # and taken out of what is shown
