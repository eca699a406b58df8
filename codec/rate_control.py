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
    RateStep(quality=14, every=6, hold_s=6 * BUDGET_S),
)

QUEUE_MS = 100.0
"""Packets that wait for longer than this in queues say that the link is overloaded."""
LONG_QUEUE_MS = 300.0
"""The link takes far less than it is given: it is not waited for to see whether the last step was enough."""
TRIED_QUEUE_MS = 60.0
"""The same while a step up is being tried, so that it costs little if it was too early."""
CALM_MS = 40.0
HEAVY_LOSS = 0.5
STEP_DOWN_S, LONG_STEP_DOWN_S = 2.0, 1.0
"""Shortest time between two steps down, and between two when the queue is long: what the first one did must be seen."""
EMPTYING = 0.9
"""A queue that is down to this share of its longest since the last step is about to be gone."""
STEP_UP_S, LONGEST_STEP_UP_S = 4.0, 32.0
"""Calm that a step up needs; twice as much each time that this step was tried and proved too much."""
PROOF_S = 16.0
"""A step up has proved right after this long."""

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
        self._longest_ms = 0.0  # of the queue since the last step
        self._patience_s = [STEP_UP_S] * len(LADDER)  # before a step up to that level
        self._trying = False  # the last step was one up, and not long ago

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
        self._longest_ms = max(self._longest_ms, report.delay_ms)
        if self._trying and now - self._changed_at >= PROOF_S:
            self._trying = False
            self._patience_s[self.level] = STEP_UP_S
        if report.delay_ms >= CALM_MS or report.loss >= HEAVY_LOSS:
            self._calm_since = None
            if self.level < len(LADDER) - 1 and self._too_much(report, now):
                if self._trying:
                    self._patience_s[self.level] = min(2 * self._patience_s[self.level], LONGEST_STEP_UP_S)
                self._step(1, now)
        elif self._calm_since is None:
            self._calm_since = now
        elif self.level and now - max(self._calm_since, self._changed_at) >= self._patience_s[self.level - 1]:
            self._step(-1, now)

    def _too_much(self, report: LinkReport, now: float) -> bool:
        """Whether the link is overloaded by this step, and not still by the one before it, whose queue empties."""
        if self._trying and report.delay_ms >= TRIED_QUEUE_MS:
            return True
        since_s = now - self._changed_at
        if report.delay_ms >= LONG_QUEUE_MS:
            return since_s >= LONG_STEP_DOWN_S
        queues = report.delay_ms >= max(QUEUE_MS, EMPTYING * self._longest_ms)
        return since_s >= STEP_DOWN_S and (queues or report.loss >= HEAVY_LOSS)

    def _step(self, by: int, now: float) -> None:
        self.level += by
        self._changed_at = now
        self._calm_since = None
        self._longest_ms = 0.0
        self._trying = by < 0
