"""The clocks of the client, in one place so that units stay clear."""

from __future__ import annotations

import time


def monotonic_s() -> float:
    """Seconds of a clock that never steps; for durations and deadlines."""
    return time.monotonic()


def unix_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def capture_ms() -> int:
    """Milliseconds since 1970 of a clock that never steps: mapped to Unix time once, when the process begins.

    For capture times: trackers and streams want growing times, and two machines compare them.
    """
    return (time.monotonic_ns() + _UNIX_AT_ZERO_NS) // 1_000_000


_UNIX_AT_ZERO_NS = time.time_ns() - time.monotonic_ns()
