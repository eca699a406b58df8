from __future__ import annotations

import numpy as np
import pytest

from enrolment.metrics.flicker import Flicker

SIZE, PICTURES = 64, 12


def film(shift_px: np.ndarray) -> list[np.ndarray]:
    """A bright disk that has moved to the right by so many pixels in each picture."""
    y, x = np.mgrid[:SIZE, :SIZE]
    disks = [200.0 / (1 + np.exp(np.hypot(x - 24 - shift, y - 32) - 12)) for shift in shift_px]
    return [np.repeat(disk[..., None], 3, axis=2).astype(np.uint8) for disk in disks]


def ratio(truth: list[np.ndarray], drawn: list[np.ndarray], indices=range(PICTURES)) -> float | None:
    flicker = Flicker()
    for index, filmed, picture in zip(indices, truth, drawn, strict=True):
        flicker.see(index, filmed, picture)
    return flicker.ratio()


def test_trembling_counts_and_an_offset_does_not():
    moving = 0.8 * np.sin(1.5 * np.arange(PICTURES))
    truth = film(moving)
    assert ratio(truth, film(moving)) == 1
    assert ratio(truth, film(moving + 1.0)) == pytest.approx(1, abs=0.1)
    assert ratio(truth, film(0.5 * moving)) == pytest.approx(0.5, abs=0.1)
    random = np.random.default_rng(3).normal(size=PICTURES)
    assert ratio(truth, film(moving + random)) > 1.5


def test_steady_movement_does_not_count():
    truth, steady = film(np.sin(1.5 * np.arange(PICTURES))), film(0.5 * np.arange(PICTURES))
    assert ratio(truth, steady) < 0.3


def test_pictures_that_are_no_neighbors_are_not_compared():
    jump = [0, 1, 2, 10, 11, 12]
    truth = film(np.array([0, 1, 0, 5, 6, 5]))
    drawn = film(np.array([0, 1, 0, 9, 10, 9]))  # jumps further between the two rows, but moves as much within them
    assert ratio(truth, drawn, jump) == pytest.approx(1, abs=0.15)
    assert ratio(truth[:2], drawn[:2], [0, 1]) is None
    assert ratio(truth[:3], drawn[:3], [0, 2, 4]) is None
