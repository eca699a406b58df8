"""The two clocks of the client, in one place so that units stay clear."""

from __future__ import annotations

import time


def monotonic_s() -> float:
    """Seconds of a clock that never steps; for durations and deadlines."""
    return time.monotonic()


def unix_ms() -> int:
    """Milliseconds since 1970; for capture times that two machines compare."""
    return time.time_ns() // 1_000_000
