"""What a receiver sees of a link: the share of packets that got lost lately, and how long they queue. Sans-IO."""

from __future__ import annotations

import math
from collections import deque

from codec.burst_packet import LinkReport
from codec.sequence import SequenceWindow

LOSS_WINDOW_S = 6.0
CHECKPOINT_S = 0.5
DELAY_WINDOW_S = 10.0
"""Delays are compared to the shortest one of the last one to two of these, since clocks drift."""
SMOOTHING = 0.15
"""Share of the newest packet in the delay."""
REPORT_S = 1.0
REPORT_AT_ONCE = (0.03, 20.0)
"""Changes of loss and delay (ms) that are told before the time."""


class DelayExcess:
    """By how much delays, on clocks that need not agree, exceed the shortest one of the last seconds."""

    def __init__(self) -> None:
        self._shortest: deque[float] = deque([math.inf, math.inf], maxlen=2)
        self._since = -math.inf

    def of(self, delay_ms: float, now: float) -> float:
        """Of the newest one, which counts from now on."""
        if now - self._since >= DELAY_WINDOW_S:
            self._shortest.append(math.inf)
            self._since = now
        self._shortest[-1] = min(self._shortest[-1], delay_ms)
        return delay_ms - min(self._shortest)


class LinkMonitor:
    """Watches one direction.

    Args:
        window: counts its packets.
    """

    def __init__(self, window: SequenceWindow) -> None:
        self._window = window
        self._checkpoints: deque[tuple[float, int, int]] = deque()
        self._excess = DelayExcess()
        self._delay_ms: float | None = None
        self._told: tuple[float, LinkReport] | None = None

    def counted(self, now: float) -> None:
        """The window has counted another packet."""
        if not self._checkpoints or now - self._checkpoints[-1][0] >= CHECKPOINT_S:
            self._checkpoints.append((now, self._window.expected, self._window.received))
            while now - self._checkpoints[0][0] > LOSS_WINDOW_S:
                self._checkpoints.popleft()

    def timed(self, sent_ms: float, now: float) -> None:
        """A packet came that left when its sender's clock showed `sent_ms`, or always so much earlier or later."""
        excess = self._excess.of(1000 * now - sent_ms, now)
        self._delay_ms = excess if self._delay_ms is None else self._delay_ms + SMOOTHING * (excess - self._delay_ms)

    def report(self) -> LinkReport | None:
        """How the link does; None before the first packet."""
        if self._delay_ms is None:
            return None
        _, expected, received = self._checkpoints[0]
        sent, came = self._window.expected - expected, self._window.received - received
        loss = max(0.0, 1 - came / sent) if sent > 0 else 0.0
        return LinkReport(loss, self._delay_ms)

    def due(self, now: float) -> LinkReport | None:
        """The report that the next packet should carry: each REPORT_S, and at once when much has changed."""
        report = self.report()
        if report is None:
            return None
        if self._told is not None:
            told_at, told = self._told
            small = abs(report.loss - told.loss) < REPORT_AT_ONCE[0]
            if now - told_at < REPORT_S and small and abs(report.delay_ms - told.delay_ms) < REPORT_AT_ONCE[1]:
                return None
        self._told = (now, report)
        return report

    def restart(self) -> None:
        """The sender starts over, with another clock."""
        self._excess, self._delay_ms = DelayExcess(), None
