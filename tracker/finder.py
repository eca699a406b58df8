"""Where in a picture there is a face: MediaPipe's FaceLandmarker on single pictures."""

from __future__ import annotations

import math
import weakref
from functools import lru_cache
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import RunningMode
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarker, FaceLandmarkerOptions
from numpy.typing import NDArray

TILE_SHARE = 0.75
"""Side of a tile over the shorter side of the picture."""


class FaceFinder:
    """Finds the largest face of a picture without knowing the previous one. Not thread-safe; close it.

    MediaPipe's detector sees the whole picture at 128 x 128 and misses faces whose eyes are closer together than a
    twentieth of its width: somebody two metres from a webcam. So each picture without a face is also searched in one
    of several overlapping tiles, those of the middle first; the next picture, in the next one.

    Args:
        task: a `face_landmarker.task`.
        faces: most that `everyone` tells of.

    Raises:
        ValueError, RuntimeError, OSError: MediaPipe cannot load the file.
    """

    def __init__(self, task: Path, faces: int = 1) -> None:
        options = FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(task), delegate=BaseOptions.Delegate.CPU),
            running_mode=RunningMode.IMAGE,
            num_faces=faces,
        )
        self._landmarker = FaceLandmarker.create_from_options(options)
        self._close = weakref.finalize(self, _close, self._landmarker)
        self._searched = 0

    def __call__(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """[478, 2] landmarks in pixels of the contiguous picture [H, W, 3] uint8, or None without a face."""
        found = self._in(image_rgb)
        if found is None:
            places = tiles(image_rgb.shape[1], image_rgb.shape[0])
            x, y, side = places[self._searched % len(places)]
            self._searched += 1
            found = self._in(np.ascontiguousarray(image_rgb[y : y + side, x : x + side]))
            found = None if found is None else found + np.array([x, y])
        if found is not None:
            self._searched = 0
        return found

    def everyone(self, image_rgb: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """[478, 2] landmarks in pixels of each face in the contiguous picture; small ones in the back are missed."""
        height, width = image_rgb.shape[:2]
        result = self._landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=image_rgb))
        return [np.array([(point.x * width, point.y * height) for point in face]) for face in result.face_landmarks]

    def _in(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        return next(iter(self.everyone(image_rgb)), None)

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        self._close()


@lru_cache(maxsize=8)
def tiles(width: int, height: int) -> tuple[tuple[int, int, int], ...]:
    """Left, top and side of the tiles of a picture, nearest to its middle first; neighbors overlap by a third or more,
    so that a face at a border is whole in one of them."""
    side = max(1, round(TILE_SHARE * min(width, height)))
    columns, rows = (
        np.linspace(0, length - side, 1 + math.ceil(1.5 * (length - side) / side)).astype(int).tolist()
        for length in (width, height)
    )
    middle = np.array([width - side, height - side]) / 2
    places = [(x, y, side) for x in columns for y in rows]
    return tuple(sorted(places, key=lambda place: float(np.hypot(*(place[:2] - middle)))))


def _close(landmarker: FaceLandmarker) -> None:
    """Frees the networks; at interpreter exit, when MediaPipe's own thread is gone, the process frees them."""
    try:
        landmarker.close()
    except RuntimeError:
        setattr(landmarker, "_handle", None)  # noqa: B010 - not in its stub; else its __del__ tries again and complains on standard error
