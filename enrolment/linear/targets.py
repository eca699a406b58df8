"""The pictures of a take as training wants them: multiplied by their alpha, at two sizes, with weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.take import SIDE, Take

COARSE = SIDE // 2
PLAIN, IMPORTANT = 16, 48
"""Weights in sixteenths: of the picture, and of eyes and mouth."""

_PERSON, _TRIES = 128, 20
"""From this alpha on a pixel is the person's; so often one is looked for."""

_LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185]
_LEFT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]
_RIGHT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
_MARGINS = ((_LIPS, 0.06), (_LEFT_EYE, 0.05), (_RIGHT_EYE, 0.05))
"""Landmarks around what is important, and by how much of the face's height to widen."""

Bytes = NDArray[np.uint8]


class Targets:
    """Pictures to be learned from, by their index in the take.

    Args:
        take: the take.
        indices: which pictures.
        threads: how many threads prepare them.
    """

    def __init__(self, take: Take, indices: NDArray[np.intp], threads: int = 2) -> None:
        count = len(indices)
        self.indices = indices
        self._fine = np.empty((count, SIDE, SIDE, 3), np.uint8)
        self._fine_alphas = take.alphas
        self._coarse = np.empty((count, COARSE, COARSE, 3), np.uint8)
        self._coarse_alphas = np.empty((count, COARSE, COARSE), np.uint8)
        self._weights = np.empty((count, COARSE, COARSE), np.uint8)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda row: self._prepare(take, row), range(count)))

    def __len__(self) -> int:
        return len(self.indices)

    def get(self, row: int, size: int) -> tuple[Bytes, Bytes, Bytes]:
        """Picture [size, size, 3] times alpha, alpha [size, size], and weights [COARSE, COARSE] of one picture."""
        if size == SIDE:
            return self._fine[row], self._fine_alphas[self.indices[row]], self._weights[row]
        return self._coarse[row], self._coarse_alphas[row], self._weights[row]

    def _prepare(self, take: Take, row: int) -> None:
        index = self.indices[row]
        alpha = take.alphas[index]
        cover = cv2.merge([alpha, alpha, alpha])
        self._fine[row] = cv2.multiply(take.images[index], cover, scale=1 / 255)
        self._coarse[row] = cv2.resize(self._fine[row], (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        self._coarse_alphas[row] = cv2.resize(alpha, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        self._weights[row] = weights_of(take.landmarks_px[index] * (COARSE / SIDE), COARSE)


def weights_of(landmarks_px: NDArray[np.float32], size: int) -> Bytes:
    """[size, size] sixteenths; landmarks [478, 2] in pixels of that size."""
    weights = np.full((size, size), PLAIN, np.uint8)
    height = float(np.ptp(landmarks_px[:, 1]))
    for ring, margin in _MARGINS:
        region = np.zeros_like(weights)
        cv2.fillConvexPoly(region, cv2.convexHull(np.round(landmarks_px[ring]).astype(np.int32)), 1)
        reach = 2 * max(1, round(margin * height)) + 1
        region = cv2.dilate(region, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        weights[region > 0] = IMPORTANT
    return weights


def part_of_person(
    alpha: Bytes, inner: tuple[int, int, int, int], size: int, random: np.random.Generator
) -> tuple[int, int]:
    """(left, top) of a square around some place of the person, within `inner`.

    Args:
        alpha: [H, W].
        inner: (left, top, right, bottom), at least `size` each way.
        size: of the square, pixels.
        random: chooses.
    """
    left, top, right, bottom = inner
    for _ in range(_TRIES):
        column, row = int(random.integers(left, right)), int(random.integers(top, bottom))
        if alpha[row, column] > _PERSON:
            break
    else:
        column, row = (left + right) // 2, (top + bottom) // 2
    half = size // 2
    return min(max(column - half, left), right - size), min(max(row - half, top), bottom - size)
