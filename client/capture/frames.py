"""Decoded frames to what the tracker takes."""

from __future__ import annotations

from tracker import recording

MAX_WIDTH_PX = 640
"""The tracker's network sees the face at 256 x 256; more pixels only cost time."""


class RgbConverter(recording.RgbConverter):
    """tracker.recording.RgbConverter with a width that is enough for a call."""

    def __init__(self, max_width: int = MAX_WIDTH_PX) -> None:
        super().__init__(max_width)
