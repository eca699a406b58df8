from __future__ import annotations

import numpy as np
import pytest

from codec.params import FaceParams
from enrolment.metrics.head_box import LEAST_SIDE, head_box
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices

SIZE, FOCAL = 512, 600.0


def seen(yaw: float, pitch: float = 0.0, roll: float = 0.0, distance_m: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks [478, 2] and outline [V, 2] of the open head in a camera, pixels."""
    head = load_open_head()
    face = FaceParams.neutral(distance_m=distance_m)
    face.global_rotation[:] = (pitch, yaw, roll)
    posed = pose_vertices(head, np.zeros_like(head.v_template), face)
    pixels = posed[:, :2] / posed[:, 2:] * FOCAL + SIZE / 2
    landmarks = np.einsum("lk,lkd->ld", head.landmark_barycentrics, pixels[head.faces[head.landmark_faces]])
    skull = (head.parts == Part.SKIN) & (head.lbs_weights[:, 0] < 0.01)
    return landmarks, pixels[skull]


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (0.7, 0, 0), (-0.7, 0.2, 0), (0, 0.4, 0), (0, 0, 0.5)])
def test_the_box_holds_the_head_and_little_more(yaw, pitch, roll):
    landmarks, outline = seen(yaw, pitch, roll)
    left, top, right, bottom = head_box(landmarks, SIZE)
    low, high = outline.min(axis=0), outline.max(axis=0)
    width, height = high - low
    # What is nearer is larger, which the fit does not know: a few per cent.
    assert low[0] - 0.18 * width < left < low[0] + 0.03 * width
    assert high[0] - 0.03 * width < right < high[0] + 0.18 * width
    assert low[1] - 0.25 * height < top < low[1] - 0.03 * height
    assert high[1] - 0.03 * height < bottom < high[1] + 0.14 * height


def test_the_box_moves_and_grows_with_the_face():
    landmarks, _ = seen(0.3)
    box = np.array(head_box(landmarks, SIZE))
    moved = np.array(head_box(landmarks + np.array([20, -10]), SIZE))
    np.testing.assert_allclose(moved - box, [20, -10, 20, -10], atol=1)
    smaller = np.array(head_box(landmarks * 0.75, SIZE * 3 // 4))
    np.testing.assert_allclose(smaller, box * 0.75, atol=1)


@pytest.mark.parametrize("offset", [(-600, 0), (600, 600), (0, -450)])
def test_the_box_stays_in_the_picture(offset):
    landmarks, _ = seen(0)
    left, top, right, bottom = head_box(landmarks + offset, SIZE)
    assert 0 <= left <= right - LEAST_SIDE <= SIZE - LEAST_SIDE
    assert 0 <= top <= bottom - LEAST_SIDE <= SIZE - LEAST_SIDE
