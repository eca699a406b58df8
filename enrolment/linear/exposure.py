"""What a camera that adapts to the light does to the pictures of a take, taken back in training."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

STEADY = 0.02
"""Differences of brightness up to this share are the person's, who turns; the camera's are what goes beyond."""


def exposures(lights: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n, 3] what red, green and blue of each picture are to be multiplied by; 1 on average over the take.

    Args:
        lights: [n, 3] how much brighter the avatar is than each picture, see enrolment.follow.
    """
    change = lights / lights.mean(axis=0) - 1
    beyond = np.sign(change) * np.maximum(np.abs(change) - STEADY, 0)
    return (1 + beyond).astype(np.float32)


def lit(picture: NDArray[np.uint8], exposure: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[H, W, 3] the picture in that exposure [3]."""
    if (exposure == 1).all():
        return picture
    factors = np.array([*exposure, 1.0], np.float64)
    return np.asarray(cv2.multiply(picture, factors), np.uint8)
