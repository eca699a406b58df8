"""The pictures of a recording as a tracker wants them: upright, of one size, at times that grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.capture.media_file import iter_frames
from tracker.recording import upright_pictures

MAX_WIDTH_PX = 1920
"""Wider pictures are shrunk as they are decoded; landmarks and focal length are in pixels of the shrunk picture."""


def read_pictures(clip: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds from the file's start, picture [H, W, 3] sRGB), in order: see tracker.recording.upright_pictures.

    Raises:
        MediaError: the recording cannot be opened or decoded.
    """
    return upright_pictures(iter_frames(clip), MAX_WIDTH_PX)
