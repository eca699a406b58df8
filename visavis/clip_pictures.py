"""The pictures of a recording as a tracker wants them: upright, of one size, at times that grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from client.capture.frames import RgbConverter
from client.capture.media_file import iter_frames

MAX_WIDTH_PX = 1920
"""Wider pictures are shrunk as they are decoded; landmarks and focal length are in pixels of the shrunk picture."""
_LEAST_INTERVAL_S = 1e-3


def read_pictures(clip: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds from the file's start, picture [H, W, 3] sRGB), in order.

    The first picture decides the size of all. A time that does not grow is moved behind the previous one.

    Raises:
        MediaError: the recording cannot be opened or decoded.
    """
    convert = RgbConverter(MAX_WIDTH_PX)
    size: tuple[int, int] | None = None
    last_s = -np.inf
    for time_s, frame in iter_frames(clip):
        picture = convert(frame)
        if size is None:
            size = (picture.shape[1], picture.shape[0])
        elif size != (picture.shape[1], picture.shape[0]):
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        last_s = max(time_s, last_s + _LEAST_INTERVAL_S)
        yield last_s, picture
