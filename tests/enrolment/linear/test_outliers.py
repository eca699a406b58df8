"""What is left out of training."""

from __future__ import annotations

import numpy as np

from enrolment.linear.outliers import odd_pictures


def usual(count: int = 100) -> np.ndarray:
    return np.random.default_rng(1).gamma(20, 1e-4 / 20, count)


def test_pictures_that_differ_from_all_others_are_odd() -> None:
    losses = usual()
    losses[[3, 40, 41]] *= 6
    assert np.flatnonzero(odd_pictures(losses)).tolist() == [3, 40, 41]


def test_what_varies_is_not_odd() -> None:
    assert not odd_pictures(usual()).any()
    assert not odd_pictures(np.linspace(1e-4, 5e-4, 50)).any()
    assert not odd_pictures(np.array([1e-4])).any()
    equal = np.full(20, 1e-4)
    equal[4] = 1.5e-4
    assert not odd_pictures(equal).any()


def test_if_many_are_odd_the_avatar_is_wrong() -> None:
    losses = usual()
    losses[:40] *= 10
    assert not odd_pictures(losses).any()
