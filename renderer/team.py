"""Threads that help to draw one frame (renderer.backends.kernels.parallel has the rules).

A process has one team, of as many helpers as it has cores beside the caller's. Frames ask those that are idle.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

Help = Callable[[int], Any]
"""What a helper does for a frame, given its number (1, 2, ...); it returns when the frame needs it no more."""

MAX_THREADS = 8
"""More on one picture spend their time waiting for each other."""


class Helper:
    """One thread, asleep between frames."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._asked: deque[tuple[Help, object]] = deque(maxlen=1)
        self._wake = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=f"draw-{number}", daemon=True)
        self._thread.start()

    def offer(self, work: Help, owner: object) -> None:
        """Asks for help, instead of what was asked for and not begun; never waits."""
        self._asked.append((work, owner))
        self._wake.release()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            with contextlib.suppress(IndexError):  # something newer was asked for, and is done
                work, owner = self._asked.popleft()
                work(self.number)
                del work, owner  # a frame that is over must not keep its buffers for this


class Team:
    """The helpers of this process.

    Args:
        size: how many threads may work on one frame, the caller's included.
    """

    def __init__(self, size: int) -> None:
        self._helpers = [Helper(number) for number in range(1, size)]

    def ask(self, threads: int, work: Help, owner: object) -> None:
        """Asks up to `threads` - 1 helpers; the caller does the work in any case.

        Args:
            threads: how many threads may work on it, the caller's included.
            work: what to do. A helper may begin when the frame is over, even in a later frame of the same owner.
            owner: what owns the memory that `work` looks at; it is kept alive until the helper has returned.
        """
        for helper in self._helpers[: threads - 1]:
            helper.offer(work, owner)


def usable_threads() -> int:
    """How many threads can draw one picture together on this machine."""
    return min(os.cpu_count() or 1, MAX_THREADS)


@functools.cache
def shared_team() -> Team:
    """The team of this process; its threads start with the first call."""
    return Team(usable_threads())
