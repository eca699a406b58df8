"""The mattes of a take: several threads, no holes in the person, no flicker of single pictures."""

from __future__ import annotations

from queue import SimpleQueue

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.matting import PersonMatte, SegmentationNetwork, head_region

RUN_IN_S = 0.4
"""So long before its first picture the steadying of a stretch of the take begins."""
_BORDER_PX = 3
"""The network is unsure at the picture's border; what is a little further in counts there."""
_SURE = 250
_HOLE_SHARE = 0.002
"""Larger holes, as a share of the picture, are none: an arm akimbo."""
_FACE_SHRINK = 0.92
"""The part of the landmarks' outline that is certainly person."""
_NEIGHBOR_S = 0.12
"""Pictures further apart are no neighbors."""

Bytes = NDArray[np.uint8]


class TakeMatter:
    """Mattes stretches of a take; several threads may do so at once.

    Args:
        network: what finds the person.
        threads: how many work at once.
        inner: (left, top, right, bottom) of the pixels of the take that show the recording; alpha is 0 elsewhere.
    """

    def __init__(self, network: SegmentationNetwork, threads: int, inner: tuple[int, int, int, int]) -> None:
        self._networks: SimpleQueue[SegmentationNetwork] = SimpleQueue()
        for _ in range(threads):
            self._networks.put(network.another())
        self._inner = inner

    def matte(
        self,
        images: Bytes,
        landmarks_px: NDArray[np.float32],
        time_s: NDArray[np.float64],
        stretch: tuple[int, int],
        out: Bytes,
    ) -> None:
        """Writes the mattes of pictures first..end - 1.

        Args:
            images: [T, SIDE, SIDE, 3]; those of the stretch, and those RUN_IN_S before it, are there.
            landmarks_px: [T, 478, 2].
            time_s: [T].
            stretch: (first, end).
            out: [T, SIDE, SIDE].
        """
        first, end = stretch
        network = self._networks.get()
        try:
            matte = PersonMatte(network)
            start = int(np.searchsorted(time_s, time_s[first] - RUN_IN_S))
            for index in range(start, end):
                alpha = self._one(matte, images[index], landmarks_px[index], float(time_s[index]))
                if index >= first:
                    out[index] = alpha
        finally:
            self._networks.put(network)

    def _one(self, matte: PersonMatte, image: Bytes, landmarks_px: NDArray[np.float32], time_s: float) -> Bytes:
        left, top, right, bottom = self._inner
        landmarks = landmarks_px - np.array([left, top], np.float32)
        seen = matte(np.ascontiguousarray(image[top:bottom, left:right]), time_s, head_region(landmarks))
        alpha = fill_holes(_to_the_border(np.round(255 * seen).astype(np.uint8)), landmarks)
        whole = np.zeros(image.shape[:2], np.uint8)
        whole[top:bottom, left:right] = alpha
        return whole


def matte_one(network: SegmentationNetwork, image_rgb: Bytes, landmarks_px: NDArray[np.float32]) -> Bytes:
    """[H, W] alpha 0..255 of a single picture [H, W, 3] with a face's landmarks [478, 2]."""
    seen = PersonMatte(network, steady=False)(image_rgb, 0.0, head_region(landmarks_px))
    return fill_holes(_to_the_border(np.round(255 * seen).astype(np.uint8)), landmarks_px)


def _to_the_border(alpha: Bytes) -> Bytes:
    width = _BORDER_PX
    if min(alpha.shape) <= 2 * width:
        return alpha
    core = alpha[width:-width, width:-width]
    return np.asarray(cv2.copyMakeBorder(core, width, width, width, width, cv2.BORDER_REPLICATE), np.uint8)


def fill_holes(alpha: Bytes, landmarks_px: NDArray[np.float32]) -> Bytes:
    """The matte with the face, and small gaps elsewhere in the person, opaque.

    Args:
        alpha: [H, W] 0..255.
        landmarks_px: [478, 2] of the face in it.
    """
    filled = alpha.copy()
    hull = cv2.convexHull(landmarks_px)[:, 0]
    middle = hull.mean(axis=0)
    face = np.round(middle + _FACE_SHRINK * (hull - middle)).astype(np.int32)
    cv2.fillConvexPoly(filled, face, 255)
    sure = np.asarray(filled >= _SURE, np.uint8)
    contours, hierarchy = cv2.findContours(sure, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    largest = _HOLE_SHARE * alpha.size
    for index, contour in enumerate(contours):
        is_hole = hierarchy[0, index, 3] >= 0
        if is_hole and cv2.contourArea(contour) < largest:
            cv2.drawContours(filled, contours, index, 255, cv2.FILLED)
    return filled


def calm(alphas: Bytes, time_s: NDArray[np.float64]) -> None:
    """Replaces each value by the median of its neighbors in time and itself, in place: a flicker goes, motion stays.

    Args:
        alphas: [T, H, W].
        time_s: [T].
    """
    if len(alphas) < 3:
        return
    before = alphas[0].copy()
    for index in range(1, len(alphas) - 1):
        now, after = alphas[index].copy(), alphas[index + 1]
        if time_s[index + 1] - time_s[index - 1] < 2 * _NEIGHBOR_S:
            low, high = np.minimum(before, now), np.maximum(before, now)
            alphas[index] = np.maximum(low, np.minimum(high, after))
        before = now
