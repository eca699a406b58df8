"""Fits a mask to the edges of its picture: a guided filter (He, Sun, Tang 2013), only where the mask has an edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

TILE_PX = 96
_FLAT = 1e-3
"""Masks that vary less within the filter's reach stay as they are: the filter would not change them."""


def refine_edges(
    image_rgb: NDArray[np.uint8], mask: NDArray[np.float32], radius: int, eps: float
) -> NDArray[np.float32]:
    """[H, W] the guided filter of the whole mask; where the mask is flat, the mask.

    Args:
        image_rgb: [H, W, 3].
        mask: [H, W].
        radius: of the filter's windows, pixels.
        eps: variance of colors that counts as an edge.
    """
    refined, reach = mask.copy(), 2 * radius + 1
    height, width = mask.shape
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            bottom, right = min(top + TILE_PX, height), min(left + TILE_PX, width)
            y, x = max(0, top - reach), max(0, left - reach)
            around = np.s_[y : bottom + reach, x : right + reach]
            part = mask[around]
            if float(part.max()) - float(part.min()) < _FLAT:
                continue
            fitted = cv2.ximgproc.guidedFilter(np.ascontiguousarray(image_rgb[around]), part.copy(), radius, eps)
            refined[top:bottom, left:right] = fitted[top - y : bottom - y, left - x : right - x]
    return refined
