"""Decoded frames to what the tracker takes."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

MAX_WIDTH_PX = 640
"""The tracker's network sees the face at 256 x 256; more pixels only cost time."""


class RgbConverter:
    """Makes [H, W, 3] sRGB pictures, upright and at most `max_width` wide, in one pass of scaling and color conversion.

    It keeps the scaler from frame to frame (building one takes longer than using it), so each thread needs its own.
    """

    def __init__(self, max_width: int = MAX_WIDTH_PX) -> None:
        self._max_width = max_width
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The picture as an array of its own."""
        width = min(frame.width, self._max_width)
        height = max(round(frame.height * width / frame.width), 1)
        scaled = self._scaler.reformat(frame, width=width, height=height, format="rgb24")
        rgb = scaled.to_ndarray().astype(np.uint8, copy=False)
        quarter_turns = round(frame.rotation / 90) % 4  # of the file's display matrix, counter-clockwise
        return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb
