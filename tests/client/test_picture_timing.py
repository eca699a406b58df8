from __future__ import annotations

import pytest

from client.view.timing import FRAME_PERIOD_S, PictureTiming

LATE = 1.5 * FRAME_PERIOD_S


def test_a_picture_goes_out_when_all_of_it_is_drawn_and_the_next_one_keeps_its_distance() -> None:
    timing = PictureTiming()
    timing.begin(["a", "b"], 1.0)
    assert not timing.may_begin(2.0)
    timing.drew("a", 1.005, new=True)
    assert not timing.goes_out(1.006)
    timing.drew("b", 1.010, new=True)
    assert timing.goes_out(1.010)
    timing.taken()
    assert timing.sent(1.012) == pytest.approx(0.012)
    assert not timing.may_begin(1.02)
    assert timing.may_begin(1.0 + FRAME_PERIOD_S)


def test_at_its_deadline_it_goes_out_with_what_there_is() -> None:
    timing = PictureTiming()
    timing.begin(["a", "slow"], 1.0)
    assert not timing.goes_out(timing.deadline)  # with nothing new there is nothing to send
    timing.drew("a", 1.01, new=True)
    assert not timing.goes_out(1.01)
    assert timing.goes_out(timing.deadline)
    timing.taken()
    assert timing.sent(timing.deadline) == pytest.approx(FRAME_PERIOD_S)
    assert not timing.fresh
    assert timing.asked == {"slow"}
    timing.drew("slow", 1.0 + LATE, new=True)
    assert timing.fresh


def picture(timing: PictureTiming, begun_at: float, took_s: dict[str, float]) -> float:
    """One picture of heads that take so long; returns seconds until it went out."""
    timing.begin(took_s, begun_at)
    out_after_s = -1.0
    for member, took in sorted(took_s.items(), key=lambda item: item[1]):
        timing.drew(member, begun_at + took, new=True)
        if out_after_s < 0 and timing.goes_out(begun_at + took):
            timing.taken()
            timing.sent(begun_at + took)
            out_after_s = took
    return out_after_s


def test_a_slow_head_is_not_waited_for_until_it_was_on_time_once() -> None:
    timing = PictureTiming()
    assert picture(timing, 1.0, {"a": 0.01, "slow": LATE}) == LATE
    assert picture(timing, 2.0, {"a": 0.01, "slow": LATE}) == 0.01
    assert picture(timing, 3.0, {"a": 0.01, "slow": 0.02}) == 0.01
    assert picture(timing, 4.0, {"a": 0.01, "slow": 0.02}) == 0.02


def test_what_was_not_waited_for_counts_as_late() -> None:
    timing = PictureTiming()
    timing.begin(["a", "slow"], 1.0)
    timing.drew("a", 1.01, new=True)
    timing.taken()
    timing.sent(timing.deadline)
    timing.begin(["a"], 1.04)
    timing.drew("a", 1.05, new=True)
    assert timing.goes_out(1.05)
    timing.taken()
    assert timing.sent(1.05) == pytest.approx(0.05)
    timing.begin(["a"], 1.08)
    timing.drew("slow", 1.085, new=True)
    timing.drew("a", 1.09, new=True)
    timing.taken()
    assert timing.sent(1.09) == pytest.approx(0.085)


def test_a_picture_without_anything_new_is_given_up() -> None:
    timing = PictureTiming()
    timing.begin(["broken", "gone"], 1.0)
    timing.drew("broken", 1.01, new=False)
    assert not timing.goes_out(1.02)
    assert timing.begun
    timing.forget("gone")
    assert not timing.goes_out(1.02)
    assert not timing.begun
    timing.begin([], 1.1, changed=True)
    assert timing.goes_out(1.1)
