"""MediaPipe's face landmarker behind arrays: picture in, 478 landmarks and 52 blendshape scores out."""

from __future__ import annotations

import weakref
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import RunningMode
from mediapipe.tasks.python.vision.face_landmarker import FaceLandmarker, FaceLandmarkerOptions, FaceLandmarkerResult
from numpy.typing import NDArray

from tracker.assets import TrackerAssetError, locate_model
from tracker.detection import Detection
from tracker.quiet import native_chatter_dropped

MAX_WIDTH = 1280
"""Wider pictures are shrunk first: the networks see 256 x 256 crops, and only the color conversion would get slower."""


class Landmarker:
    """One face, video mode, on the CPU. Not thread-safe; close it.

    Args:
        model_path: a `face_landmarker.task` of the user's own.

    Raises:
        TrackerAssetError: there is no usable model file.
    """

    def __init__(self, model_path: Path | None = None) -> None:
        asset = locate_model(model_path)
        cv2.setNumThreads(1)
        options = FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(asset.path), delegate=BaseOptions.Delegate.CPU),
            running_mode=RunningMode.VIDEO,
            num_faces=1,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with native_chatter_dropped():
            try:
                self._landmarker = FaceLandmarker.create_from_options(options)
                self._close = weakref.finalize(self, _close, self._landmarker)
                # The first picture loads the networks (and makes them talk); a blank one does it here.
                self._run(np.zeros((64, 64, 3), np.uint8), 0)
            except (ValueError, RuntimeError, OSError) as error:
                raise TrackerAssetError(f"MediaPipe cannot load {asset.path}: {error}") from error
        self._last_ms = 0

    def detect(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> Detection | None:
        """Finds the face, or returns None.

        Args:
            image_rgb: [H, W, 3] uint8.
            timestamp_s: of the picture; one that does not grow by a millisecond is moved just behind the previous one.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        if image_rgb.dtype != np.uint8 or image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or not image_rgb.size:
            raise ValueError(f"expected a picture [H, W, 3] of uint8, got {image_rgb.shape} of {image_rgb.dtype}")
        if not np.isfinite(timestamp_s):
            raise ValueError("the timestamp is not finite")
        height, width = image_rgb.shape[:2]
        if width > MAX_WIDTH:
            size = (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width)))
            image_rgb = np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._last_ms = max(self._last_ms + 1, int(timestamp_s * 1000))
        result = self._run(np.ascontiguousarray(image_rgb), self._last_ms)
        if not result.face_landmarks:
            return None
        landmarks = np.array([(point.x, point.y) for point in result.face_landmarks[0]], np.float32)
        scores = np.array([category.score for category in result.face_blendshapes[0]], np.float32)
        return Detection(
            landmarks_px=landmarks * np.array([width, height], np.float32),
            scores=scores,
            camera_from_face=np.asarray(result.facial_transformation_matrixes[0], np.float32),
        )

    def _run(self, image_rgb: NDArray[np.uint8], timestamp_ms: int) -> FaceLandmarkerResult:
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=image_rgb)
        return self._landmarker.detect_for_video(image, timestamp_ms)

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        self._close()


def _close(landmarker: FaceLandmarker) -> None:
    """Frees the networks; at interpreter exit, when MediaPipe's own thread is gone, the process frees them."""
    try:
        landmarker.close()
    except RuntimeError:
        setattr(landmarker, "_handle", None)  # noqa: B010 - not in its stub; else its __del__ tries again and complains on standard error
