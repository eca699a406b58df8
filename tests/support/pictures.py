"""Pictures to compare, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def waves(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """[height, width, 3] colored waves of all sizes with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 64
    picture = np.zeros((height, width, 3))
    for octave in range(5):
        fy, fx = rng.normal(0, 2.0**octave, (2, 3))
        picture += np.sin(2 * np.pi * (y[..., None] * fy + x[..., None] * fx + rng.random(3))) / 2**octave
    picture = 128 + 50 * picture + rng.normal(0, 3, picture.shape)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def blurred(picture: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """The picture with every pixel the mean of (2 * reach + 1) squared ones; edges wrap around."""
    steps = range(-reach, reach + 1)
    shifted = [np.roll(picture, (dy, dx), (0, 1)).astype(np.float64) for dy in steps for dx in steps]
    return np.round(np.mean(shifted, axis=0)).astype(np.uint8)
