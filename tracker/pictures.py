"""What counts as a picture of a camera."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def require_picture(image_rgb: NDArray[np.uint8], timestamp_s: float) -> None:
    """Makes sure that something is a picture [H, W, 3] of uint8, taken at a time.

    Raises:
        ValueError: the array has another shape or type, or the timestamp is not finite.
    """
    if image_rgb.dtype != np.uint8 or image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or not image_rgb.size:
        raise ValueError(f"expected a picture [H, W, 3] of uint8, got {image_rgb.shape} of {image_rgb.dtype}")
    if not math.isfinite(timestamp_s):
        raise ValueError("the timestamp is not finite")
