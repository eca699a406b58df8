from __future__ import annotations

from itertools import pairwise

from codec.burst_packet import LinkReport
from codec.rate_control import (
    ALONE_LOSS,
    CALM_MS,
    HEAVY_LOSS,
    LADDER,
    LONGEST_STEP_UP_S,
    QUEUE_MS,
    REPEAT_LOSS,
    STEP_DOWN_S,
    STEP_UP_S,
    RateControl,
)

CALM = LinkReport(0.0, 0.0)
QUEUED = LinkReport(0.0, QUEUE_MS)
BETWEEN = LinkReport(0.0, (CALM_MS + QUEUE_MS) / 2)
REPORT_S = 0.25


def report(rate: RateControl, what: LinkReport, start: float, seconds: float) -> float:
    """The same report each REPORT_S, for so many seconds; when they are over."""
    count = round(seconds / REPORT_S)
    for index in range(count):
        rate.report(what, start + index * REPORT_S)
    return start + count * REPORT_S


def seconds_to_step_up(rate: RateControl, start: float) -> float:
    """How long calm must last."""
    level, now = rate.level, start
    while rate.level == level:
        rate.report(CALM, now)
        now += REPORT_S
        assert now - start < 2 * LONGEST_STEP_UP_S
    return now - REPORT_S - start


def test_each_step_of_the_ladder_asks_less_of_the_link() -> None:
    for finer, coarser in pairwise(LADDER):
        assert coarser.quality > finer.quality
        assert coarser.every >= finer.every
        assert coarser.hold_s >= finer.hold_s
        assert (coarser.every, coarser.hold_s) != (finer.every, finer.hold_s)


def test_a_calm_link_stays_at_the_top() -> None:
    rate = RateControl()
    report(rate, CALM, 0.0, 100)
    assert (rate.level, rate.step, rate.hold_s, rate.repeats) == (0, LADDER[0], LADDER[0].hold_s, 0)


def test_queues_lead_down_one_step_at_a_time() -> None:
    rate = RateControl()
    rate.report(QUEUED, 10.0)
    assert rate.level == 1
    rate.report(QUEUED, 10.0 + STEP_DOWN_S / 2)
    assert rate.level == 1
    rate.report(QUEUED, 10.0 + STEP_DOWN_S)
    assert rate.level == 2
    report(rate, QUEUED, 11.5, 100)
    assert rate.level == len(LADDER) - 1
    assert rate.hold_s == LADDER[-1].hold_s


def test_heavy_loss_leads_down_and_less_does_not() -> None:
    rate = RateControl()
    report(rate, LinkReport(HEAVY_LOSS - 0.01, 0.0), 0.0, 20)
    assert rate.level == 0
    report(rate, LinkReport(HEAVY_LOSS, 0.0), 20.0, 20)
    assert rate.level == len(LADDER) - 1


def test_calm_leads_up_and_what_is_neither_starts_the_wait_again() -> None:
    rate = RateControl()
    now = report(rate, QUEUED, 0.0, 20)
    now = report(rate, BETWEEN, now, 3 * STEP_UP_S)
    assert rate.level == len(LADDER) - 1
    now = report(rate, CALM, now, STEP_UP_S)
    now = report(rate, BETWEEN, now, REPORT_S)
    assert rate.level == len(LADDER) - 1
    for level in range(len(LADDER) - 2, -1, -1):
        assert seconds_to_step_up(rate, now) >= STEP_UP_S
        now += STEP_UP_S + 2 * REPORT_S
        assert rate.level == level
    report(rate, CALM, now + 100, 20)
    assert rate.level == 0


def test_each_step_up_that_was_too_early_doubles_the_patience() -> None:
    rate, now = RateControl(), 0.0
    rate.report(QUEUED, now)
    waits = []
    for _ in range(8):
        wait = seconds_to_step_up(rate, now)
        waits.append(wait)
        now += wait + STEP_DOWN_S + REPORT_S
        rate.report(QUEUED, now)
        assert rate.level == 1
        now += STEP_DOWN_S
    assert waits[0] >= STEP_UP_S
    for before, after in pairwise(waits):
        assert min(1.5 * before, LONGEST_STEP_UP_S) <= after <= LONGEST_STEP_UP_S + 2 * REPORT_S


def test_a_step_down_long_after_one_up_is_no_reason_for_more_patience() -> None:
    rate = RateControl()
    rate.report(QUEUED, 0.0)
    first = seconds_to_step_up(rate, 0.0)
    rate.report(QUEUED, 1000.0)
    assert seconds_to_step_up(rate, 1000.0) == first


def test_loss_is_answered_with_repetition_and_frames_on_their_own() -> None:
    rate = RateControl()
    repeats = []
    for loss in (0.0, *REPEAT_LOSS):
        rate.report(LinkReport(loss, 0.0), 0.0)
        repeats.append(rate.repeats)
    assert repeats == list(range(len(REPEAT_LOSS) + 1))
    rate.report(LinkReport(ALONE_LOSS, 0.0), 0.0)
    assert rate.hold_s == 0.0
    rate.report(LinkReport(ALONE_LOSS / 2, 0.0), 0.0)
    assert rate.hold_s == LADDER[0].hold_s


def test_on_an_overloaded_link_loss_does_not_take_bundles_apart() -> None:
    rate = RateControl()
    rate.report(LinkReport(ALONE_LOSS, QUEUE_MS), 0.0)
    assert rate.hold_s == LADDER[1].hold_s
