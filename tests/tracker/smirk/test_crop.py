from __future__ import annotations

import numpy as np
import pytest

from tracker.smirk.crop import CROP, LEASH, ROOM, Box, BoxStabilizer, crop_face, face_box

FRAME_S = 1 / 30


def box(x: float, y: float = 200.0, size: float = 280.0) -> Box:
    return Box(np.array([x, y]), size)


def test_the_square_has_the_size_that_the_networks_were_trained_with():
    landmarks = np.array([[100.0, 50.0], [200.0, 210.0], [140.0, 90.0]], np.float32)
    found = face_box(landmarks)
    assert found is not None
    np.testing.assert_allclose(found.center, [150, 130])
    assert found.size == pytest.approx((100 + 160) / 2 * ROOM)


@pytest.mark.parametrize("landmarks", [np.full((478, 2), np.nan), np.full((478, 2), 5.0)])
def test_no_square_around_what_is_no_face(landmarks):
    assert face_box(landmarks) is None


@pytest.mark.parametrize("size", [150.0, 223.0, 700.0])
def test_crop_coordinates_lie_where_the_crop_shows_the_picture(size):
    """A bright dot at a known place of the crop comes from the pixel that to_image names, at every magnification."""
    around = box(412.3, 305.6, size)
    ndc = np.array([[0.4, -0.25]])
    place = around.to_image(ndc)[0]
    np.testing.assert_allclose(around.to_ndc(place[None]), ndc)
    rows, columns = np.mgrid[:720, :960]
    blob = np.exp(-((columns - place[0]) ** 2 + (rows - place[1]) ** 2) / (2 * (size / 40) ** 2))
    picture = np.repeat((blob * 255).astype(np.uint8)[..., None], 3, axis=2)
    crop = crop_face(picture, around)
    assert crop.shape == (1, 3, CROP, CROP)
    assert crop.dtype == np.float32
    weights = crop[0, 0].astype(np.float64)
    y, x = (float((axis * weights).sum() / weights.sum()) for axis in np.mgrid[:CROP, :CROP])
    np.testing.assert_allclose([x, y], (ndc[0] + 1) * CROP / 2, atol=0.1)


def test_colors_keep_their_order_and_range_and_the_outside_is_black():
    picture = np.full((100, 100, 3), (255, 128, 0), np.uint8)
    crop = crop_face(picture, box(100, 50, 80))
    np.testing.assert_allclose(crop[0, :, CROP // 2, 10], [1, 128 / 255, 0], atol=1e-6)
    assert not crop[0, :, :, -10:].any()


def test_a_trembling_box_leaves_the_square_where_it_is():
    stabilize, noise = BoxStabilizer(), np.random.default_rng(1)
    squares = []
    for index in range(120):
        trembling = box(300 + noise.normal(0, 3), 200 + noise.normal(0, 3), 280 * np.exp(noise.normal(0, 0.01)))
        squares.append(stabilize(trembling, index * FRAME_S))
    for square in squares[1:]:
        np.testing.assert_array_equal(square.center, squares[0].center)
        assert square.size == squares[0].size


def test_a_moving_box_takes_the_square_along_without_steps():
    stabilize = BoxStabilizer()
    speed = 200.0  # px/s: a brisk head movement
    centers, lag = [], []
    for index in range(60):
        time_s = index * FRAME_S
        square = stabilize(box(100 + speed * time_s), time_s)
        centers.append(square.center[0])
        lag.append(100 + speed * time_s - square.center[0])
    assert max(lag) < (LEASH + 0.06) * 280
    assert lag[-1] > 0.9 * LEASH * 280
    steps = np.diff(centers)
    assert steps.min() >= 0
    assert steps.max() < 1.5 * speed * FRAME_S


def test_an_approaching_face_widens_the_square():
    stabilize = BoxStabilizer()
    for index in range(90):
        square = stabilize(box(300, size=280 * np.exp(index / 60)), index * FRAME_S)
    assert square.size == pytest.approx(280 * np.exp(89 / 60), rel=0.15)


def test_a_jump_or_a_pause_starts_anew():
    stabilize = BoxStabilizer()
    stabilize(box(100), 0.0)
    assert stabilize(box(600), FRAME_S).center[0] == 600
    assert stabilize(box(605), 5.0).center[0] == 605
    stabilize.reset()
    assert stabilize(box(607), 5.0 + FRAME_S).center[0] == 607
