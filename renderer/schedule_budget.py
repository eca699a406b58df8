"""How much processor time drawing may take, found out while it runs. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable

from renderer.schedule_plan import Limits

DUTY = 0.75
"""Part of the cores that may go into drawing and coding; the rest is for tracking and the network. It is processor time
that counts: by the clock, a thread that waits for its turn on a busy machine would slow itself down once more."""

LATE_AFTER_S = 1 / 26
"""A picture that takes longer from its beginning to its going out delays the next one, which begins after this time. To
act sooner makes heads smaller on a machine that still keeps up."""

STEP = 0.7
WINDOW_S = 3.0
SLOW_SHARE = 0.5
"""Half of the pictures in a window too late: other programs have the cores, draw less."""

LEAST_SHARE = 0.1
"""Drawing that takes less than this part of its budget is not what makes pictures late; to draw less would not help."""

RAISE_AFTER_S = 30.0
LONGEST_WAIT_S = 960.0

_BURST_S = 0.1
"""Processor time that was left unused for this long may be spent later, at once."""


class Patience:
    """When to try more after a time without trouble: twice as long after each time that this failed.

    Args:
        wait_s: the first wait, seconds.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._good_since: float | None = None
        self._tried_at: float | None = None

    def good(self, now: float) -> bool:
        """There is no trouble; True when it is time to try more."""
        if self._good_since is None:
            self._good_since = now
        if now - self._good_since < self._wait_s:
            return False
        self._good_since = self._tried_at = now
        return True

    def pause(self) -> None:
        """There is nothing more to try: the wait begins with the next `good`."""
        self._good_since = None

    def bad(self, now: float) -> None:
        """There is trouble: wait anew, longer if it came of trying."""
        self._good_since = now
        if self._tried_at is not None and now - self._tried_at <= self._wait_s:
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._tried_at = None


class Budget:
    """Processor time for drawing and coding: less when pictures come late, more again after a while.

    Args:
        cores: processor cores of the machine.
        duty: part of them that may be used.
    """

    def __init__(self, cores: int, duty: float = DUTY) -> None:
        self.full = self.seconds = duty * cores
        """Seconds of processor time a second: on a machine of one's own, and now."""
        self._window_from: float | None = None
        self._pictures = self._late = 0
        self._patience = Patience(RAISE_AFTER_S)
        self._credit_s, self._credit_at = _BURST_S * self.full, 0.0

    def limits(self, share: float = 1.0) -> Limits:
        """What to plan with, or a share of it. Late pictures make heads smaller, not fewer: fewer they are already."""
        return Limits(share * self.seconds, share * self.full)

    def picture(self, took_s: float, now: float, loads: Callable[[], tuple[float, float]]) -> bool:
        """A picture went out.

        Args:
            took_s: since it was begun.
            now: time, seconds.
            loads: seconds of processor time a second that the plan takes, and that it would take with everybody at
                their smallest but as often as they want: with less, nothing would change.

        Returns:
            Whether `seconds` has changed.
        """
        if self._window_from is None:
            self._window_from = now
        self._pictures += 1
        self._late += took_s > LATE_AFTER_S
        if now - self._window_from < WINDOW_S:
            return False
        slow = self._late > SLOW_SHARE * self._pictures
        self._window_from, self._pictures, self._late = now, 0, 0
        before = self.seconds
        if slow:
            self._patience.bad(now)
            planned, smallest = loads()
            self.seconds = min(before, max(STEP * min(before, planned), smallest, LEAST_SHARE * self.full))
        elif before < self.full and self._patience.good(now):
            self.seconds = min(before / STEP, self.full)
        return self.seconds != before

    def spend(self, cpu_s: float) -> None:
        """Drawing took this much processor time."""
        self._credit_s -= cpu_s

    def wait_s(self, now: float) -> float:
        """Seconds until drawing may go on, 0 where it may at once: the plan is a forecast, this is the limit."""
        self._credit_s = min(self._credit_s + (now - self._credit_at) * self.full, _BURST_S * self.full)
        self._credit_at = now
        return max(-self._credit_s / self.full, 0.0)
