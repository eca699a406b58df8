from __future__ import annotations

import pytest

from renderer.schedule_budget import DUTY, LEAST_SHARE, RAISE_AFTER_S, Budget


def pictures(budget: Budget, took_s: float, from_s: float, until_s: float) -> float:
    """Pictures of one kind at 25 a second until the budget has been raised or the time is over; when that was."""
    now = from_s
    while now < until_s:
        before = budget.seconds
        budget.picture(took_s, now, lambda: (0.5, 0.2))
        if budget.seconds > before:
            break
        now += 0.04
    return now


def test_late_pictures_lower_the_budget_at_once_below_what_was_planned() -> None:
    budget = Budget(cores=2)
    assert budget.full == 2 * DUTY
    pictures(budget, 0.06, 0, 3.5)
    assert budget.seconds == pytest.approx(0.7 * 0.5)
    pictures(budget, 0.06, 3.5, 60)
    assert budget.seconds == 0.2  # pictures that are as small as can be are not made fewer


def test_a_budget_stays_where_drawing_is_not_what_makes_pictures_late() -> None:
    budget = Budget(cores=2)
    for tick in range(1000):
        budget.picture(0.06, tick * 0.06, lambda: (0.01, 0.001))
    assert budget.seconds == LEAST_SHARE * budget.full


def test_a_budget_recovers_and_each_failed_attempt_doubles_the_wait() -> None:
    budget = Budget(cores=2)
    now, waits = 0.0, []
    for _ in range(3):
        started = pictures(budget, 0.06, now, now + 10)
        now = pictures(budget, 0.01, started, started + 9 * RAISE_AFTER_S)
        waits.append(now - started)
    assert waits == pytest.approx([RAISE_AFTER_S, 2 * RAISE_AFTER_S, 4 * RAISE_AFTER_S], abs=7)
    while now < 3000:
        now = pictures(budget, 0.01, now + 0.04, 3000)
    assert budget.seconds == budget.full


def test_a_few_late_pictures_change_nothing() -> None:
    budget = Budget(cores=2)
    assert not any(
        budget.picture(0.05 if tick % 5 == 0 else 0.01, tick * 0.04, lambda: (0.5, 0.2)) for tick in range(3000)
    )


def test_drawing_waits_when_it_has_had_its_share() -> None:
    budget = Budget(cores=2)
    assert budget.wait_s(100.0) == 0
    budget.spend(0.1 * budget.full)
    assert budget.wait_s(100.0) == 0
    budget.spend(0.3)
    assert budget.wait_s(100.0) == pytest.approx(0.3 / budget.full)
    assert budget.wait_s(100.0 + 0.31 / budget.full) == 0
