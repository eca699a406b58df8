"""The square of the picture that SMIRK's networks see, held still as long as the face stays within it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CROP = 224
"""Side of the networks' input, pixels."""
ROOM = 1.4
"""Side of the square over the mean of width and height of the landmarks' bounding box; trained with 1.2 to 1.8."""
_SMALLEST_PX = 8.0
_MAX_OVERSAMPLING = 4

LEASH = 0.04
"""How far the face moves within the square before it takes the square along, in sides of the square."""
SCALE_LEASH = 0.06
"""The same for its size, relative."""
SMOOTHING_S = 0.06
"""Time constant of the low pass before the leash."""
JUMP = 0.5
"""A face that moves this many sides at once is followed at once."""
ABSENCE_S = 0.5
"""After a longer pause the square starts anew."""


@dataclass(frozen=True, eq=False)
class Box:
    """A square of the picture.

    Args:
        center: [2] pixels.
        size: side in pixels.
    """

    center: Array
    size: float

    @property
    def px_per_ndc(self) -> float:
        """Pixels per unit of SMIRK's normalized coordinates, which are -1..1 over the CROP pixels of the crop."""
        return CROP / 2 * self.size / (CROP - 1)

    def to_image(self, ndc: Array) -> Array:
        """[n, 2] pixels of [n, 2] normalized crop coordinates (x right, y down).

        As in SMIRK's own cropping, the square's corners are the centers of the crop's corner pixels.
        """
        return self.center + (ndc * (CROP / 2) + 0.5) * (self.size / (CROP - 1))

    def to_ndc(self, image_px: Array) -> Array:
        """Inverse of `to_image`."""
        return ((image_px - self.center) * ((CROP - 1) / self.size) - 0.5) / (CROP / 2)


def face_box(landmarks_px: NDArray[np.floating]) -> Box | None:
    """The square around landmarks [n, 2]; None where they are not finite or hardly a face."""
    low, high = landmarks_px.min(axis=0).astype(np.float64), landmarks_px.max(axis=0).astype(np.float64)
    size = float((high - low).mean()) * ROOM
    if not np.isfinite(size) or size < _SMALLEST_PX:
        return None
    return Box((low + high) / 2, size)


def crop_face(image_rgb: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """[1, 3, CROP, CROP] float32 in 0..1: the square by a similarity warp, black outside of the picture.

    A large face is warped to a multiple of CROP and averaged down, since its noise would alias otherwise.
    """
    factor = int(np.clip(box.size // CROP, 1, _MAX_OVERSAMPLING))
    scale = (CROP - 1) / box.size * factor
    # Pixel u of the crop covers the pixels u * factor .. u * factor + factor - 1 before averaging.
    offset = (CROP - 1) / 2 * factor + (factor - 1) / 2 - box.center * scale
    matrix = np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])
    side = CROP * factor
    crop = cv2.warpAffine(image_rgb, matrix, (side, side), flags=cv2.INTER_LINEAR)
    if factor > 1:
        crop = cv2.resize(crop, (CROP, CROP), interpolation=cv2.INTER_AREA)
    return (np.ascontiguousarray(crop.transpose(2, 0, 1))[None] / np.float32(255)).astype(np.float32, copy=False)


class BoxStabilizer:
    """Moves the square only as far as it must.

    The networks answer to every shift of their input, so a square that trembles with the landmarks makes the face
    tremble. The measured box is smoothed and then pulls the square on a leash: within the leash the square rests,
    beyond it follows without a step.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the face: the next box is taken as it is."""
        self._smooth: Array | None = None
        self._held = np.zeros(3)
        self._time_s = 0.0

    def __call__(self, box: Box, time_s: float) -> Box:
        """The square for the picture at `time_s` (seconds, growing), whose landmarks have the bounding box `box`."""
        measured = np.append(box.center, np.log(box.size))
        elapsed, self._time_s = time_s - self._time_s, time_s
        if self._smooth is None or elapsed > ABSENCE_S or self._jumped(measured):
            self._smooth, self._held = measured, measured.copy()
        else:
            gain = 1 - np.exp(-max(elapsed, 0.0) / SMOOTHING_S)
            smooth = self._smooth + gain * (measured - self._smooth)
            self._smooth = smooth
            self._pull(smooth)
        return Box(self._held[:2].copy(), float(np.exp(self._held[2])))

    def _jumped(self, measured: Array) -> bool:
        return float(np.linalg.norm(measured[:2] - self._held[:2])) > JUMP * float(np.exp(self._held[2]))

    def _pull(self, target: Array) -> None:
        offset = target - self._held
        leash = LEASH * float(np.exp(self._held[2]))
        distance = float(np.linalg.norm(offset[:2]))
        if distance > leash:
            self._held[:2] += offset[:2] * (1 - leash / distance)
        if abs(offset[2]) > SCALE_LEASH:
            self._held[2] += offset[2] - np.copysign(SCALE_LEASH, offset[2])
