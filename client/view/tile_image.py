"""The newest picture of one head, and the one that is being drawn."""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

from client.view.atlas import AtlasLayout, Tile
from client.view.head_view import BACKGROUND_RGB, i420_planes
from renderer.yuv import YuvPlanes

Image = NDArray[np.uint8]
"""I420 [height * 3 / 2, width]."""


class TileImage:
    """Two square I420 images: one to show, one to draw into.

    Args:
        size: pixels.
        before: what was shown at another size, until the first drawing is done.
    """

    def __init__(self, size: int, before: TileImage | None = None) -> None:
        self.size = size
        self.shown = blank(size, size)
        self._drawn = np.empty_like(self.shown)
        if before is not None:
            _stretch(_planes(before.shown), _planes(self.shown))

    def canvas(self) -> YuvPlanes:
        """Where to draw; every pixel of it."""
        return _planes(self._drawn)

    def flip(self) -> None:
        """Shows what was drawn. Whoever still reads the old image can do so until the next drawing begins."""
        self.shown, self._drawn = self._drawn, self.shown


def blank(width: int, height: int) -> Image:
    """An image of nothing."""
    image = np.empty((height * 3 // 2, width), np.uint8)
    i420_planes(image, 0, 0, width, height).fill(*BACKGROUND_RGB)
    return image


def assemble(layout: AtlasLayout, images: list[tuple[Tile, Image]]) -> av.VideoFrame:
    """The atlas as a video frame of its own.

    PyAV's `from_ndarray` would hold the interpreter's lock while it copies.

    Args:
        layout: of the atlas.
        images: tiles, each with an I420 image of its size.
    """
    frame = av.VideoFrame(layout.width, layout.height, "yuv420p")
    y, u, v = (_rows_of(plane) for plane in frame.planes)
    whole = YuvPlanes(y, u, v)
    if sum(tile.size**2 for tile, _ in images) < layout.width * layout.height:
        whole.fill(*BACKGROUND_RGB)
    for tile, image in images:
        source = _planes(image)
        half, x, y = tile.size // 2, tile.x // 2, tile.y // 2
        np.copyto(whole.y[tile.y : tile.y + tile.size, tile.x : tile.x + tile.size], source.y)
        np.copyto(whole.u[y : y + half, x : x + half], source.u)
        np.copyto(whole.v[y : y + half, x : x + half], source.v)
    return frame


def _rows_of(plane: Any) -> Image:
    return np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _planes(image: Image) -> YuvPlanes:
    size = image.shape[1]
    return i420_planes(image, 0, 0, size, size)


def _stretch(source: YuvPlanes, target: YuvPlanes) -> None:
    """Nearest neighbors: seen for the moment that the first drawing takes."""
    for old, new in zip((source.y, source.u, source.v), (target.y, target.u, target.v), strict=True):
        nearest = np.arange(len(new)) * len(old) // len(new)
        new[:] = old[np.ix_(nearest, nearest)]
