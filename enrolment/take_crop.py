"""Which square of the recording's pictures a take shows: head and shoulders, wherever the head moves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.take import SIDE

WHOLE_FACES = 3.5
"""A picture whose longer side is at most so many face heights is used whole."""
_ABOVE, _BESIDE, _BELOW = 0.75, 0.9, 1.1
"""Room around the landmarks of all pictures for hair, ears and shoulders, in face heights."""
_OUTLIERS = 0.01
"""Share of the pictures whose extremes do not count."""
_ALIASING = 0.75
"""Pictures that are shrunk by more than this are shrunk by areas first."""


@dataclass(frozen=True)
class Crop:
    """A square in the pictures of a recording that becomes SIDE x SIDE pixels; it may reach beyond the picture.

    Positions are continuous: the first pixel's middle is at 0.5.

    Args:
        left, top, side: pixels of the recording's pictures.
        size: (width, height) of those pictures.
    """

    left: float
    top: float
    side: float
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the take for one of the recording."""
        return SIDE / self.side

    @property
    def inner(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the pixels of the take that show the recording."""
        width, height = self.size
        low = np.ceil(np.array([-self.left, -self.top]) * self.scale - 0.5)
        high = np.floor(np.array([width - self.left, height - self.top]) * self.scale + 0.5)
        left, top, right, bottom = np.clip([*low, *high], 0, SIDE).astype(int).tolist()
        return left, top, right, bottom

    def K(self, focal_ratio: float) -> NDArray[np.float32]:
        """[3, 3] intrinsics of the take's pictures.

        Args:
            focal_ratio: focal length over the longer side of the recording's picture, in whose middle the principal
                point is.
        """
        width, height = self.size
        focal = focal_ratio * max(self.size) * self.scale
        x, y = (width / 2 - self.left) * self.scale, (height / 2 - self.top) * self.scale
        return np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]], np.float32)

    def points(self, points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """[..., 2] pixels of the recording's pictures to those of the take."""
        return ((points_px - np.array([self.left, self.top])) * self.scale).astype(np.float32)

    def cut(self, picture: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Writes what `picture` [H, W, 3] shows into `out` [SIDE, SIDE, 3]; what it does not show becomes black."""
        height, width = picture.shape[:2]
        left, top, right, bottom = self.inner
        zoom = np.array([self.scale, self.scale])
        if self.scale < _ALIASING:
            shrunk = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
            picture = np.asarray(cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA), np.uint8)
            zoom *= np.array([width, height]) / shrunk
        # OpenCV's positions are those of pixel middles.
        shift = 0.5 * (zoom - 1) - self.scale * np.array([self.left, self.top]) - (left, top)
        to_take = np.column_stack([np.diag(zoom), shift])
        size = (right - left, bottom - top)
        out[:] = 0
        if np.array_equal(to_take, np.eye(2, 3)) and picture.shape[:2] == size[::-1]:
            out[top:bottom, left:right] = picture
            return
        cut = cv2.warpAffine(picture, to_take, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        out[top:bottom, left:right] = cut


def choose_crop(landmarks_px: NDArray[np.float32], size: tuple[int, int]) -> Crop:
    """The square for a whole take.

    Args:
        landmarks_px: [T, 478, 2].
        size: (width, height) of the pictures.
    """
    width, height = size
    face = float(np.median(np.ptp(landmarks_px[..., 1], axis=1)))
    longer = float(max(size))
    if longer <= WHOLE_FACES * face:
        return Crop((width - longer) / 2, (height - longer) / 2, longer, size)
    low = np.quantile(landmarks_px.min(axis=1), _OUTLIERS, axis=0)
    high = np.quantile(landmarks_px.max(axis=1), 1 - _OUTLIERS, axis=0)
    left, right = np.clip([low[0] - _BESIDE * face, high[0] + _BESIDE * face], 0, width)
    top, bottom = np.clip([low[1] - _ABOVE * face, high[1] + _BELOW * face], 0, height)
    side = min(longer, np.ceil(max(right - left, bottom - top)))
    return Crop(_placed((left + right) / 2 - side / 2, side, width), _placed(top, side, height), float(side), size)


def _placed(start: float, side: float, length: int) -> float:
    """Where a square begins that stays within the picture, or in its middle where it is larger."""
    return (length - side) / 2 if side >= length else float(np.clip(round(start), 0, length - side))
