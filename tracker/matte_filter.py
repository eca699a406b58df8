"""What makes a calm, clean matte out of a network's masks: one person, steady over time, a soft edge of known width."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]

MEMORY_S = 0.4
"""Time constant of the temporal filter where the picture stands still."""
LONGEST_GAP_S = 0.5
"""After a longer gap, or a step back in time, the filter starts anew."""
_BLUR_PX = 1.2
_STILL, _CHANGED = 0.02, 0.08
"""Difference of a color, 0..1, up to which a pixel counts as unchanged, and from which its mask is taken as it is."""
_REACH_PX = 4
"""Motion is believed this far around a pixel that changed: the edge of a moving head is where it goes next."""
_CUT_SHARE = 0.6
"""Share of changed pixels that is a scene cut."""

LOW, HIGH = 0.1, 0.9
"""Levels of a mask that become 0 and 1: what is not edge is all person or all background."""


class TemporalFilter:
    """Exponential filter over masks that trusts the past only where the picture is still the same.

    What a pixel remembers is its mask and the color that it had then. Where the color differs now, the new mask counts;
    where it does not, changes of the mask are noise of the network. A change of exposure, alike everywhere, is no
    motion. A scene cut, a gap in time or another size of picture starts anew.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the past."""
        self._mask: Mask | None = None
        self._colors: Mask | None = None
        self._time_s = 0.0

    def __call__(self, mask: Mask, image_rgb: NDArray[np.uint8], time_s: float) -> Mask:
        """The steady mask.

        Args:
            mask: [h, w] 0..1 of this picture.
            image_rgb: [h, w, 3] the picture in the mask's size.
            time_s: of the picture.
        """
        colors = np.asarray(cv2.GaussianBlur(image_rgb, (0, 0), _BLUR_PX), np.float32) / np.float32(255)
        elapsed, self._time_s = time_s - self._time_s, time_s
        past, before = self._mask, self._colors
        moved = None
        if before is not None and before.shape == colors.shape and 0 < elapsed <= LONGEST_GAP_S:
            moved = _moved(colors, before)
        if past is None or before is None or moved is None:
            self._mask, self._colors = mask, colors
            return mask
        calm = 1 - math.exp(-elapsed / MEMORY_S)
        gain = np.asarray(calm + (1 - calm) * moved, np.float32)
        self._mask = np.asarray(past + gain * (mask - past), np.float32)
        self._colors = np.asarray(before + gain[..., None] * (colors - before), np.float32)
        return self._mask


def _moved(colors: Mask, before: Mask) -> Mask | None:
    """[h, w] 0..1 where the picture is another one; None if it is so nearly everywhere: a scene cut."""
    change = colors - before
    change -= np.median(change[::4, ::4], axis=(0, 1))
    change = np.abs(change)
    most = np.maximum(
        np.maximum(change[..., 0], change[..., 1]), change[..., 2]
    )  # .max(axis=2) takes ten times as long
    change = np.clip((most - np.float32(_STILL)) / np.float32(_CHANGED - _STILL), 0.0, 1.0)
    if float(change.mean()) > _CUT_SHARE:
        return None
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _REACH_PX + 1, 2 * _REACH_PX + 1))
    return np.asarray(cv2.dilate(change, reach), np.float32)


def main_person(mask: Mask, seed: tuple[float, float] | None = None) -> Mask:
    """The mask without what is not connected to the person: lamps, posters, people in the back.

    Args:
        mask: [h, w] 0..1.
        seed: (x, y) in the mask that belongs to the person; the largest part otherwise.

    Returns:
        [h, w]; an empty mask stays empty.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > LOW).astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    chosen = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if seed is not None:
        height, width = mask.shape
        x, y = (int(np.clip(value, 0, side - 1)) for value, side in zip(seed, (width, height), strict=True))
        chosen = int(labels[y, x]) or chosen
    return np.where(labels == chosen, mask, np.float32(0))


def stretch_levels(mask: Mask) -> Mask:
    """The mask with everything up to LOW at 0 and everything from HIGH at 1."""
    return np.clip((mask - np.float32(LOW)) / np.float32(HIGH - LOW), 0.0, 1.0)


def edge_band(alpha: Mask, margin_px: int) -> NDArray[np.bool_]:
    """Where a matte is not to be relied on: its soft edge, widened by a margin. Training leaves these pixels out.

    Args:
        alpha: [H, W] 0..1.
        margin_px: at least 0.

    Returns:
        [H, W]: within `margin_px` (a square) of a pixel that is neither 0 nor 1, or of a hard step between the two.
    """
    inside = (alpha > 0.5).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.dilate(inside, kernel) != cv2.erode(inside, kernel)
    band = (step | ((alpha > 0) & (alpha < 1))).astype(np.uint8)
    side = 2 * margin_px + 1
    return cv2.dilate(band, np.ones((side, side), np.uint8)).astype(bool)
