"""What a receiver sees of a link: the share of packets that got lost lately, and how long they queue. Sans-IO."""

from __future__ import annotations

import math
from collections import deque

from codec.burst_packet import LinkReport
from codec.sequence import SequenceWindow

LOSS_WINDOW_S = 6.0
CHECKPOINT_S = 0.5
DELAY_WINDOW_S = 10.0
"""Packets are compared to the fastest one of the last one to two of these, since clocks drift."""
SMOOTHING = 0.15
"""Share of the newest packet in the delay."""
REPORT_S = 1.0
REPORT_AT_ONCE = (0.03, 20.0)
"""Changes of loss and delay (ms) that are told before the time."""


class LinkMonitor:
    """Watches one direction.

    Args:
        window: counts its packets.
    """

    def __init__(self, window: SequenceWindow) -> None:
        self._window = window
        self._checkpoints: deque[tuple[float, int, int]] = deque()
        self._fastest: deque[float] = deque([math.inf, math.inf], maxlen=2)
        self._fastest_since = -math.inf
        self._delay_ms: float | None = None
        self._told: tuple[float, LinkReport] | None = None

    def counted(self, now: float) -> None:
        """The window has counted another packet."""
        if not self._checkpoints or now - self._checkpoints[-1][0] >= CHECKPOINT_S:
            self._checkpoints.append((now, self._window.expected, self._window.received))
            while now - self._checkpoints[0][0] > LOSS_WINDOW_S:
                self._checkpoints.popleft()

    def timed(self, time_ms: int, now: float) -> None:
        """A packet came that was made when its sender's clock showed `time_ms`."""
        delay = 1000 * now - time_ms
        if now - self._fastest_since >= DELAY_WINDOW_S:
            self._fastest.append(math.inf)
            self._fastest_since = now
        self._fastest[-1] = min(self._fastest[-1], delay)
        self._delay_ms = delay if self._delay_ms is None else self._delay_ms + SMOOTHING * (delay - self._delay_ms)

    def report(self) -> LinkReport | None:
        """How the link does; None before the first packet."""
        if self._delay_ms is None:
            return None
        _, expected, received = self._checkpoints[0]
        sent, came = self._window.expected - expected, self._window.received - received
        loss = max(0.0, 1 - came / sent) if sent > 0 else 0.0
        return LinkReport(loss, max(0.0, self._delay_ms - min(self._fastest)))

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
        self._fastest.extend([math.inf, math.inf])
        self._delay_ms = None
