"""The thread that draws every head on screen into one video: only when something is new, and at most 26 times a second.

It draws, hands the picture over and looks at what is newest then; under load the rate falls and nothing queues.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any, ParamSpec, cast

import av
import numpy as np

from client.clock import monotonic_s
from client.view.atlas import Atlas, AtlasLayout, Tile
from client.view.budget import PixelBudget
from client.view.head_view import BACKGROUND_RGB, HeadView, i420_planes

logger = logging.getLogger(__name__)

FRAME_PERIOD_S = 1 / 26
"""Cameras are asked for 25 pictures a second; a little less, so that no head loses one to the clock's jitter."""

DUTY = 0.75
"""Part of a core that may go into drawing; the rest is for tracking and coding on a small machine. It is processor time
that counts: by the clock, a thread that waits for its turn on a busy machine would slow itself down once more."""

MAX_THREADS = 4
"""Heads drawn at once at most."""

LATE_AFTER_S = 0.035
"""Drawing that takes longer leaves less than 20 pictures a second."""

IDLE_POLL_S = 0.1

FrameSink = Callable[[av.VideoFrame, AtlasLayout], None]


class Compositor:
    """Owns the atlas and its thread.

    Args:
        on_frame: called in the thread with each new picture (a copy) and its layout.
        on_failure: called in the thread with the error that ends it, if ever one does.
    """

    def __init__(self, on_frame: FrameSink, on_failure: Callable[[Exception], None]) -> None:
        self._on_frame = on_frame
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._heads: dict[str, HeadView] = {}
        self._sizes_px: dict[str, int] = {}
        self._budget = PixelBudget(os.cpu_count() or 1, LATE_AFTER_S)
        self._atlas = Atlas(self._budget.pixels)
        self._stamp = False
        # Heads share nothing: on a busy machine, drawing them side by side takes half as long as one after the other.
        self._pool = ThreadPoolExecutor(max(1, min(MAX_THREADS, os.cpu_count() or 1)), "head")
        self._thread = threading.Thread(target=self._run, name="compositor", daemon=True)

    def start(self) -> None:
        """Begins to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; blocks until the frame in work is done."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()

    def put_head(self, head: HeadView) -> None:
        """Adds or replaces a head; it is drawn when the page wants it on screen."""
        with self._lock:
            self._heads[head.member_id] = head
        self.wake()

    def remove_head(self, member_id: str) -> None:
        """Takes a head away."""
        with self._lock:
            self._heads.pop(member_id, None)
        self.wake()

    def set_sizes(self, sizes_px: Mapping[str, int]) -> None:
        """Which heads are on screen and how large."""
        with self._lock:
            self._sizes_px = dict(sizes_px)
        self.wake()

    def set_stamp(self, on: bool) -> None:
        """Whether to paint capture times."""
        self._stamp = on
        self.wake()

    def wake(self) -> None:
        """Something is new; from any thread."""
        self._wake.set()

    def _run(self) -> None:
        try:
            self._draw_all()
        except Exception as error:
            logger.exception("drawing ended")
            self._on_failure(error)

    def _draw_all(self) -> None:
        buffer = np.zeros((0, 0), np.uint8)
        generation = -1
        next_at = 0.0
        while not self._stopping.is_set():
            self._wake.wait(IDLE_POLL_S)
            delay = next_at - monotonic_s()
            if delay > 0:
                self._stopping.wait(delay)
            self._wake.clear()
            with self._lock:
                wanted = {member: size for member, size in self._sizes_px.items() if member in self._heads}
                layout = self._atlas.update(wanted)
                heads = dict(self._heads)
            started = monotonic_s()
            if layout.generation != generation:
                buffer = _blank(layout.width, layout.height)
                generation = layout.generation
                for head in heads.values():
                    head.invalidate()
                changed = True
            else:
                changed = False
            tiles = [tile for tile in layout.tiles if heads[tile.member_id].due(started)]
            due = [heads[tile.member_id] for tile in tiles]
            drawn = list(self._pool.map(self._draw, due, tiles, repeat(buffer), repeat(started)))
            changed |= any(cpu_s is not None for cpu_s in drawn)
            if changed and not self._stopping.is_set():
                self._on_frame(_frame_of(buffer), layout)
                now = monotonic_s()
                next_at = started + max(FRAME_PERIOD_S, sum(cpu_s or 0.0 for cpu_s in drawn) / DUTY)
                if self._budget.picture(now - started, now):
                    self._atlas.max_pixels = self._budget.pixels

    def _draw(self, head: HeadView, tile: Tile, buffer: np.ndarray, now: float) -> float | None:
        """Draws one head in one of the pool's threads; returns its processor time, None where nothing was drawn."""
        if self._stopping.is_set():
            return None
        cpu_started = time.thread_time()
        planes = i420_planes(buffer, tile.x, tile.y, tile.size, tile.size)
        try:
            head.draw(planes, tile.size, now, self._stamp)
        except Exception:
            # One person's avatar that cannot be drawn must not take the others off the screen; another one may come.
            logger.exception("a head could not be drawn")
            return None
        return time.thread_time() - cpu_started


def _frame_of(buffer: np.ndarray) -> av.VideoFrame:
    """A copy of an I420 buffer; PyAV's own `from_ndarray` holds the interpreter lock while it copies."""
    rows, columns = buffer.shape[0] * 2 // 3, buffer.shape[1]
    frame = av.VideoFrame(columns, rows, "yuv420p")
    parts = (buffer[:rows], *buffer[rows:].reshape(2, rows // 2, columns // 2))
    for plane, part in zip(frame.planes, parts, strict=True):
        target = np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, plane.line_size)
        np.copyto(target[:, : plane.width], part)
    return frame


def _blank(width: int, height: int) -> np.ndarray:
    buffer = np.empty((height * 3 // 2, width), np.uint8)
    i420_planes(buffer, 0, 0, width, height).fill(*BACKGROUND_RGB)
    return buffer


P = ParamSpec("P")


def posted(sink: Callable[P, None], post: Callable[..., object]) -> Callable[P, None]:
    """`sink` called through `post` (an event loop's call_soon_threadsafe); silent once the loop has ended."""

    def send(*args: P.args, **kwargs: P.kwargs) -> None:
        with contextlib.suppress(RuntimeError):
            post(sink, *args, **kwargs)

    return send
