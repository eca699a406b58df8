"""How many frames go into one packet: as many as a latency budget allows (docs/bitstream.md, "Sending"). Sans-IO."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

from codec.burst_packet import MAX_INTERVAL_MS

PATIENCE = 1.5
"""Waiting for a frame ends after this many usual intervals: the camera may have stopped."""

_TOLERANCE = 0.1
"""Of an interval; cameras are not exact."""


class Bundler:
    """Says when faces that wait must go."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=9)
        self._waiting_since = 0.0
        self.waiting = 0

    def add(self, time_ms: int, now: float) -> None:
        """A face that was captured at `time_ms` waits from now on."""
        if self._times and not 0 < time_ms - self._times[-1] <= MAX_INTERVAL_MS:
            self._times.clear()
        self._times.append(time_ms)
        if not self.waiting:
            self._waiting_since = now
        self.waiting += 1

    def sent(self) -> None:
        """Those that waited are gone."""
        self.waiting = 0

    def full(self, hold_s: float) -> bool:
        """Whether another frame would make the first one that waits wait for longer than `hold_s`."""
        interval_s = self._interval_s()
        return interval_s is None or self.waiting * interval_s > hold_s + _TOLERANCE * interval_s

    def deadline(self) -> float | None:
        """When the waiting ones must go though no frame has come; None if none waits."""
        interval_s = self._interval_s()
        if not self.waiting or interval_s is None:
            return None
        return self._waiting_since + (self.waiting - 1 + PATIENCE) * interval_s

    def _interval_s(self) -> float | None:
        if len(self._times) < 2:
            return None
        return median(after - before for before, after in pairwise(self._times)) / 1000
