"""The threads that draw every head of this process, for all who look at them, in the scheduler's order.

A viewer is somebody's screen (client.view.compositor). One thread at a time sleeps until the next viewer wants
something; whoever finds work wakes another one for the rest, so that as many threads run as there is work.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Protocol

from client.clock import monotonic_s
from client.view.atlas import TILE_SIZES
from renderer.schedule import Scheduler

MAX_THREADS = 8
"""Heads drawn at once at most. No more than there are cores: with two for each, heads push each other's data out of the
caches, and all take a fifth longer."""

IDLE_POLL_S = 0.1
"""Nothing is looked at less often: resting heads breathe."""

Job = Callable[[], None]
"""Work to be done without the lock."""


class Viewer(Protocol):
    """Somebody's screen. All but `failed` and the jobs is called with the pool's lock held."""

    look_at: float
    """When to call `look` next, seconds."""

    def look(self, now: float) -> None:
        """Asks the scheduler for heads that are due, and sets `look_at`."""
        ...

    def picture(self, now: float) -> Job | None:
        """Puts the picture together that is to go out now, if one is."""
        ...

    def head(self, member_id: str, now: float) -> Job | None:
        """Draws a head that was asked for; None if it is gone."""
        ...

    def failed(self, error: Exception) -> None:
        """It cannot go on and has been removed."""
        ...


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class DrawingPool:
    """See the module. Begins threads with the first viewer.

    `lock` guards the scheduler and all viewers.

    Args:
        scheduler: who gets what; None: one for this machine.
        threads: None: as many as there are cores, at most MAX_THREADS.
    """

    def __init__(self, scheduler: Scheduler | None = None, threads: int | None = None) -> None:
        self.scheduler = scheduler or Scheduler(usable_cores(), TILE_SIZES)
        self.lock = threading.Lock()
        self._leader, self._others = threading.Condition(self.lock), threading.Condition(self.lock)
        self._rested = threading.Condition(self.lock)
        count = threads or min(usable_cores(), MAX_THREADS)
        self._threads = [threading.Thread(target=self._work, name=f"head-{n}", daemon=True) for n in range(count)]
        self._viewers: dict[str, Viewer] = {}
        self._busy: dict[str, int] = {}
        self._led = self._closed = False
        self._sleeps_until = 0.0

    def add(self, name: str, viewer: Viewer) -> None:
        """Serves a viewer from now on.

        Raises:
            RuntimeError: the pool has been closed.
        """
        with self.lock:
            if self._closed:
                raise RuntimeError("the drawing pool has been closed")
            self._viewers[name] = viewer
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
            self.nudge()

    def remove(self, name: str) -> None:
        """Serves it no more; blocks until what is in work for it is done."""
        with self.lock:
            self._forget(name)
            while self._busy.get(name):
                self._rested.wait()

    def close(self) -> None:
        """Ends the threads; blocks until what is in work is done."""
        with self.lock:
            self._closed = True
            self._leader.notify_all()
            self._others.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def nudge(self) -> None:
        """Some viewer's `look_at` is earlier now; to be called with the lock held."""
        if self._led and any(viewer.look_at < self._sleeps_until for viewer in self._viewers.values()):
            self._leader.notify()

    def _work(self) -> None:
        while (found := self._wait()) is not None:
            name, job = found
            try:
                job()
            except Exception as error:
                with self.lock:
                    failed = self._failure(name, error)
                failed()
            with self.lock:
                self._busy[name] -= 1
                if not self._busy[name]:
                    del self._busy[name]
                    self._rested.notify_all()

    def _wait(self) -> tuple[str, Job] | None:
        with self.lock:
            while not self._closed:
                now = monotonic_s()
                found = self._next(now)
                if found is not None:
                    self._busy[found[0]] = self._busy.get(found[0], 0) + 1
                    self._others.notify()
                    return found
                if self._led:
                    self._others.wait()
                    continue
                self._led = True
                looks = [viewer.look_at for viewer in self._viewers.values()]
                if self.scheduler.waiting:
                    looks.append(now + self.scheduler.wait_s(now))
                self._sleeps_until = min(looks, default=now + IDLE_POLL_S)
                self._leader.wait(max(self._sleeps_until - now, 0.0))
                self._led = False
        return None

    def _next(self, now: float) -> tuple[str, Job] | None:
        """Pictures before heads: they are quick, and somebody waits for them."""
        for name, viewer in list(self._viewers.items()):
            try:
                if now >= viewer.look_at:
                    viewer.look(now)
                job = viewer.picture(now)
            except Exception as error:
                return name, self._failure(name, error)
            if job is not None:
                return name, job
        while (key := self.scheduler.take(now)) is not None:
            try:
                job = self._viewers[key.viewer].head(key.member_id, now)
            except Exception as error:
                job = self._failure(key.viewer, error)
            if job is not None:
                return key.viewer, job
        return None

    def _failure(self, name: str, error: Exception) -> Job:
        """Removes a viewer, and says so once; with the lock held."""
        viewer = self._viewers.get(name)
        self._forget(name)
        return (lambda: None) if viewer is None else (lambda: viewer.failed(error))

    def _forget(self, name: str) -> None:
        self._viewers.pop(name, None)
        self.scheduler.forget(name)
