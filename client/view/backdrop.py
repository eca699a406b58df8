"""What stands behind the heads that one participant sees, in the sizes in which they are drawn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.background import Background, cover

DEPTH_SHARE = 0.03
"""In stereo the picture is shifted by this share of its width between the eyes, which puts it well behind the head and
still asks nobody's eyes to look apart."""


class Backdrop:
    """A color, or a picture that is cropped and resized once for each size of tile. May be used by several threads.

    Args:
        source: a color, or a picture [H, W, 3] uint8 sRGB of any size.
    """

    def __init__(self, source: Background) -> None:
        self._source = source
        self._whole: dict[int, NDArray[np.uint8]] = {}
        self._eyes: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def whole(self, size: int) -> Background:
        """For a view of `size` x `size` pixels."""
        if isinstance(self._source, tuple):
            return self._source
        if size not in self._whole:
            self._whole[size] = cover(self._source, size, size)
        return self._whole[size]

    def eyes(self, size: int) -> tuple[Background, Background]:
        """For the left and the right eye of a stereo view, each [size, size / 2, 3]; `size` is even."""
        if isinstance(self._source, tuple):
            return self._source, self._source
        if size not in self._eyes:
            shift = round(DEPTH_SHARE * size)
            wide = cover(self._source, size + shift, size)
            self._eyes[size] = _squeezed(wide[:, shift:]), _squeezed(wide[:, :size])
        return self._eyes[size]


def _squeezed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    return np.ascontiguousarray(cv2.resize(image, (width // 2, height), interpolation=cv2.INTER_AREA), np.uint8)
