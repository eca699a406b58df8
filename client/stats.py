"""Rates from running totals."""

from __future__ import annotations


class RateMeter:
    """Turns a growing total into a rate per second between two samples."""

    def __init__(self) -> None:
        self._total = 0.0
        self._at: float | None = None
        self.per_second = 0.0

    def sample(self, total: float, now: float) -> float:
        """The growth per second since the last sample; a total that fell starts anew."""
        if self._at is not None and now > self._at and total >= self._total:
            self.per_second = (total - self._total) / (now - self._at)
        self._total, self._at = total, now
        return self.per_second


class KbpsMeter(RateMeter):
    """Turns a total of bytes into kbit/s."""

    def sample(self, total: float, now: float) -> float:
        """kbit/s since the last sample."""
        return super().sample(total, now) * 8 / 1000


class Average:
    """Mean of the values since the last reading."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0
        self._last = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self._sum += value
        self._count += 1

    def read(self) -> float:
        """The mean since the last call, or the previous mean if nothing came."""
        if self._count:
            self._last = self._sum / self._count
        self._sum, self._count = 0.0, 0
        return self._last
