"""Where in a picture there is a face: MediaPipe's FaceLandmarker on single pictures."""

from __future__ import annotations

import weakref
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import RunningMode
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarker, FaceLandmarkerOptions
from numpy.typing import NDArray


class FaceFinder:
    """Finds the largest face of a picture without knowing the previous one. Not thread-safe; close it.

    Args:
        task: a `face_landmarker.task`.

    Raises:
        ValueError, RuntimeError, OSError: MediaPipe cannot load the file.
    """

    def __init__(self, task: Path) -> None:
        options = FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(task), delegate=BaseOptions.Delegate.CPU),
            running_mode=RunningMode.IMAGE,
            num_faces=1,
        )
        self._landmarker = FaceLandmarker.create_from_options(options)
        self._close = weakref.finalize(self, _close, self._landmarker)

    def __call__(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """[478, 2] landmarks in pixels of the contiguous picture [H, W, 3] uint8, or None without a face."""
        height, width = image_rgb.shape[:2]
        result = self._landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=image_rgb))
        if not result.face_landmarks:
            return None
        return np.array([(point.x * width, point.y * height) for point in result.face_landmarks[0]])

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        self._close()


def _close(landmarker: FaceLandmarker) -> None:
    """Frees the networks; at interpreter exit, when MediaPipe's own thread is gone, the process frees them."""
    try:
        landmarker.close()
    except RuntimeError:
        setattr(landmarker, "_handle", None)  # noqa: B010 - not in its stub; else its __del__ tries again and complains on standard error
