"""What the closed loop sees of a picture, against pictures of which every pixel is known."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.closed_loop_view import CENTER_M, REACH_M, ClosedLoopView

SIDE = 64
K = np.array([[500.0, 0, 200], [0, 500, 150], [0, 0, 1]], np.float32)
HEAD_M = np.array([0.01, -0.03, 0.6])


def ramp(height: int, width: int) -> np.ndarray:
    """Brightness says where a pixel is: x in red, y in green."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, np.full_like(x, 90.0)], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("depth", [0.3, 0.6, 1.5, 4.0])
def test_the_camera_belongs_to_what_was_cut_out(depth: float) -> None:
    """A place in the world shows the same color through the new camera as in the picture."""
    view, position = ClosedLoopView(SIDE), HEAD_M * [depth, depth, depth] / 0.6
    camera = view.look(ramp(300, 400), position, K)
    middle = np.array([*(position[:2] + CENTER_M), position[2]])
    for offset in (np.zeros(3), np.array([0.06, -0.05, 0.0]), np.array([-0.1, 0.04, 0.0])):
        point = middle + offset
        seen = (camera.K @ point)[:2] / point[2]
        pixel = (K @ point)[:2] / point[2]
        column, row = np.floor(seen).astype(int)
        expected = np.array([pixel[0] / 400, pixel[1] / 300])
        cell = 2 * REACH_M * 500 / depth / SIDE  # of a pixel of what was cut out, in the picture's
        assert view.picture[row, column, :2] == pytest.approx(expected, abs=0.6 * cell / 300 + 1 / 255)
    assert camera.K[0, 0] * 2 * REACH_M / depth == pytest.approx(SIDE, rel=1e-5)


def test_what_the_camera_does_not_show_does_not_count() -> None:
    view = ClosedLoopView(SIDE)
    view.look(ramp(300, 400), np.array([0.0, -0.29, 0.6]), K)  # the head's upper half is above the picture
    view.look_behind(np.ones((SIDE, SIDE), np.float32))
    assert view.weights.sum() == pytest.approx(1, rel=1e-5)
    rows = view.weights.sum(axis=1)
    assert (rows[: SIDE // 4] == 0).all()
    assert rows[-1] > 0
    view.look(ramp(300, 400), np.array([9.0, 0.0, 0.6]), K)
    view.look_behind(np.ones((SIDE, SIDE), np.float32))
    assert not view.weights.any()


def test_the_background_is_guessed_from_around_the_head() -> None:
    view = ClosedLoopView(SIDE)
    y, x = np.mgrid[:SIDE, :SIDE]
    head = ((x - 32) ** 2 + (y - 32) ** 2 < 18**2).astype(np.float32)
    picture = np.full((300, 400, 3), 60, np.uint8)
    view.look(picture, HEAD_M, K)
    view.picture[head > 0] = 0.9
    view.look_behind(head)
    edge = (head > 0) & ((x - 32) ** 2 + (y - 32) ** 2 > 14**2)
    assert np.abs(view.behind[edge] - 60 / 255).max() < 0.02
    beside = (32, 51)
    even = view.weights[beside] / view.weights[32, 32]
    assert even > 0.5
    lively = np.float32(0.2) + 0.6 * ((x // 16 + y // 16) % 2)[..., None]
    view.picture[...] = np.where(head[..., None] > 0, np.float32(0.9), lively)
    view.look_behind(head)
    assert view.weights[beside] / view.weights[32, 32] < 0.5 * even, "a lively background is relied on less"
