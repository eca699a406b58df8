"""How much the closed loop may do while pictures keep coming: values in, values out, no clock."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

import numpy as np

logger = logging.getLogger(__name__)

WINDOW = 25
"""Pictures between two decisions: about a second."""
MOST_SHARE, EASY_SHARE = 0.75, 0.6
"""Of the time between two pictures, for tracking and loop together: above the first less is done, and below the second
for EASY_WINDOWS in a row more. What lies between keeps it from changing to and fro."""
EASY_WINDOWS = 3
SMOOTHED = 3
FAST_S, SLOW_S = 1 / 60, 1 / 15
"""Bounds for the time between two pictures: networks deliver in bursts, and a thread that is too slow sees fewer."""
REST_S, LONGEST_REST_S = 20.0, 160.0
"""How long the loop stays off; each time it comes back in vain, twice as long."""


@dataclass(frozen=True)
class Level:
    """What is done.

    Args:
        steps: most gradients for a picture; 0: the loop is off.
        every: which pictures are looked at.
    """

    steps: int
    every: int


OFF = Level(0, 1)


class LoopBudget:
    """Keeps tracking and loop within their share of one core.

    Args:
        max_steps: most gradients for a picture, where there is time.
    """

    def __init__(self, max_steps: int) -> None:
        self._levels = [Level(steps, 1) for steps in range(max_steps, 0, -1)] + [Level(min(2, max_steps), 2), OFF]
        self._level = 0
        self._intervals: deque[float] = deque(maxlen=2 * WINDOW)
        self._work: list[float] = []
        self._tracking: list[float] = []
        self._newest_s: float | None = None
        self._easy = 0
        self._count = 0
        self._rest_s, self._back_at_s = REST_S, 0.0

    @property
    def level(self) -> Level:
        """What is done at present."""
        return self._levels[self._level]

    def steps(self) -> int:
        """Most gradients for the next picture; 0: leave it out."""
        self._count += 1
        return self.level.steps if self._count % self.level.every == 0 else 0

    def account(self, time_s: float, tracking_s: float, loop_s: float) -> None:
        """Takes in what one picture took.

        Args:
            time_s: when it was taken, seconds from any start.
            tracking_s, loop_s: what was spent on it.
        """
        if self._newest_s is not None and 0 < time_s - self._newest_s < 1:
            self._intervals.append(time_s - self._newest_s)
        self._newest_s = time_s
        self._tracking.append(tracking_s)
        self._work.append(tracking_s + loop_s)
        if len(self._work) >= WINDOW and len(self._intervals) >= SMOOTHED:
            self._decide(time_s)
            self._work.clear()
            self._tracking.clear()

    def _interval_s(self) -> float:
        """The camera's. A thread that is too slow leaves pictures out, so the shorter intervals are nearer to it; means
        of a few, since pictures that were late on their way come right before others."""
        means = np.convolve(self._intervals, np.full(SMOOTHED, 1 / SMOOTHED), "valid")
        return float(np.clip(np.quantile(means, 0.25), FAST_S, SLOW_S))

    def _decide(self, time_s: float) -> None:
        interval = self._interval_s()
        share = float(np.minimum(self._work, 2 * interval).mean()) / interval
        if self.level is OFF:
            if time_s >= self._back_at_s and float(np.mean(self._tracking)) < EASY_SHARE * interval:
                self._level -= 1
                logger.info("closed loop on again")
        elif share > MOST_SHARE:
            self._easy = 0
            self._level = min(self._level + (2 if share > 1 else 1), len(self._levels) - 1)
            if self.level is OFF:
                self._back_at_s = time_s + self._rest_s
                logger.info("closed loop off for %.0f s, since this machine is too slow for it", self._rest_s)
                self._rest_s = min(2 * self._rest_s, LONGEST_REST_S)
        else:
            self._easy = self._easy + 1 if share < EASY_SHARE else 0
            if self._easy >= EASY_WINDOWS and self._level > 0:
                self._level, self._easy = self._level - 1, 0
            if self._level == 0:
                self._rest_s = REST_S
