from __future__ import annotations

from tests.support.leaks import no_blocking_calls, no_leaked_tasks

__all__ = ["no_blocking_calls", "no_leaked_tasks"]
