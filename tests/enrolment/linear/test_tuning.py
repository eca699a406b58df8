"""The end of training: bases as the file will hold them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.avatar_bases import rounded_grid
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.avatar_plan import AvatarPlan, AvatarSteps
from enrolment.linear.bases import TrainedBases
from enrolment.linear.rounded_bases import RoundedBases
from enrolment.linear.tuning import FIRST_RATE, LAST_RATE, TuningSchedule, tune_avatar
from enrolment.take import SIDE
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take

HEAD = load_open_head()


def coarse_plan(person) -> AvatarPlan:
    size = person.basis_grid.shape[-1]
    side = -(-size // 4)
    exponents = np.zeros((3, side, side), np.uint8)
    steps = AvatarSteps(grid=(1 << 18, 1 << 22, 1 << 22))
    return AvatarPlan(np.zeros(person.count, np.uint8), exponents, np.ones((size, size), np.bool_), steps)


def test_what_is_drawn_is_rounded_and_what_is_trained_is_not() -> None:
    person = drawn_person()
    plan, mask = coarse_plan(person), np.ones(person.basis_grid.shape, np.bool_)
    bases = RoundedBases(person, mask, plan)
    shape = person.basis_grid.shape
    np.testing.assert_allclose(bases.grids.reshape(shape), rounded_grid(person.basis_grid, plan), atol=1e-6)
    assert np.abs(bases.grids.reshape(shape) - person.basis_grid).max() > 1e-5
    rng = np.random.default_rng(0)
    coefficients = rng.standard_normal((8, len(shape) and shape[0])).astype(np.float32)
    by_values = rng.standard_normal((8, 9, shape[2] ** 2)).astype(np.float32)
    plain = TrainedBases(replace(person, basis_grid=person.basis_grid.copy()), mask)
    for step in range(1, 4):
        for each in (bases, plain):
            each.step(coefficients, by_values, 0.1, 1.0 / step, range(shape[0]))
    np.testing.assert_allclose(bases.state()["fine_grids"], plain.grids, atol=1e-6)  # no small step is lost
    again = rounded_grid(bases.grids.reshape(shape), plan)
    np.testing.assert_allclose(bases.grids.reshape(shape), again, atol=1e-6)


def test_tuned_bases_come_back_from_the_file_as_they_were_drawn() -> None:
    person = replace(drawn_person(), barycentrics=np.full((drawn_person().count, 3), 1 / 3, np.float32))
    shares: list[float] = []

    def go_on(share: float) -> bool:
        shares.append(share)
        return len(shares) < 3

    tuned, plan, known = tune_avatar(drawn_take(8), HEAD, person, coarse_plan(person), 30.0, threads=1, go_on=go_on)
    assert len(shares) == 3  # and then it stopped
    assert known is not None
    assert np.abs(tuned.sh0 - person.sh0).max() > 0
    np.testing.assert_array_equal(tuned.shape_offsets, person.shape_offsets)
    np.testing.assert_array_equal(tuned.basis_weights, person.basis_weights)
    found = unpack_avatar(pack_avatar(tuned, plan))
    wanted = tuned.basis_grid.astype(np.float64)
    np.testing.assert_allclose(found.basis_grid, wanted, rtol=2e-3, atol=1e-6)


def test_a_tuning_that_was_stopped_before_it_began_knows_nothing_of_the_tracker() -> None:
    person, take = drawn_person(), drawn_take(8)
    stopped = tune_avatar(take, HEAD, person, coarse_plan(person), 30.0, threads=1, go_on=lambda share: False)
    assert stopped[2] is None


def test_the_rates_of_tuning_fall() -> None:
    schedule = TuningSchedule(10.0)
    assert [schedule.rate(spent_s) for spent_s in (0, 10, 11)] == pytest.approx([FIRST_RATE, LAST_RATE, LAST_RATE])
    assert schedule.size(0.0) == SIDE
    assert not schedule.settled(10_000)
    assert [schedule.follows(done, 5.0) for done in (0, 1)] == [True, False]
