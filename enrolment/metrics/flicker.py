"""How much a sequence of drawn pictures trembles, beside the recording itself (docs/metrics.md)."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.metrics.pixels import Picture

SIGMA_PX = 1.5
"""Blur before pictures are compared in time: noise of single pixels is no movement."""


class Flicker:
    """Second differences in time of luma, over all rows of three neighboring pictures that it is shown."""

    def __init__(self) -> None:
        self._indices: deque[int] = deque(maxlen=3)
        self._pictures: tuple[deque[NDArray[np.float32]], ...] = (deque(maxlen=3), deque(maxlen=3))
        self._squares = np.zeros(2)

    def see(self, index: int, truth: Picture, drawn: Picture) -> None:
        """Takes one picture, as filmed and as drawn; indices rise, and neighbors differ by 1."""
        self._indices.append(index)
        for pictures, picture in zip(self._pictures, (truth, drawn), strict=True):
            pictures.append(_blurred(picture))
        if len(self._indices) < 3 or self._indices[2] - self._indices[0] != 2:
            return
        for which, (first, second, third) in enumerate(self._pictures):
            difference = (first - 2 * second + third).ravel()
            self._squares[which] += float(difference @ difference)

    def ratio(self) -> float | None:
        """Root mean square of what was drawn over that of the recording; None if nothing in that has changed."""
        filmed, drawn = self._squares
        return float(np.sqrt(drawn / filmed)) if filmed > 0 else None


def _blurred(picture: Picture) -> NDArray[np.float32]:
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), SIGMA_PX), np.float32)
