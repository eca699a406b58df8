"""How many pixels a machine can draw and code in time, found out while it runs. Sans-IO."""

from __future__ import annotations

PIXELS_PER_CORE = 300_000
MAX_PIXELS = 1536 * 1024
MIN_PIXELS = 370_000
"""Less would not help: posing a head costs as much as drawing it at 384 x 384."""

STEP = 0.7
WINDOW_S = 3.0
SLOW_SHARE = 0.5
"""Half of the pictures in a window too late: draw fewer pixels."""

RAISE_AFTER_S = 30.0
"""A machine that kept up for this long is tried with more, twice as long after each time that this failed."""


class PixelBudget:
    """Lowers the video's area when pictures come too late, and tries more again after a while.

    Args:
        cores: processor cores of the machine.
        late_after_s: pictures that take longer to draw are late.
    """

    def __init__(self, cores: int, late_after_s: float) -> None:
        self.pixels = min(cores * PIXELS_PER_CORE, MAX_PIXELS)
        self._ceiling = self.pixels if cores < 4 else MAX_PIXELS
        self._late_after_s = late_after_s
        self._window_from: float | None = None
        self._pictures = self._late = 0
        self._good_since: float | None = None
        self._patience_s = RAISE_AFTER_S
        self._raised = False

    def picture(self, took_s: float, now: float) -> bool:
        """A picture took this long; True when `pixels` has changed."""
        if self._window_from is None:
            self._window_from = self._good_since = now
        self._pictures += 1
        self._late += took_s > self._late_after_s
        if now - self._window_from < WINDOW_S:
            return False
        slow = self._late > SLOW_SHARE * self._pictures
        self._window_from, self._pictures, self._late = now, 0, 0
        return self._lower(now) if slow else self._raise(now)

    def _lower(self, now: float) -> bool:
        self._good_since = now
        if self._raised:
            self._patience_s *= 2
        self._raised = False
        before, self.pixels = self.pixels, max(round(self.pixels * STEP), MIN_PIXELS)
        return self.pixels != before

    def _raise(self, now: float) -> bool:
        if self._good_since is None or now - self._good_since < self._patience_s:
            return False
        self._good_since = now
        self._raised = True
        before, self.pixels = self.pixels, min(round(self.pixels / STEP), self._ceiling)
        return self.pixels != before
