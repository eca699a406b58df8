"""Picture in, 478 landmarks, 52 blendshape scores and the pose out: MediaPipe finds a face, its networks follow it.

The same numbers as MediaPipe's FaceLandmarker in video mode give (a test compares them) for two thirds of its time.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.assets import TrackerAssetError, locate_model
from tracker.canonical_face import MEMBER, CanonicalFace
from tracker.detection import Detection
from tracker.finder import FaceFinder
from tracker.networks import CROP, BlendshapeNetwork, LandmarkNetwork
from tracker.pictures import require_picture
from tracker.quiet import native_chatter_dropped
from tracker.smoothing import LandmarkSmoother
from tracker.topology import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS

MAX_WIDTH = 1280
"""Wider pictures are shrunk first: the networks see 256 x 256 crops."""
PRESENT = 0.5
"""Probability of a face below which it counts as lost (MediaPipe's default)."""
_ROOM = 1.5
"""Side of the square that is looked at over the longer side of the landmarks' bounding box."""
_LEAST_INTERVAL_S = 0.001


class Landmarker:
    """Follows one face through the pictures of one camera, on the CPU. Not thread-safe; close it.

    Args:
        model_path: a `face_landmarker.task` of the user's own.

    Raises:
        TrackerAssetError: there is no usable model file.
    """

    def __init__(self, model_path: Path | None = None) -> None:
        task = locate_model(model_path).path
        cv2.setNumThreads(1)
        with native_chatter_dropped():
            try:
                self._find = FaceFinder(task)
                self._look, self._score = LandmarkNetwork(task), BlendshapeNetwork(task)
                with ZipFile(task) as archive:
                    self._canonical = CanonicalFace.parse(archive.read(MEMBER))
                # The first picture loads MediaPipe's networks (and makes them talk); a blank one does it here.
                self._find(np.zeros((64, 64, 3), np.uint8))
            except (ValueError, RuntimeError, OSError, KeyError) as error:
                raise TrackerAssetError(f"MediaPipe's networks cannot be loaded from {task}: {error}") from error
        self._smooth = LandmarkSmoother()
        self._previous: NDArray[np.float64] | None = None
        self._size = (0, 0)
        self._time_s = 0.0

    def detect(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> Detection | None:
        """Finds or follows the face; None without one.

        Args:
            image_rgb: [H, W, 3] uint8.
            timestamp_s: of the picture; one that does not grow by a millisecond is moved just behind the previous one.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        require_picture(image_rgb, timestamp_s)
        self._time_s = max(self._time_s + _LEAST_INTERVAL_S, timestamp_s)
        height, width = image_rgb.shape[:2]
        if width > MAX_WIDTH:
            size = (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width)))
            image_rgb = np.asarray(cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        landmarks = self._landmarks(np.ascontiguousarray(image_rgb))
        if landmarks is None:
            return None
        landmarks = self._smooth(landmarks, self._time_s)
        shrunk = np.array([width / image_rgb.shape[1], height / image_rgb.shape[0]])
        return Detection(
            landmarks_px=(landmarks[:, :2] * shrunk).astype(np.float32),
            scores=self._score(landmarks),
            camera_from_face=self._canonical.camera_from_face(landmarks, (image_rgb.shape[0], image_rgb.shape[1])),
        )

    def _landmarks(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """[478, 3] unsmoothed landmarks in pixels: near the previous ones, else anywhere in the picture."""
        if image_rgb.shape[:2] != self._size:
            self._size = (image_rgb.shape[0], image_rgb.shape[1])
            self._previous = None
        landmarks = self._near(image_rgb, self._previous) if self._previous is not None else None
        if landmarks is None:
            self._smooth.reset()
            found = self._find(image_rgb)
            landmarks = self._near(image_rgb, found) if found is not None else None
        self._previous = landmarks
        return landmarks

    def _near(self, image_rgb: NDArray[np.uint8], around: NDArray[np.float64]) -> NDArray[np.float64] | None:
        landmarks, presence = self._look(image_rgb, _square_around(around))
        return landmarks if presence >= PRESENT and np.isfinite(landmarks).all() else None

    def close(self) -> None:
        """Frees MediaPipe's networks; calling it twice is fine."""
        self._find.close()


def _square_around(landmarks_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2, 3] takes a position in the network's square to pixels: upright by the eyes, with room around the face."""
    low, high = landmarks_px[:, :2].min(axis=0), landmarks_px[:, :2].max(axis=0)
    across = landmarks_px[LEFT_EYE_CORNERS[0], :2] - landmarks_px[RIGHT_EYE_CORNERS[0], :2]
    length = max(float(np.hypot(*across)), 1e-6)
    cosine, sine = across / length * (_ROOM * float((high - low).max()) / CROP)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, (low + high) / 2 - turn @ (CROP / 2, CROP / 2)])
