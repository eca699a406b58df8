"""One head on screen: whose avatar, which face, seen from where. Set from the event loop, drawn by the compositor."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.clock import monotonic_s
from client.stats import Average
from client.view.idle import idle_face
from client.view.stamp import paint_stamp
from codec.params import FaceParams
from renderer.camera import Camera
from renderer.framing import DEFAULT_DISTANCE_M, Framing
from renderer.yuv import YuvPlanes

logger = logging.getLogger(__name__)

BACKGROUND_RGB = (0x20 / 255, 0x24 / 255, 0x2C / 255)
IDLE_PERIOD_S = 0.1
"""A resting head is drawn ten times a second."""

PREVIEW_PERIOD_S = 1 / 16
"""The preview of oneself is small and nobody judges lips by it: half the rate will do."""


class HeadRenderer(Protocol):
    """What a view needs of renderer.avatar.frame_renderer.FrameRenderer."""

    def render(
        self, params: FaceParams, camera: Camera, background_rgb: tuple[float, float, float], planes: YuvPlanes
    ) -> None:
        """Draws into `planes`."""
        ...


@dataclass(frozen=True)
class Viewpoint:
    """From where to look; radians from the front, 1 = default distance."""

    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 1.0


@dataclass(frozen=True)
class _Shown:
    params: FaceParams | None
    capture_ms: int


class HeadView:
    """See the module. Fields that both sides use are replaced whole, never changed in place.

    Args:
        member_id: whose head; `self` for the preview of oneself (the page shows it as a mirror does).
        period_s: shortest time between two pictures.
    """

    def __init__(self, member_id: str, period_s: float = 0.0) -> None:
        self._period_s = period_s
        self.member_id = member_id
        self._shown = _Shown(None, 0)
        self._drawn: tuple[object, ...] | None = None
        self._drawn_at = 0.0
        self._last_face: FaceParams | None = None
        self._renderer: HeadRenderer | None = None
        self._viewpoint = Viewpoint()
        self._framing = Framing()
        self.frames_drawn = 0
        self.faces_drawn = 0
        self.render_ms = Average()

    def show(self, params: FaceParams | None, capture_ms: int) -> None:
        """The newest face (None: it rests) and the Unix time at which the camera saw it."""
        self._shown = _Shown(params, capture_ms)

    def set_renderer(self, renderer: HeadRenderer) -> None:
        """Another avatar from the next frame on."""
        self._renderer = renderer

    def look_from(self, viewpoint: Viewpoint) -> None:
        """Another point of view from the next frame on."""
        self._viewpoint = viewpoint

    def due(self, now: float) -> bool:
        """Whether there is something new to draw."""
        if self._renderer is None or now - self._drawn_at < self._period_s:
            return False
        if self._state() != self._drawn:
            return True
        return self._shown.params is None and now - self._drawn_at >= IDLE_PERIOD_S

    def _state(self) -> tuple[object, ...]:
        return (id(self._shown), id(self._renderer), self._viewpoint)

    def invalidate(self) -> None:
        """Draw again although nothing is new: the tile moved."""
        self._drawn = None
        self._drawn_at = 0.0

    def draw(self, planes: YuvPlanes, size: int, now: float, stamp: bool) -> None:
        """Draws into a square tile of `size` pixels. A renderer that fails is dropped: nothing is due until another one
        comes.
        """
        renderer, shown, viewpoint = self._renderer, self._shown, self._viewpoint
        if renderer is None:
            return
        self._drawn = (id(shown), id(renderer), viewpoint)
        self._drawn_at = now
        try:
            self._render(renderer, shown, viewpoint, planes, size, now)
        except Exception:
            if self._renderer is renderer:
                self._renderer = None
            raise
        if stamp and shown.capture_ms:
            paint_stamp(planes.y, shown.capture_ms)
        self.frames_drawn += 1
        self.faces_drawn += shown.params is not None

    def _render(
        self, renderer: HeadRenderer, shown: _Shown, viewpoint: Viewpoint, planes: YuvPlanes, size: int, now: float
    ) -> None:
        if shown.params is not None:
            self._last_face = shown.params
        params = shown.params or idle_face(now, self._last_face)
        started = monotonic_s()
        self._framing.observe(params.translation, now)
        distance_m = viewpoint.distance * DEFAULT_DISTANCE_M
        camera = self._framing.camera(viewpoint.yaw, viewpoint.pitch, distance_m, size)
        renderer.render(params, camera, BACKGROUND_RGB, planes)
        self.render_ms.add(1000 * (monotonic_s() - started))


def i420_planes(buffer: NDArray[np.uint8], x: int, y: int, width: int, height: int) -> YuvPlanes:
    """A rectangle of an I420 buffer [picture height * 3 / 2, picture width] as views; all numbers are even."""
    rows, columns = buffer.shape[0] * 2 // 3, buffer.shape[1]
    luma = buffer[:rows]
    chroma = buffer[rows:].reshape(2, rows // 2, columns // 2)
    part = (slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2))
    return YuvPlanes(luma[y : y + height, x : x + width], chroma[0][part], chroma[1][part])
