from __future__ import annotations

import numpy as np
import pytest

from renderer.head.pose import rotation_matrix
from tracker.orientation import OrientationPrior, view_rotation

HEIGHT, FOCAL_PX = 480, 704.0


@pytest.mark.parametrize("offset", [[0.0, 0.0], [200.0, 0.0], [0.0, -150.0], [-120.0, 90.0]])
def test_view_rotation_turns_the_axis_to_the_pixel(offset):
    turn = view_rotation(np.array(offset), FOCAL_PX)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    ray = turn @ np.array([0.0, 0.0, -1.0])
    np.testing.assert_allclose(ray[:2] / -ray[2] * FOCAL_PX, [offset[0], -offset[1]], atol=1e-9)


def test_a_face_beside_the_center_faces_less_away_in_a_longer_lens():
    # The same picture: a narrower camera sees it from less aside, so its face turns less towards the camera.
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = rotation_matrix(np.array([0, -0.2, 0]))
    seen = OrientationPrior().in_our_camera(matrix, np.array([150.0, 0.0]), HEIGHT, FOCAL_PX)
    assert -0.2 < np.arctan2(seen[0, 2], seen[2, 2]) < 0


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
