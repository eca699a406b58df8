"""What stands behind heads, in every size and for both eyes."""

import numpy as np
import pytest

from client.view import backdrop as module
from client.view.backdrop import DEPTH_SHARE, Backdrop


def test_a_color_is_the_same_everywhere() -> None:
    color = (0.1, 0.2, 0.3)
    assert Backdrop(color).whole(128) == color
    assert Backdrop(color).eyes(128) == (color, color)


def test_a_picture_is_resized_once_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    cover = module.cover
    monkeypatch.setattr(module, "cover", lambda *args: calls.append(args[1:]) or cover(*args))
    backdrop = Backdrop(np.zeros((90, 160, 3), np.uint8))
    for _ in range(3):
        for size in (128, 256):
            whole = backdrop.whole(size)
            assert isinstance(whole, np.ndarray)
            assert whole.shape == (size, size, 3)
            for eye in backdrop.eyes(size):
                assert isinstance(eye, np.ndarray)
                assert eye.shape == (size, size // 2, 3)
                assert eye.flags.c_contiguous
    assert sorted(calls) == [(128, 128), (132, 128), (256, 256), (264, 256)]


def test_the_picture_is_behind_the_screen() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[:, 180:220] = 255
    left, right = Backdrop(picture).eyes(400)
    assert isinstance(left, np.ndarray)
    assert isinstance(right, np.ndarray)
    columns = np.arange(200) + 0.5
    left_x, right_x = (2 * (columns * eye[200, :, 0]).sum() / eye[200, :, 0].sum() for eye in (left, right))
    assert right_x - left_x == pytest.approx(DEPTH_SHARE * 400, abs=0.6)
