from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderer.schedule_cost import HeadCost

SIZES = (128, 192, 256, 384, 512)


def test_costs_of_two_sizes_are_told_apart() -> None:
    cost = HeadCost()
    for _ in range(200):
        for size in (256, 512):
            cost.drew(size, 4e-3 + 2e-8 * size * size)
    for size in SIZES:
        assert cost.picture_s(size) == pytest.approx(4e-3 + 2e-8 * size * size, rel=0.05)


def test_one_size_teaches_its_own_cost_and_one_outlier_little() -> None:
    cost = HeadCost()
    for _ in range(200):
        cost.drew(384, 8e-3)
    assert cost.picture_s(384) == pytest.approx(8e-3, rel=0.03)
    assert 2.5e-3 < cost.picture_s(128) < 6e-3
    cost.drew(384, 5.0)
    assert cost.picture_s(384) < 9e-3


def test_the_first_pictures_of_an_avatar_may_be_dear() -> None:
    cost = HeadCost()
    usual = cost.picture_s(512)
    for _ in range(3):
        cost.drew(512, 40 * usual)
    assert cost.picture_s(512) < 2 * usual
    for _ in range(25):
        cost.drew(512, usual)
    assert cost.picture_s(512) < 1.3 * usual


@given(st.lists(st.tuples(st.sampled_from(SIZES), st.floats(0, 10)), max_size=60))
def test_a_larger_picture_never_seems_cheaper(drawn: list[tuple[int, float]]) -> None:
    cost = HeadCost()
    for size, cpu_s in drawn:
        cost.drew(size, cpu_s)
    costs = [cost.picture_s(size) for size in SIZES]
    assert costs == sorted(costs)
    assert costs[0] > 0
