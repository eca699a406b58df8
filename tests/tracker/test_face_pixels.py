from __future__ import annotations

import numpy as np

from codec.params import FaceParams
from renderer.head.open_head import load_open_head
from tracker.face_pixels import FACE_PX, FacePixels

LEFT, RIGHT = 234, 454


def test_a_face_is_as_wide_as_is_said_at_any_distance() -> None:
    pixels = FacePixels(load_open_head())
    for depth_m in (0.4, 1.2):
        points = pixels.points(FaceParams.neutral(50, depth_m), depth_m)
        width = np.linalg.norm(points[LEFT] - points[RIGHT])
        assert 0.8 * FACE_PX < width <= FACE_PX  # perspective: the ears lie behind the eyes


def test_slopes_are_those_of_points() -> None:
    pixels = FacePixels(load_open_head())
    vector = FaceParams.neutral().to_vector().astype(np.float64)
    slopes = pixels.slopes(vector, [0, 53, 56])
    assert slopes.shape == (3, 956)
    moved = vector.copy()
    moved[53] += 0.02
    change = pixels.points(FaceParams.from_vector(moved.astype(np.float32)), 0.6) - pixels.points(
        FaceParams.from_vector(vector.astype(np.float32)), 0.6
    )
    np.testing.assert_allclose(slopes[1] * 0.02 * np.sqrt(478), change.ravel(), rtol=0.01, atol=0.02)
    assert (slopes[1] ** 2).sum() ** 0.5 > 1000  # a meter sideways leaves any picture


def test_a_wider_head_moves_farther() -> None:
    head = load_open_head()
    vector = FaceParams.neutral().to_vector().astype(np.float64)
    usual = FacePixels(head).slopes(vector, [52])
    wide = FacePixels(head, (0.2 * head.v_template).astype(np.float32)).slopes(vector, [52])
    assert np.linalg.norm(wide) > 1.1 * np.linalg.norm(usual)
