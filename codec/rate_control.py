"""How a sender answers to what the receiver sees of the link: a ladder of rates (docs/bitstream.md, "Sending").

Sans-IO. What overloads a link is how many packets there are, as their headers are four fifths of it: lower steps send
coarser faces, but above all fewer of them, and receivers interpolate. Loss without delay is no overload: there it is
answered with smaller packets, each of which repeats what those before it said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from codec.burst_packet import LinkReport

BUDGET_S = 0.04
"""Longest time that a face waits for the next one, so that both share a packet's headers."""


@dataclass(frozen=True)
class RateStep:
    """A step of the ladder.

    Args:
        quality: of codec.range_steps.
        every: send each so many-th face.
        hold_s: longest time that a face may wait for others.
    """

    quality: int
    every: int
    hold_s: float


LADDER = (
    RateStep(quality=4, every=1, hold_s=BUDGET_S),
    RateStep(quality=8, every=1, hold_s=2 * BUDGET_S),
    RateStep(quality=10, every=2, hold_s=2 * BUDGET_S),
    RateStep(quality=12, every=3, hold_s=3 * BUDGET_S),
)

QUEUE_MS = 100.0
"""Packets that wait for longer than this in queues say that the link is overloaded."""
CALM_MS = 40.0
HEAVY_LOSS = 0.5
STEP_DOWN_S = 1.0
"""Shortest time between two steps down: what the first one did must be seen."""
STEP_UP_S, LONGEST_STEP_UP_S = 4.0, 64.0
"""Calm that a step up needs; twice as much each time that the last one was too early."""

REPEAT_LOSS = (0.01, 0.05)
"""Shares of loss from which packets repeat the faces of one, and of two packets before them."""
ALONE_LOSS = 0.03
"""Share of loss from which each face has a packet of its own."""


class RateControl:
    """Chooses the step.

    Attributes:
        level: index of the step in LADDER.
        loss: what the receiver has last said.
    """

    def __init__(self) -> None:
        self.level = 0
        self.loss = 0.0
        self._changed_at = -math.inf
        self._calm_since: float | None = None
        self._patience_s = STEP_UP_S
        self._stepped_up = False

    @property
    def step(self) -> RateStep:
        """The step to use."""
        return LADDER[self.level]

    @property
    def hold_s(self) -> float:
        """Longest time that a face may wait for others."""
        return 0.0 if self.level == 0 and self.loss >= ALONE_LOSS else self.step.hold_s

    @property
    def repeats(self) -> int:
        """Number of packets whose faces the next one repeats."""
        return sum(self.loss >= threshold for threshold in REPEAT_LOSS)

    def report(self, report: LinkReport, now: float) -> None:
        """The receiver says how the link does."""
        self.loss = report.loss
        if report.delay_ms >= QUEUE_MS or report.loss >= HEAVY_LOSS:
            self._calm_since = None
            if now - self._changed_at >= STEP_DOWN_S and self.level < len(LADDER) - 1:
                self._step(1, now)
        elif report.delay_ms >= CALM_MS:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif self.level and now - max(self._calm_since, self._changed_at) >= self._patience_s:
            self._step(-1, now)

    def _step(self, by: int, now: float) -> None:
        if by > 0 and self._stepped_up and now - self._changed_at < 2 * STEP_UP_S:
            self._patience_s = min(2 * self._patience_s, LONGEST_STEP_UP_S)
        self._stepped_up = by < 0
        self.level += by
        self._changed_at = now
        self._calm_since = None
