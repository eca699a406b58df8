"""One viewer's screen: its heads in one video, drawn by the pool of the process, only when something is new.

A picture takes what is newest when it is begun; under load sizes and rates fall (renderer.schedule) and nothing queues.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import ParamSpec

import av

from client.clock import monotonic_s
from client.view.atlas import Atlas, AtlasLayout, Tile
from client.view.head_view import IDLE_PERIOD_S, HeadView
from client.view.pool import IDLE_POLL_S, DrawingPool, Job, usable_cores
from client.view.tile_image import Image, TileImage, assemble
from client.view.timing import PictureTiming
from renderer.schedule_plan import HeadPlan, Key, Rank, Wish

logger = logging.getLogger(__name__)

FULL_RATE = 25.0
IDLE_RATE = 1 / IDLE_PERIOD_S
PREVIEW_RATE = 16.0
"""The preview of oneself is small and nobody judges lips by it: fewer pictures will do."""

PIXELS_PER_CORE = 300_000
MAX_PIXELS = 1536 * 1024
"""Of one viewer's video. Small machines begin below it: the browser that shows the video may be on the same one."""

FrameSink = Callable[[av.VideoFrame, AtlasLayout], None]


def video_pixels(cores: int) -> int:
    """Largest area of one viewer's video on a machine of so many cores."""
    return MAX_PIXELS if cores >= 4 else min(cores * PIXELS_PER_CORE, MAX_PIXELS)


class Compositor:
    """Owns the atlas of one viewer; its methods may be called from any thread.

    Args:
        pool: of the process.
        on_frame: called in one of the pool's threads with each new picture (a copy) and its layout.
        on_failure: called in one of them with the error that ends it, if ever one does.
        max_pixels: of the video.
    """

    _numbers = itertools.count(1)

    def __init__(
        self,
        pool: DrawingPool,
        on_frame: FrameSink,
        on_failure: Callable[[Exception], None],
        max_pixels: int | None = None,
    ) -> None:
        self.look_at = 0.0
        self._name = f"viewer {next(self._numbers)}"
        self._pool = pool
        self._scheduler = pool.scheduler
        self._on_frame = on_frame
        self._on_failure = on_failure
        self._timing = PictureTiming()
        self._atlas = Atlas(max_pixels or video_pixels(usable_cores()))
        self._layout = AtlasLayout(0, 0, (), -1)
        self._heads: dict[str, HeadView] = {}
        self._previews: set[str] = set()
        self._drawing: set[str] = set()
        self._images: dict[str, TileImage] = {}
        self._sizes_px: dict[str, int] = {}
        self._speaking: frozenset[str] = frozenset()
        self._stamp = False
        self._leaving = False  # a picture is being put together

    def start(self) -> None:
        """Begins to draw."""
        self._pool.add(self._name, self)

    def stop(self) -> None:
        """Ends the drawing; blocks until what is in work is done."""
        self._pool.remove(self._name)

    def put_head(self, head: HeadView, *, preview: bool = False) -> None:
        """Adds or replaces a head; it is drawn when the page wants it on screen. `preview`: it is the viewer's own."""
        with self._woken():
            self._heads[head.member_id] = head
            (self._previews.add if preview else self._previews.discard)(head.member_id)

    def remove_head(self, member_id: str) -> None:
        """Takes a head away."""
        with self._woken():
            self._heads.pop(member_id, None)

    def set_sizes(self, sizes_px: Mapping[str, int], speaking: Collection[str] = ()) -> None:
        """Which heads are on screen and how large, and who of them speaks."""
        with self._woken():
            self._sizes_px = dict(sizes_px)
            self._speaking = frozenset(speaking)

    def set_stamp(self, on: bool) -> None:
        """Whether to paint capture times."""
        with self._woken():
            self._stamp = on

    def wake(self) -> None:
        """Something is new."""
        with self._woken():
            pass

    @contextlib.contextmanager
    def _woken(self) -> Iterator[None]:
        with self._pool.lock:
            yield
            self.look_at = 0.0
            self._pool.nudge()

    # --- for the pool

    def look(self, now: float) -> None:
        """Asks for heads that are due, and begins a picture if it is time (client.view.pool.Viewer)."""
        self.look_at = now + IDLE_POLL_S
        if not self._timing.begun and now >= self._timing.next_at:
            self._plan(now)
        for tile in self._layout.tiles:
            self._ask(tile.member_id, now)
        next_at = self._timing.deadline if self._timing.begin(now) else self._timing.next_at
        if next_at > now:
            self.look_at = min(self.look_at, next_at)

    def _plan(self, now: float) -> None:
        seats = self._atlas.seat({member: px for member, px in self._sizes_px.items() if member in self._heads})
        self._scheduler.wish(self._name, self._wishes(seats), now)
        for member in self._timing.asked - seats.keys() - self._drawing:
            self._timing.forget(member)
        if self._lay_out(self._scheduler.plans(self._name)):
            self._timing.change()

    def _wishes(self, sizes: Mapping[str, int]) -> dict[str, Wish]:
        others = sorted(self._sizes_px[member] for member in sizes.keys() - self._previews)
        largest = others[-1] if len(others) > 1 and others[-1] > others[-2] else None
        wishes: dict[str, Wish] = {}
        for member, size in sizes.items():
            rate, rank = FULL_RATE, Rank.OTHER
            if member in self._previews:
                rate, rank = PREVIEW_RATE, Rank.PREVIEW
            elif member in self._speaking:
                rank = Rank.SPEAKER
            elif self._sizes_px[member] == largest:
                rank = Rank.LARGEST
            wishes[member] = Wish(size, IDLE_RATE if self._heads[member].resting else rate, rank)
        return wishes

    def _lay_out(self, plans: Mapping[str, HeadPlan]) -> bool:
        layout = self._atlas.place({member: plan.size for member, plan in plans.items()})
        if layout.generation == self._layout.generation:
            return False
        self._layout = layout
        before, self._images = self._images, {}
        for tile in layout.tiles:
            image = before.get(tile.member_id)
            if image is None or image.size != tile.size:
                image = TileImage(tile.size, image)
                self._heads[tile.member_id].invalidate()
            self._images[tile.member_id] = image
        return True

    def _ask(self, member_id: str, now: float) -> None:
        head = self._heads.get(member_id)
        busy = member_id in self._timing.asked or member_id in self._drawing
        if busy or head is None or not head.due(now):
            return
        key = Key(self._name, member_id)
        allowed_at = self._scheduler.allowed_at(key)
        if now < allowed_at:
            self.look_at = min(self.look_at, allowed_at)
            return
        self._scheduler.ask(key, now)
        self._timing.ask(member_id, now)

    def head(self, member_id: str, now: float) -> Job | None:
        """Draws a head that was asked for (client.view.pool.Viewer)."""
        head, image = self._heads.get(member_id), self._images.get(member_id)
        if head is None or image is None:
            self._timing.forget(member_id)
            return None
        self._drawing.add(member_id)
        return partial(self._draw, head, image, now, self._stamp)

    def _draw(self, head: HeadView, image: TileImage, now: float, stamp: bool) -> None:
        cpu_started = time.thread_time()
        try:
            head.draw(image.canvas(), image.size, now, stamp)
            drawn = True
        except Exception:
            # One person's avatar that cannot be drawn must not take the others off the screen; another one may come.
            logger.exception("a head could not be drawn")
            drawn = False
        cpu_s = time.thread_time() - cpu_started
        member = head.member_id
        with self._pool.lock:
            self._drawing.discard(member)
            if drawn:
                image.flip()
                self._scheduler.drew(Key(self._name, member), image.size, cpu_s)
            self._timing.drew(member, monotonic_s(), new=drawn and self._images.get(member) is image)
            self.look_at = 0.0  # it may be due again, and the picture may begin with it

    def picture(self, now: float) -> Job | None:
        """Puts the picture together if it is to go out now (client.view.pool.Viewer)."""
        if self._leaving or not self._timing.goes_out(now):
            return None
        self._leaving = True
        self._timing.taken()
        images = [(tile, self._images[tile.member_id].shown) for tile in self._layout.tiles]
        return partial(self._send, self._layout, images)

    def _send(self, layout: AtlasLayout, images: list[tuple[Tile, Image]]) -> None:
        self._on_frame(assemble(layout, images), layout)
        with self._pool.lock:
            self._leaving = False
            now = monotonic_s()
            self._scheduler.sent(self._timing.sent(now), now)
            self.look_at = 0.0

    def failed(self, error: Exception) -> None:
        """It cannot go on (client.view.pool.Viewer)."""
        logger.error("drawing ended", exc_info=error)
        self._on_failure(error)


P = ParamSpec("P")


def posted(sink: Callable[P, None], post: Callable[..., object]) -> Callable[P, None]:
    """`sink` called through `post` (an event loop's call_soon_threadsafe); silent once the loop has ended."""

    def send(*args: P.args, **kwargs: P.kwargs) -> None:
        with contextlib.suppress(RuntimeError):
            post(sink, *args, **kwargs)

    return send
