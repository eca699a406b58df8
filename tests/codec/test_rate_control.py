from __future__ import annotations

from itertools import pairwise

from codec.burst_packet import LinkReport
from codec.link_monitor import FEWEST, RECENT, LinkMonitor
from codec.rate_control import (
    ALONE_LOSS,
    CALM_MS,
    HEAVY_LOSS,
    LADDER,
    LONGEST_STEP_UP_S,
    PROOF_S,
    STEP_UP_S,
    TRIED_QUEUE_MS,
    RateControl,
)
from codec.sequence import SequenceWindow

CALM, QUEUE, LONG = LinkReport(0.0, 0.0), LinkReport(0.0, 150.0), LinkReport(0.0, 500.0)


def told(rate: RateControl, report: LinkReport, since: float, until: float) -> float:
    """Says the same each second; when it has ended."""
    now = since
    while now < until:
        rate.report(report, now)
        now += 1.0
    return now


def climbed(rate: RateControl, level: int, now: float) -> float:
    """When calm has led up to that level."""
    while rate.level > level:
        rate.report(CALM, now)
        now += 0.5
    return now


def test_a_long_queue_leads_down_step_by_step_to_the_last_one() -> None:
    rate = RateControl()
    levels: list[int] = []
    for second in range(10):
        rate.report(LONG, float(second))
        levels.append(rate.level)
    assert levels == [1, 2, 3, 4, 4, 4, 4, 4, 4, 4]
    assert rate.step is LADDER[-1]


def test_a_queue_that_empties_leads_no_further_down() -> None:
    rate = RateControl()
    for second, delay_ms in enumerate((150, 250, 220, 190, 160, 130, 100)):
        rate.report(LinkReport(0.0, delay_ms), float(second))
    assert rate.level == 1


def test_calm_leads_back_up() -> None:
    rate = RateControl()
    now = told(rate, LONG, 0.0, 10.0)
    now = climbed(rate, 0, now)
    assert now < 10.0 + (len(LADDER) - 1) * (STEP_UP_S + 2)


def test_a_step_that_proves_too_much_is_left_at_once_and_tried_ever_less_often() -> None:
    rate = RateControl()
    rate.report(QUEUE, 0.0)
    now, waits = 0.0, []
    for _ in range(6):
        began = now
        now = climbed(rate, 0, now)
        waits.append(now - began)
        rate.report(LinkReport(0.0, TRIED_QUEUE_MS), now)
        assert rate.level == 1
    assert waits[1] >= 2 * STEP_UP_S
    assert waits == sorted(waits)
    assert LONGEST_STEP_UP_S <= waits[-1] <= LONGEST_STEP_UP_S + 2


def test_a_step_that_fails_does_not_make_the_steps_below_it_slow() -> None:
    rate = RateControl()
    rate.report(QUEUE, 0.0)
    now = 0.0
    for _ in range(4):
        now = climbed(rate, 0, now)
        rate.report(QUEUE, now)
    began = now = told(rate, LONG, now, now + 10.0)
    assert climbed(rate, 1, now) - began < (len(LADDER) - 2) * (STEP_UP_S + 2)


def test_a_step_that_has_lasted_is_trusted_again() -> None:
    rate = RateControl()
    rate.report(QUEUE, 0.0)
    now = climbed(rate, 0, 0.0)
    rate.report(QUEUE, now)
    now = told(rate, CALM, climbed(rate, 0, now), now + 4 * PROOF_S)
    rate.report(QUEUE, now)
    assert climbed(rate, 0, now) - now <= STEP_UP_S + 2


def test_loss_alone_repeats_and_keeps_the_step() -> None:
    rate = RateControl()
    told(rate, LinkReport(0.1, 0.0), 0.0, 20.0)
    assert (rate.level, rate.repeats, rate.hold_s) == (0, 2, 0.0)
    rate.report(LinkReport(ALONE_LOSS / 2, 0.0), 21.0)
    assert (rate.repeats, rate.hold_s) == (1, LADDER[0].hold_s)


def test_heavy_loss_leads_down_and_less_does_not() -> None:
    rate = RateControl()
    now = told(rate, LinkReport(HEAVY_LOSS - 0.01, 0.0), 0.0, 40.0)
    assert rate.level == 0
    told(rate, LinkReport(HEAVY_LOSS, 0.0), now, now + 40.0)
    assert rate.step is LADDER[-1]


def test_on_an_overloaded_link_loss_does_not_take_bundles_apart() -> None:
    rate = RateControl()
    rate.report(LinkReport(ALONE_LOSS, 500.0), 0.0)
    assert (rate.level, rate.hold_s) == (1, LADDER[1].hold_s)


def test_what_is_neither_calm_nor_a_queue_starts_the_wait_again() -> None:
    rate = RateControl()
    rate.report(QUEUE, 0.0)
    for second in range(1, 60):
        calm = second % int(STEP_UP_S)
        rate.report(CALM if calm else LinkReport(0.0, CALM_MS), float(second))
        assert rate.level == 1


def test_each_step_of_the_ladder_asks_less_of_the_link() -> None:
    for finer, coarser in pairwise(LADDER):
        assert coarser.quality > finer.quality
        assert coarser.every >= finer.every
        assert coarser.hold_s >= finer.hold_s
        assert (coarser.every, coarser.hold_s) != (finer.every, finer.hold_s)


class Arrivals:
    """A monitor and what it counts with."""

    def __init__(self) -> None:
        self.window = SequenceWindow()
        self.monitor = LinkMonitor(self.window)

    def come(self, sequence: int, late_ms: float) -> LinkReport:
        now = 0.04 * sequence + late_ms / 1000
        self.window.add(sequence)
        self.monitor.counted(now)
        self.monitor.timed(40 * sequence, now)
        report = self.monitor.report()
        assert report is not None
        return report


def test_jitter_is_no_queue_and_a_queue_is_seen_after_a_few_packets() -> None:
    link = Arrivals()
    for sequence in range(50):
        report = link.come(sequence, 50 + (150 if sequence % 3 else 0))
        assert report.delay_ms < 1
    for sequence in range(50, 50 + RECENT):
        report = link.come(sequence, 250)
    assert 199 < report.delay_ms < 201
    assert link.come(50 + RECENT, 50).delay_ms < 1


def test_one_of_the_first_two_packets_is_not_half_of_them() -> None:
    link = Arrivals()
    link.come(0, 50)
    assert link.come(2, 50).loss == 1 / FEWEST


def test_bad_news_are_told_in_each_packet_and_good_ones_each_second() -> None:
    link = Arrivals()
    link.come(0, 50)
    assert link.monitor.due(0.1) is not None
    assert link.monitor.due(0.5) is None
    assert link.monitor.due(1.2) is not None
    for sequence in range(1, 1 + RECENT):
        link.come(sequence, 400)
    assert link.monitor.due(1.3) is not None
    assert link.monitor.due(1.31) is not None
