"""One head on screen: whose avatar, which face, seen from where. Set from the event loop, drawn by the compositor."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from client.clock import monotonic_s
from client.stats import Average
from client.view.backdrop import Backdrop
from client.view.idle import idle_face
from client.view.stamp import paint_stamp
from codec.params import FaceParams
from renderer.background import Background
from renderer.camera import Camera
from renderer.framing import DEFAULT_DISTANCE_M, Framing
from renderer.yuv import YuvPlanes

logger = logging.getLogger(__name__)

BACKGROUND_RGB = (0x20 / 255, 0x24 / 255, 0x2C / 255)
IDLE_PERIOD_S = 0.1
"""A resting head is drawn ten times a second."""


class HeadRenderer(Protocol):
    """What a view needs of renderer.avatar.frame_renderer.FrameRenderer."""

    def render(self, params: FaceParams, camera: Camera, background: Background, planes: YuvPlanes, /) -> None:
        """Draws into `planes`."""
        ...

    def render_view(self, camera: Camera, background: Background, planes: YuvPlanes, /) -> None:
        """Draws the same instant from somewhere else."""
        ...


@dataclass(frozen=True)
class Viewpoint:
    """From where to look.

    Args:
        yaw: radians from the front.
        pitch: radians from the front.
        distance: 1 = default.
        eye_contact: the front is the speaker's lens itself; `distance` then is a matter of focal length.
        stereo: one picture for each eye, side by side in the halves of the tile.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 1.0
    eye_contact: bool = False
    stereo: bool = False


@dataclass(frozen=True, eq=False)
class _Shown:
    params: FaceParams | None
    capture_ms: int


class HeadView:
    """See the module. Fields that both sides use are replaced whole, never changed in place.

    Args:
        member_id: whose head; `self` for the preview of oneself (the page shows it as a mirror does).
    """

    def __init__(self, member_id: str) -> None:
        self.member_id = member_id
        self._shown = _Shown(None, 0)
        self._drawn: tuple[object, ...] | None = None
        self._drawn_at = 0.0
        self._last_face: FaceParams | None = None
        self._renderer: HeadRenderer | None = None
        self._viewpoint = Viewpoint()
        self._backdrop = Backdrop(BACKGROUND_RGB)
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

    def set_backdrop(self, backdrop: Backdrop) -> None:
        """Something else behind the head from the next frame on."""
        self._backdrop = backdrop

    @property
    def resting(self) -> bool:
        """Whether there is no face to show."""
        return self._shown.params is None

    def due(self, now: float) -> bool:
        """Whether there is something new to draw."""
        if self._renderer is None:
            return False
        if self._state() != self._drawn:
            return True
        return self._shown.params is None and now - self._drawn_at >= IDLE_PERIOD_S

    def _state(self) -> tuple[object, ...]:
        return (self._shown, id(self._renderer), self._viewpoint, self._backdrop)

    def invalidate(self) -> None:
        """Draw again although nothing is new: the tile moved."""
        self._drawn = None
        self._drawn_at = 0.0

    def draw(self, planes: YuvPlanes, size: int, now: float, stamp: bool) -> None:
        """Draws into a square tile of `size` pixels. A renderer that fails is dropped: nothing is due until another one
        comes.
        """
        renderer, shown, viewpoint, backdrop = self._renderer, self._shown, self._viewpoint, self._backdrop
        if renderer is None:
            return
        self._drawn = (shown, id(renderer), viewpoint, backdrop)
        self._drawn_at = now
        try:
            self._render(renderer, shown, viewpoint, backdrop, planes, size, now)
        except Exception:
            if self._renderer is renderer:
                self._renderer = None
            raise
        if stamp and shown.capture_ms:
            paint_stamp(planes.y, shown.capture_ms)
        self.frames_drawn += 1
        self.faces_drawn += shown.params is not None

    def _render(
        self,
        renderer: HeadRenderer,
        shown: _Shown,
        viewpoint: Viewpoint,
        backdrop: Backdrop,
        planes: YuvPlanes,
        size: int,
        now: float,
    ) -> None:
        if shown.params is not None:
            self._last_face = shown.params
        params = shown.params or idle_face(now, self._last_face)
        started = monotonic_s()
        self._framing.observe(params.translation, now)
        camera = self._camera(viewpoint, size)
        if viewpoint.stereo:
            left, right = self._framing.stereo(camera)
            behind_left, behind_right = backdrop.eyes(size)
            renderer.render(params, left.squeezed(), behind_left, _columns(planes, 0, size // 2))
            renderer.render_view(right.squeezed(), behind_right, _columns(planes, size // 2, size))
        else:
            renderer.render(params, camera, backdrop.whole(size), planes)
        self.render_ms.add(1000 * (monotonic_s() - started))

    def _camera(self, viewpoint: Viewpoint, size: int) -> Camera:
        if viewpoint.eye_contact:
            return self._framing.eye_contact(size, viewpoint.yaw, viewpoint.pitch, 1 / viewpoint.distance)
        return self._framing.camera(viewpoint.yaw, viewpoint.pitch, viewpoint.distance * DEFAULT_DISTANCE_M, size)


def _columns(planes: YuvPlanes, start: int, stop: int) -> YuvPlanes:
    """A vertical strip of a picture as views; both numbers are even."""
    chroma = slice(start // 2, stop // 2)
    return YuvPlanes(planes.y[:, start:stop], planes.u[:, chroma], planes.v[:, chroma])


def i420_planes(buffer: NDArray[np.uint8], x: int, y: int, width: int, height: int) -> YuvPlanes:
    """A rectangle of an I420 buffer [picture height * 3 / 2, picture width] as views; all numbers are even."""
    rows, columns = buffer.shape[0] * 2 // 3, buffer.shape[1]
    luma = buffer[:rows]
    chroma = buffer[rows:].reshape(2, rows // 2, columns // 2)
    part = (slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2))
    return YuvPlanes(luma[y : y + height, x : x + width], chroma[0][part], chroma[1][part])
