"""Frames of the shipped guests as they have always been, by oracle and kernels."""

from pathlib import Path

import numpy as np
import pytest

from renderer.avatar.frame_renderer import FrameRenderer
from tests.renderer.avatar.regenerate_golden_frames import BACKGROUND, draw_golden_frame, golden_view, load_guests
from tests.support.scenes import psnr

GOLDEN = dict(np.load(Path(__file__).parent / "golden_frames.npz"))


def test_every_guest_has_a_golden_frame() -> None:
    assert list(GOLDEN) == list(load_guests())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("number", range(len(GOLDEN)), ids=list(GOLDEN))
def test_kernels_draw_the_golden_frame(number: int, threads: int) -> None:
    name, expected = list(GOLDEN.items())[number]
    image = FrameRenderer(load_guests()[name], threads=threads).render_rgb(*golden_view(number), BACKGROUND)
    assert psnr(image / 255, expected / 255) > 57  # a byte in five differs by one at 55 dB


def test_the_oracle_draws_the_golden_frame() -> None:
    name, expected = next(iter(GOLDEN.items()))
    drawn = draw_golden_frame(load_guests()[name], 0)
    assert np.abs(drawn.astype(int) - expected).max() <= 1
