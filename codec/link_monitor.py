"""What a receiver sees of a link: the share of packets that got lost lately, and how long they queue. Sans-IO."""

from __future__ import annotations

import math
from collections import deque

from codec.burst_packet import LinkReport
from codec.sequence import SequenceWindow

LOSS_WINDOW_S = 6.0
CHECKPOINT_S = 0.5
FEWEST = 10
"""Losses count as shares of at least so many packets: one of the first two is not half of them."""
DELAY_WINDOW_S = 30.0
"""Delays are compared to the shortest one of the last one to two of these. Clocks drift by 3 ms in that time at most;
and no queue stands for so long that it would be taken for the way itself."""
RECENT = 5
"""Packets of which the fastest stands for the delay now: jitter slows some of them down, a queue all."""
REPORT_S = 1.0
REPORT_AT_ONCE = (0.03, 20.0)
"""Changes of loss and delay (ms) that are told before the time."""
BAD = (0.3, 60.0)
"""Loss and delay (ms) that each packet tells, as most of them may get lost."""


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
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._told: tuple[float, LinkReport] | None = None

    def counted(self, now: float) -> None:
        """The window has counted another packet."""
        if not self._checkpoints or now - self._checkpoints[-1][0] >= CHECKPOINT_S:
            self._checkpoints.append((now, self._window.expected, self._window.received))
            while now - self._checkpoints[0][0] > LOSS_WINDOW_S:
                self._checkpoints.popleft()

    def timed(self, sent_ms: float, now: float) -> None:
        """A packet came that left when its sender's clock showed `sent_ms`, or always so much earlier or later."""
        self._recent.append(self._excess.of(1000 * now - sent_ms, now))

    def report(self) -> LinkReport | None:
        """How the link does; None before the first packet."""
        if not self._recent:
            return None
        _, expected, received = self._checkpoints[0]
        sent, came = self._window.expected - expected, self._window.received - received
        loss = max(0.0, (sent - came) / max(sent, FEWEST))
        return LinkReport(loss, min(self._recent))

    def due(self, now: float) -> LinkReport | None:
        """The report that the next packet should carry: each REPORT_S, at once when much has changed or is bad."""
        report = self.report()
        if report is None:
            return None
        bad = report.loss >= BAD[0] or report.delay_ms >= BAD[1]
        if self._told is not None and not bad:
            told_at, told = self._told
            small = abs(report.loss - told.loss) < REPORT_AT_ONCE[0]
            if now - told_at < REPORT_S and small and abs(report.delay_ms - told.delay_ms) < REPORT_AT_ONCE[1]:
                return None
        self._told = (now, report)
        return report

    def restart(self) -> None:
        """The sender starts over, with another clock."""
        self._excess = DelayExcess()
        self._recent.clear()
