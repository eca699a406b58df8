"""When training does what."""

from __future__ import annotations

import numpy as np
import pytest

from enrolment.linear.schedule import COARSE_S, FOLLOW_AT, LAST_RATE, Schedule
from enrolment.linear.targets import COARSE, part_of_person
from enrolment.take import SIDE


def follow_times(budget_s: float) -> list[float]:
    schedule, times = Schedule(budget_s), []
    for spent_s in np.arange(0, budget_s, 0.5):
        if schedule.follows(len(times), spent_s):
            times.append(float(spent_s))
    return times


def test_a_long_schedule_looks_at_faces_as_early_as_a_short_one() -> None:
    short, long = follow_times(60), follow_times(800)
    assert len(short) == len(FOLLOW_AT)
    assert len(long) > len(FOLLOW_AT)
    assert long[0] < 5
    assert long[-1] == pytest.approx(FOLLOW_AT[-1] * 800, abs=1)


def test_resolution_and_rates() -> None:
    assert [Schedule(60).size(spent_s) for spent_s in (0, 11, 13)] == [COARSE, COARSE, SIDE]
    assert Schedule(800).size(COARSE_S + 1) == SIDE
    rates = [Schedule(60).rate(spent_s) for spent_s in (0, 18, 36, 60)]
    assert rates[:2] == [1, 1]
    assert Schedule(800).rate(60) < 1
    assert rates[1] > rates[2] > rates[3] == pytest.approx(LAST_RATE)


def test_a_part_of_the_person_within_what_is_known() -> None:
    random, inner = np.random.default_rng(1), (0, 40, SIDE, SIDE - 40)
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[150:, :250] = 255
    parts = [part_of_person(alpha, inner, 128, random) for _ in range(200)]
    lefts, tops = np.array(parts).T
    assert lefts.min() == 0
    assert 120 < lefts.max() <= 250 - 64
    assert tops.max() == SIDE - 40 - 128
    assert tops.min() >= 150 - 64
    nobody = part_of_person(np.zeros_like(alpha), inner, 128, random)
    assert nobody == (SIDE // 2 - 64, SIDE // 2 - 64)
