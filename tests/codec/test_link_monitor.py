from __future__ import annotations

from random import Random

import pytest

from codec.burst_packet import LinkReport
from codec.link_monitor import BAD, DELAY_WINDOW_S, LOSS_WINDOW_S, REPORT_AT_ONCE, REPORT_S, LinkMonitor
from codec.sequence import Arrival, SequenceWindow, add

INTERVAL_S = 0.04


class Line:
    """Packets of one direction, to a monitor; the sender's clock began 1,000 s before."""

    def __init__(self, first: int = 65_500) -> None:
        self.window = SequenceWindow()
        self.monitor = LinkMonitor(self.window)
        self.sequence, self.now = first, 0.0

    def packet(self, delay_s: float = 0.02, lost: bool = False, clock_s: float = 1000.0) -> None:
        """The next one."""
        self.now += INTERVAL_S
        if not lost:
            self.arrive(self.sequence, self.now + delay_s, 1000 * (self.now + clock_s))
        self.sequence = add(self.sequence, 1)

    def arrive(self, sequence: int, now: float, sent_ms: float) -> None:
        newest = self.window.classify(sequence) is Arrival.NEWEST
        self.window.add(sequence)
        self.monitor.counted(now)
        if newest:
            self.monitor.timed(sent_ms, now)

    def report(self) -> LinkReport:
        report = self.monitor.report()
        assert report is not None
        return report


def test_before_the_first_packet_there_is_nothing_to_report() -> None:
    monitor = Line().monitor
    assert monitor.report() is None
    assert monitor.due(100.0) is None


def test_a_good_line_has_neither_loss_nor_delay() -> None:
    line = Line()
    for _ in range(500):
        line.packet()
        assert line.report().loss == 0
        assert line.report().delay_ms == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_share_of_lost_packets_is_found(share: float) -> None:
    line, random, reported = Line(), Random(5), list[float]()
    fates = [random.random() < share for _ in range(3000)]
    for lost in fates:
        line.packet(lost=lost)
        if line.now > LOSS_WINDOW_S:
            reported.append(line.report().loss)
    assert sum(reported) / len(reported) == pytest.approx(sum(fates) / len(fates), rel=0.1)
    assert 0 <= min(reported) <= max(reported) < 1


def test_loss_is_forgotten_after_its_window() -> None:
    line = Line()
    for index in range(100):
        line.packet(lost=index % 2 == 1)
    assert line.report().loss == pytest.approx(0.5, abs=0.05)
    for _ in range(round((LOSS_WINDOW_S + 1) / INTERVAL_S)):
        line.packet()
    assert line.report().loss == 0


def test_packets_in_another_order_are_not_lost() -> None:
    line, clock_s = Line(), 1000.0
    for index in range(0, 400, 2):
        now = index * INTERVAL_S
        for offset in (1, 0):
            line.arrive(add(65_500, index + offset), now + 0.1, 1000 * (now + clock_s))
    assert line.report().loss == 0


def test_the_time_that_packets_wait_in_queues_is_found_and_forgotten() -> None:
    line = Line()
    for _ in range(100):
        line.packet(0.02)
    for _ in range(100):
        line.packet(0.17)
    assert line.report().delay_ms == pytest.approx(150, abs=2)
    for _ in range(100):
        line.packet(0.02)
    assert line.report().delay_ms == pytest.approx(0, abs=2)


def test_a_longer_way_is_no_queue_for_ever() -> None:
    line = Line()
    for _ in range(100):
        line.packet(0.02)
    for _ in range(round(2.5 * DELAY_WINDOW_S / INTERVAL_S)):
        line.packet(0.12)
    assert line.report().delay_ms == pytest.approx(0, abs=2)


def test_a_clock_that_drifts_is_no_queue() -> None:
    line, drift = Line(), 200e-6
    for _ in range(5000):
        line.packet(0.02, clock_s=1000 - drift * line.now)
    assert line.report().delay_ms < 2 * DELAY_WINDOW_S * drift * 1000 + 1


SLOWER_S = (REPORT_AT_ONCE[1] + BAD[1]) / 2 / 1000
"""Enough to be told at once, and not so bad that each packet tells it."""


def test_a_report_is_due_once_in_a_while_and_at_once_when_much_changes() -> None:
    line, told = Line(), list[float]()
    for _ in range(250):
        line.packet(0.02)
        if line.monitor.due(line.now):
            told.append(line.now)
    assert len(told) == pytest.approx(250 * INTERVAL_S / REPORT_S, abs=2)
    quiet = line.now
    while line.report().delay_ms < REPORT_AT_ONCE[1]:
        assert line.monitor.due(quiet) is None  # no time passes
        line.packet(0.02 + SLOWER_S)
    report = line.monitor.due(quiet)
    assert report is not None
    assert report.delay_ms >= REPORT_AT_ONCE[1]
    assert line.monitor.due(quiet) is None


def test_a_sender_that_starts_over_with_another_clock_has_no_queue() -> None:
    line = Line()
    for _ in range(100):
        line.packet(0.02)
    line.window.restart()
    line.monitor.restart()
    assert line.monitor.report() is None
    line.sequence = 30_000
    for _ in range(100):
        line.packet(0.02, clock_s=-5000.0)
    report = line.report()
    assert report.delay_ms == pytest.approx(0, abs=1e-6)
    assert report.loss == 0
