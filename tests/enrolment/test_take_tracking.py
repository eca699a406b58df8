"""Which pictures are held out, and which are odd."""

from __future__ import annotations

import numpy as np

from enrolment.take_tracking import HoldOut, odd_pictures

COUNT = 100


def calm_face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residuals, landmarks and times of a face that sways."""
    rng = np.random.default_rng(2)
    shape = rng.uniform(-100, 100, (478, 2))
    shape[[33, 263, 133, 362]] = [(-50, 0), (50, 0), (-20, 0), (20, 0)]
    times_s = np.arange(COUNT) / 25
    sway = np.column_stack([60 * np.sin(3 * times_s), 20 * np.cos(2 * times_s)])
    return np.full(COUNT, 0.009), (shape + 250 + sway[:, None]).astype(np.float32), times_s


def test_tail_and_blocks() -> None:
    assert np.flatnonzero(HoldOut.TAIL.mask(402)).tolist() == list(range(322, 402))
    blocks = HoldOut.BLOCKS.mask(170)
    assert np.flatnonzero(blocks).tolist() == [*range(64, 80), *range(144, 160)]
    assert not HoldOut.NONE.mask(10).any()


def test_a_calm_face_is_not_odd() -> None:
    assert not odd_pictures(*calm_face()).any()


def test_hands_leaps_and_lost_faces_are_odd() -> None:
    residuals, landmarks, times_s = calm_face()
    residuals[10:14] = 0.06
    residuals[30] = np.nan
    landmarks[50] += 90
    odd = odd_pictures(residuals, landmarks, times_s)
    assert odd[[10, 11, 12, 13, 30, 50]].all()
    assert odd.sum() <= 8


def test_a_clip_that_fits_badly_is_judged_by_itself() -> None:
    residuals, landmarks, times_s = calm_face()
    assert not odd_pictures(residuals * 5, landmarks, times_s).any()
