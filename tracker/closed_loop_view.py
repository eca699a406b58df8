"""What the closed loop sees: the head's part of the camera's picture, and a guess of what is behind the person."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.camera import Camera

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

REACH_M = 0.24
"""Half the side of the compared part of the world, at the head's distance."""
CENTER_M = np.array([0.0, 0.045])
"""Its middle, from the head's origin: camera axes, so a little below the eyes."""
NEAREST_M = 0.05
BEHIND = 0.05
"""Standard deviation of the blur that the background is guessed with, over the side of the picture."""
BEHIND_SPREAD = np.float32(0.08)
"""Standard deviation of a background of which half is believed."""
_COARSE = 4
"""Pixels of a cell in which the background is guessed."""
_FAINT = np.float32(1e-3)
"""Where less than this of the blur is background, the mean of it all is more likely."""
_CLEAR = 0.99
"""Share of a cell from which on it shows nothing but background."""
_EVERY = 4
"""Light is judged by every so many-th pixel, in rows and columns."""
_COVERED = 0.9
"""From this alpha on a pixel shows the person alone."""
LIGHT_MEMORY = 0.9
"""What the last picture's light says of the next one's."""
LIGHT_LIMIT = 3.0
"""A light that is stronger or weaker than that of the avatar by more than this is none that it can be compared in."""
_DARK = np.float32(1 / 255)
_NEAR = 0.031
"""How far around the avatar pictures are compared, over their side."""


class ClosedLoopView:
    """One picture after the other, in buffers of its own.

    Args:
        side: width and height of the compared picture, a multiple of 16.

    Attributes:
        picture: [side, side, 3] float32 0..1.
        behind: [side, side, 3] float32 0..1, the background.
        weights: [side, side] float32 whose sum is 1, or 0 where the head is not in the picture.
        light: [3] how much brighter the avatar is than the person in this light; None before the first picture.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self.picture = np.zeros((side, side, 3), np.float32)
        self.behind = np.zeros((side, side, 3), np.float32)
        self.weights = np.zeros((side, side), np.float32)
        self.light: Floats | None = None
        self._seen = np.zeros((side, side), np.float32)
        reach = 2 * max(1, round(_NEAR * side)) + 1
        self._near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))

    def look(self, image_rgb: NDArray[np.uint8], position: Array, K: Floats) -> Camera:
        """Cuts the compared part out of a picture.

        Args:
            image_rgb: [H, W, 3] uint8.
            position: [3] of the head's origin, metres, camera frame.
            K: [3, 3] intrinsics of `image_rgb`.

        Returns:
            The camera of the part.
        """
        focal, depth = float(K[0, 0]), max(float(position[2]), NEAREST_M)
        half = REACH_M * focal / depth
        corner = (position[:2] + CENTER_M) * focal / depth + K[:2, 2] - half
        scale = self._side / (2 * half)
        source, at = _clipped(image_rgb, corner, 2 * half)
        fine = max(1, int(1 / scale))  # warpAffine does not average: that comes after it
        zoom, shift, wide = scale * fine, scale * fine * (at - corner) + 0.5 * scale * fine - 0.5, fine * self._side
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
        cut = cv2.warpAffine(source, matrix, (wide, wide), borderMode=cv2.BORDER_REPLICATE)
        if fine > 1:
            cut = cv2.resize(cut, (self._side, self._side), interpolation=cv2.INTER_AREA)
        np.multiply(cut, np.float32(1 / 255), out=self.picture)
        self._seen[...] = 0
        left, top = np.ceil(scale * -corner).clip(0, self._side).astype(int)
        right, bottom = np.floor(scale * (image_rgb.shape[1::-1] - corner)).clip(0, self._side).astype(int)
        self._seen[top:bottom, left:right] = 1
        intrinsics = K.astype(np.float64).copy()
        intrinsics[:2] *= scale
        intrinsics[:2, 2] -= scale * corner
        return Camera(np.eye(4, dtype=np.float32), intrinsics.astype(np.float32), self._side, self._side)

    def adapt(self, planes: Floats) -> None:
        """Shows the picture in the light in which the avatar was made: exposure and color of light as one factor each.

        Args:
            planes: [4, >= side, >= side] the avatar as drawn about there: color times alpha, and alpha.
        """
        some = slice(None, self._side, _EVERY)
        shown = (planes[3, some, some] > _COVERED) & (self._seen[::_EVERY, ::_EVERY] > 0)
        if shown.any():
            drawn = planes[:3, some, some][:, shown].sum(axis=1)
            light = drawn / np.maximum(self.picture[::_EVERY, ::_EVERY][shown].sum(axis=0), _DARK * shown.sum())
            light = light.clip(1 / LIGHT_LIMIT, LIGHT_LIMIT)
            self.light = light if self.light is None else light + LIGHT_MEMORY * (self.light - light)
        if self.light is not None:
            self.picture *= self.light

    def look_behind(self, alpha: Floats) -> None:
        """Guesses the background around the avatar from the picture further out, and how far it can be relied on.

        Args:
            alpha: [>= side, >= side] of the avatar.
        """
        side, cells = self._side, self._side // _COARSE
        cover = (alpha[:side, :side] > 0.5).astype(np.uint8)
        near = cv2.dilate(cover, self._near)
        clear = cv2.resize((1 - near) * self._seen, (cells, cells), interpolation=cv2.INTER_AREA)
        clear = np.asarray(clear > _CLEAR, np.float32)
        shown = cv2.resize(self.picture, (cells, cells), interpolation=cv2.INTER_AREA) * clear[..., None]

        def spread(values: Floats) -> Floats:
            return np.asarray(cv2.GaussianBlur(values, (0, 0), BEHIND * cells), np.float32)

        everywhere = shown.sum(axis=(0, 1)) / max(float(clear.sum()), 1.0)
        amount = spread(clear) + _FAINT
        mean = (spread(shown) + _FAINT * everywhere) / amount[..., None]
        variance = np.maximum(spread(shown * shown) / amount[..., None] - mean**2, 0).mean(axis=2)
        trust = amount / (amount + np.float32(0.05)) / (1 + variance / BEHIND_SPREAD**2)
        cv2.resize(mean, (side, side), dst=self.behind, interpolation=cv2.INTER_LINEAR)
        trust = cv2.resize(trust, (side, side), interpolation=cv2.INTER_LINEAR)
        weights = self._seen * near * np.where(cover > 0, np.float32(1), trust)
        np.multiply(weights, np.float32(1 / max(float(weights.sum()), 1.0)), out=self.weights)


def _clipped(image: NDArray[np.uint8], corner: Array, size: float) -> tuple[NDArray[np.uint8], Array]:
    """The part of a picture that a square covers, at least a pixel of it, and where that begins."""
    limits = np.array(image.shape[1::-1])
    first = np.floor(corner - 1).clip(0, limits - 1).astype(int)
    last = np.ceil(corner + size + 1).clip(first + 1, limits).astype(int)
    return image[first[1] : last[1], first[0] : last[0]], first.astype(np.float64)
