"""What a take shows of a recording's pictures, and the camera that goes with it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from enrolment.take import SIDE
from enrolment.take_crop import WHOLE_FACES, Crop, choose_crop


def faces(middle: tuple[float, float], height: float, count: int = 20, sway: float = 0.0) -> np.ndarray:
    """[count, 478, 2] landmarks: a box that sways sideways."""
    corners = np.random.default_rng(1).uniform(-0.5, 0.5, (478, 2))
    corners[:2] = [(-0.5, -0.5), (0.5, 0.5)]
    boxes = corners * (0.8 * height, height) + np.array(middle)
    shifts = np.column_stack([sway * np.sin(np.arange(count)), np.zeros(count)])
    return (boxes[None] + shifts[:, None]).astype(np.float32)


@pytest.mark.parametrize("size", [(512, 480), (450, 450), (300, 400)])
def test_a_close_view_is_used_whole(size: tuple[int, int]) -> None:
    crop = choose_crop(faces((size[0] / 2, size[1] / 2), max(size) / WHOLE_FACES + 2), size)
    assert crop.side == max(size)
    left, top, right, bottom = crop.inner
    np.testing.assert_allclose((right - left, bottom - top), np.array(size) * SIDE / max(size), atol=1)
    np.testing.assert_allclose(crop.K(1.1), [[1.1 * SIDE, 0, SIDE / 2], [0, 1.1 * SIDE, SIDE / 2], [0, 0, 1]])


def test_a_far_view_is_cut_around_all_places_of_the_head() -> None:
    size, height = (1280, 720), 120.0
    landmarks = faces((900.0, 300.0), height, sway=80)
    crop = choose_crop(landmarks, size)
    assert crop.side < 0.7 * max(size)
    seen = crop.points(landmarks)
    assert seen.min() > 0.5 * height * crop.scale
    assert seen.max() < SIDE - 0.5 * height * crop.scale
    assert 0 <= crop.left <= 1280 - crop.side
    assert 0 <= crop.top <= 720 - crop.side


@pytest.mark.parametrize(
    "crop",
    [
        Crop(0, 0, 512, (512, 512)),
        Crop(0, -16, 512, (512, 480)),
        Crop(0, -50, 400, (400, 300)),
        Crop(413, 60, 601, (1280, 720)),
        Crop(-280, 0, 1280, (720, 1280)),
        Crop(10.5, 3.25, 200, (320, 240)),
    ],
)
def test_pictures_points_and_camera_agree(crop: Crop) -> None:
    width, height = crop.size
    places = np.array([(0.31, 0.42), (0.62, 0.55), (0.5, 0.5)]) * min(crop.side, width, height)
    places += np.maximum([crop.left, crop.top], 0)
    picture = np.zeros((height, width, 3), np.uint8)
    rows, columns = np.mgrid[:height, :width] + 0.5
    for channel, (x, y) in enumerate(places):
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (6 / min(1, crop.scale)) ** 2))
        picture[..., channel] = np.round(255 * spot)
    out = np.full((SIDE, SIDE, 3), 7, np.uint8)
    crop.cut(picture, out)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    for channel, expected in enumerate(crop.points(places)):
        weight = out[..., channel].astype(np.float64)
        found = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
        np.testing.assert_allclose(found, expected, atol=0.05)
    ray = np.append((places[0] - np.array(crop.size) / 2) / (1.2 * max(crop.size)), 1)
    seen = crop.K(1.2) @ ray
    np.testing.assert_allclose(seen[:2] / seen[2], crop.points(places)[0], atol=1e-2)


def test_what_the_recording_does_not_show_is_black() -> None:
    crop = Crop(0, -50, 400, (400, 300))
    out = np.full((SIDE, SIDE, 3), 7, np.uint8)
    crop.cut(np.full((300, 400, 3), 200, np.uint8), out)
    left, top, right, bottom = crop.inner
    assert (left, top, right, bottom) == (0, 64, 512, 448)
    assert (out[top:bottom, left:right] == 200).all()
    assert not out[:top].any()
    assert not out[bottom:].any()


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((1280, 1280, 3), np.uint8)
    stripes[:, ::2] = 255
    out = np.empty((SIDE, SIDE, 3), np.uint8)
    Crop(0, 0, 1280, (1280, 1280)).cut(stripes, out)
    assert cv2.meanStdDev(out)[1].max() < 30
