from __future__ import annotations

import pytest

from client.view.timing import FRAME_PERIOD_S, PictureTiming

LATE = 1.5 * FRAME_PERIOD_S


def begin(timing: PictureTiming, due: list[str], now: float) -> None:
    for member in due:
        timing.ask(member, now)
    assert timing.begin(now)


def send(timing: PictureTiming, now: float) -> float:
    assert timing.goes_out(now)
    timing.taken()
    return timing.sent(now)


def test_a_picture_goes_out_when_all_of_it_is_drawn_and_the_next_one_keeps_its_distance() -> None:
    timing = PictureTiming()
    assert not timing.begin(0.9)  # there is nothing to show
    begin(timing, ["a", "b"], 1.0)
    timing.drew("a", 1.005, new=True)
    assert not timing.goes_out(1.006)
    timing.drew("b", 1.010, new=True)
    assert send(timing, 1.012) == pytest.approx(0.012)
    timing.ask("a", 1.02)
    assert not timing.begin(1.02)
    timing.drew("a", 1.03, new=True)
    assert timing.begin(1.0 + FRAME_PERIOD_S)
    assert timing.goes_out(1.0 + FRAME_PERIOD_S)


def test_who_comes_to_be_due_while_a_picture_is_in_work_is_in_it() -> None:
    timing = PictureTiming()
    begin(timing, ["a"], 1.0)
    timing.ask("b", 1.002)
    timing.drew("a", 1.005, new=True)
    assert not timing.goes_out(1.006)
    timing.drew("b", 1.008, new=True)
    assert timing.goes_out(1.008)


def test_at_its_deadline_it_goes_out_with_what_there_is() -> None:
    timing = PictureTiming()
    begin(timing, ["a", "slow"], 1.0)
    assert not timing.goes_out(timing.deadline)  # with nothing new there is nothing to send
    timing.drew("a", 1.01, new=True)
    assert not timing.goes_out(1.01)
    assert send(timing, timing.deadline) == pytest.approx(FRAME_PERIOD_S)
    assert timing.asked == {"slow"}
    begin(timing, ["a"], 1.04)  # the one that was left out is not waited for
    timing.drew("a", 1.05, new=True)
    assert send(timing, 1.05) == pytest.approx(0.05)  # but it counts as late
    timing.drew("slow", 1.06, new=True)
    assert timing.begin(1.04 + FRAME_PERIOD_S)
    assert send(timing, 1.04 + FRAME_PERIOD_S) == pytest.approx(0.06)


def picture(timing: PictureTiming, begun_at: float, took_s: dict[str, float]) -> float:
    """One picture of heads that take so long; returns seconds until it went out."""
    begin(timing, list(took_s), begun_at)
    out_after_s = -1.0
    for member, took in sorted(took_s.items(), key=lambda item: item[1]):
        timing.drew(member, begun_at + took, new=True)
        if out_after_s < 0 and timing.goes_out(begun_at + took):
            send(timing, begun_at + took)
            out_after_s = took
    if timing.begin(begun_at + 0.5):  # with what was left out
        send(timing, begun_at + 0.5)
    return out_after_s


def test_a_slow_head_is_not_waited_for_until_it_was_on_time_once() -> None:
    timing = PictureTiming()
    assert picture(timing, 1.0, {"a": 0.01, "slow": LATE}) == LATE
    assert picture(timing, 2.0, {"a": 0.01, "slow": LATE}) == 0.01
    assert picture(timing, 3.0, {"a": 0.01, "slow": 0.02}) == 0.01
    assert picture(timing, 4.0, {"a": 0.01, "slow": 0.02}) == 0.02


def test_a_picture_without_anything_new_is_given_up() -> None:
    timing = PictureTiming()
    begin(timing, ["broken", "gone"], 1.0)
    timing.drew("broken", 1.01, new=False)
    assert not timing.goes_out(1.02)
    assert timing.begun
    timing.forget("gone")
    assert not timing.goes_out(1.02)
    assert not timing.begun
    timing.change()
    begin(timing, [], 1.1)
    assert timing.goes_out(1.1)
