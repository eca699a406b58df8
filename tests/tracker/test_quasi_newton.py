"""The kept curvature on functions whose curvature is known."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.quasi_newton import FADE, LEAST, Inverse

SIZE = 12


def curvature(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(SIZE, SIZE))
    return root @ root.T + np.eye(SIZE)


def test_it_learns_the_curvature_of_the_way_that_it_goes() -> None:
    true, inverse = curvature(), Inverse(np.eye(SIZE))
    rng = np.random.default_rng(2)
    steps = rng.normal(size=(60, SIZE))
    for step in steps:
        inverse.learn(step, true @ step, true @ step)
    np.testing.assert_allclose(inverse.step(true @ steps[-1]), -steps[-1], rtol=1e-6)
    before, after = (
        np.linalg.norm(found.step(true @ step) + step)
        for found in (Inverse(np.eye(SIZE)), inverse)
        for step in steps[:1]
    )
    assert after < 0.3 * before


def test_it_stays_a_way_downhill_whatever_it_is_told() -> None:
    rng, inverse = np.random.default_rng(3), Inverse(curvature())
    for _ in range(200):
        inverse.learn(*rng.normal(size=(3, SIZE)))
        inverse.fade()
        gradient = rng.normal(size=SIZE)
        assert gradient @ inverse.step(gradient) < 0


def test_it_forgets() -> None:
    measured, true = curvature(4), curvature(5)
    inverse, step = Inverse(measured), np.ones(SIZE)
    inverse.learn(step, true @ step, true @ step)
    learned = inverse.step(step)
    inverse.fade()
    expected = (1 - FADE) * learned - FADE * (measured @ step)
    np.testing.assert_allclose(inverse.step(step), expected)
    inverse.forget()
    np.testing.assert_array_equal(inverse.step(step), -(measured @ step))


def test_a_curvature_that_seems_to_be_none_is_believed_in_part() -> None:
    step, expected = np.eye(SIZE)[0], curvature()[0]
    for change in (np.zeros(SIZE), -3 * expected):
        inverse = Inverse(np.linalg.inv(curvature()))
        inverse.learn(step, change, expected)
        assert inverse.step(expected) @ -step == pytest.approx(1 / LEAST, rel=0.5)
        assert np.linalg.eigvalsh(inverse._now).min() > 0
