"""Decoded frames to what the tracker takes."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

MAX_WIDTH_PX = 640
"""The tracker's network sees the face at 256 x 256; more pixels only cost time."""


def to_rgb(frame: av.VideoFrame, max_width: int = MAX_WIDTH_PX) -> NDArray[np.uint8]:
    """[H, W, 3] sRGB, upright, at most `max_width` wide; one pass of scaling and color conversion."""
    width = min(frame.width, max_width)
    height = max(round(frame.height * width / frame.width), 1)
    rgb = frame.reformat(width=width, height=height, format="rgb24").to_ndarray().astype(np.uint8, copy=False)
    quarter_turns = round(frame.rotation / 90) % 4  # of the file's display matrix, counter-clockwise
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb
