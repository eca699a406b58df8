"""Whether a machine draws twelve people at once in time: large heads, 25 pictures a second, in the pool of a process.

Everything of a hosted client's way from face parameters to the picture is in it (scheduler, pool, posing, splatting,
YUV, putting the atlas together), only no network, no tracking and no video coding.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from client.clock import monotonic_s
from client.view.atlas import TILE_SIZES
from client.view.compositor import Compositor
from client.view.head_view import HeadRenderer, HeadView
from client.view.pool import DrawingPool, usable_cores
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.background import Background
from renderer.camera import Camera
from renderer.schedule import Scheduler
from renderer.yuv import YuvPlanes
from visavis.bench.render_scene import moving_face
from visavis.bench.report import Figure

PEERS = 12
SIZE = 512
SLOT_S = 0.04
SLOTS = 200
LEAD_IN = 15
"""Slots before those that count: memory is touched for the first time."""


def run(avatar: AvatarModel, console: Console) -> list[Figure]:
    """Draws twelve heads for eight seconds, twice; returns `render.peers_12_*`.

    Args:
        avatar: worn by everybody.
        console: shows what is being done.
    """
    figures: list[Figure] = []
    for name, beside, told in (
        ("peers_12", nullcontext(), ""),
        ("peers_12_busy", busy_core(), " beside a busy process"),
    ):
        with console.status(f"drawing {PEERS} heads for {SLOTS * SLOT_S:.0f} s{told} ..."), beside:
            drawn = draw_slots(lambda: FrameRenderer(avatar, max_size=SIZE))
        figures += [
            Figure(f"render.{name}_missed_pct", drawn.missed_pct, "%", "lower"),
            Figure(f"render.{name}_p99_ms", drawn.p99_ms, "ms", "lower"),
            Figure(f"render.{name}_cpu_pct", drawn.cpu_pct, "%", "lower"),
        ]
    return figures


@dataclass(frozen=True)
class DrawnSlots:
    """What came of it.

    Args:
        missed_pct: of the pairs of head and slot, those not drawn at full size by the end of the slot.
        p99_ms: from the beginning of a slot to the end of a drawing, 99th percentile over those that were drawn.
        cpu_pct: processor time of this process, of one core.
    """

    missed_pct: float
    p99_ms: float
    cpu_pct: float


def draw_slots(
    make_renderer: Callable[[], HeadRenderer], peers: int = PEERS, slots: int = SLOTS, size: int = SIZE
) -> DrawnSlots:
    """Shows everybody a new face at the beginning of each slot of 40 ms and notes when it has been drawn.

    Args:
        make_renderer: called once for each head.
        peers: heads.
        slots: that count.
        size: of each head, pixels; what is drawn smaller is missed.

    Raises:
        Exception: the one that ended the drawing.
    """
    scheduler = Scheduler(usable_cores(), TILE_SIZES, coding_s_per_pixel=0, duty=1)  # nothing is tracked or coded here
    pool = DrawingPool(scheduler)
    failures: list[Exception] = []
    compositor = Compositor(pool, lambda frame, layout: None, failures.append, max_pixels=peers * 4 * size * size)
    clocks = [_Clock(make_renderer(), size) for _ in range(peers)]
    heads = [HeadView(f"peer {number}") for number in range(peers)]
    for head, clock in zip(heads, clocks, strict=True):
        head.set_renderer(clock)
        compositor.put_head(head)
    compositor.set_sizes({head.member_id: size for head in heads})
    faces = moving_face(LEAD_IN + slots)
    gc.collect()
    gc.freeze()  # as in a hosted client: what is loaded is not looked through in the middle of a picture
    compositor.start()
    try:
        began, cpu_began = monotonic_s() + SLOT_S, 0.0
        for slot, face in enumerate(faces):
            time.sleep(max(began + slot * SLOT_S - monotonic_s(), 0.0))
            if slot == LEAD_IN:
                cpu_began = time.process_time()
            for number, head in enumerate(heads):
                own = replace(face)  # an object for each head and slot, by which its drawing is known
                clocks[number].expect(own, slot)
                head.show(own, slot + 1)
            compositor.wake()
        time.sleep(SLOT_S)
        cpu_s = time.process_time() - cpu_began
    finally:
        compositor.stop()
        pool.close()
        gc.unfreeze()
    if failures:
        raise failures[0]
    done = np.array([clock.done_at(LEAD_IN + slots) for clock in clocks])[:, LEAD_IN:]  # [peers, slots]
    after_s = done - (began + SLOT_S * np.arange(LEAD_IN, LEAD_IN + slots))
    missed = ~(after_s <= SLOT_S)
    drawn = after_s[np.isfinite(after_s)]
    p99_ms = 1000 * float(np.percentile(drawn, 99)) if len(drawn) else float("inf")
    return DrawnSlots(100 * float(missed.mean()), p99_ms, 100 * cpu_s / (slots * SLOT_S))


class _Clock:
    """A renderer that notes when each expected face had been drawn at full size."""

    def __init__(self, renderer: HeadRenderer, size: int) -> None:
        self._renderer = renderer
        self._size = size
        self._slots: dict[int, int] = {}
        self._kept: list[FaceParams] = []  # so that no two have the same id
        self._done: dict[int, float] = {}

    def expect(self, face: FaceParams, slot: int) -> None:
        self._kept.append(face)
        self._slots[id(face)] = slot

    def done_at(self, slots: int) -> NDArray[np.float64]:
        """[slots] seconds; NaN where the face of a slot was never drawn."""
        return np.array([self._done.get(slot, np.nan) for slot in range(slots)])

    def render(self, params: FaceParams, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        self._renderer.render(params, camera, background, planes)
        if camera.width == self._size:
            slot = self._slots.get(id(params))
            if slot is not None:
                self._done.setdefault(slot, monotonic_s())

    def render_view(self, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        self._renderer.render_view(camera, background, planes)


@contextmanager
def busy_core() -> Iterator[int]:
    """Another process, whose id this yields, takes all that it can get of one core."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(busy.pid, {min(os.sched_getaffinity(0))})
        yield busy.pid
    finally:
        busy.kill()
        busy.wait()
