"""From pictures of one camera to face parameters: landmarker, fit, calibration, smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.model import HeadModel
from tracker.detection import Detection
from tracker.estimator import FOCAL_RATIO, FaceEstimator
from tracker.landmarker import Landmarker
from tracker.profile import PersonProfile
from tracker.smoothing import ParamsSmoother


@dataclass(frozen=True, eq=False)
class TrackResult:
    """What one picture shows.

    Args:
        params: None where there is no face in the picture.
        landmarks_px: [478, 2] MediaPipe's landmarks in pixels.
        scores: [52] MediaPipe's blendshape scores (tracker.landmarker.BLENDSHAPE_NAMES).
        residual: rms landmark error / inter-ocular distance; nan without a face.
    """

    params: FaceParams | None
    landmarks_px: NDArray[np.float32] | None
    scores: NDArray[np.float32] | None
    residual: float


NO_FACE = TrackResult(None, None, None, float("nan"))
"""Of a picture without a face."""


class FaceFollower:
    """From what the networks see in the pictures of one camera to parameters that are calm over time.

    Args:
        head: the head model whose parameters are wanted.
        smoothing: filter the parameters over time; without, every picture stands for itself.
        person: whom to expect (tracker.calibrate).

    Raises:
        ProfileError: the profile is for another head model.
    """

    def __init__(self, head: HeadModel, *, smoothing: bool = True, person: PersonProfile | None = None) -> None:
        self._estimator = FaceEstimator(head, person=person)
        self._smoother = ParamsSmoother() if smoothing else None
        self._time_s = 0.0

    def follow(self, detection: Detection | None, image_size: tuple[int, int], timestamp_s: float) -> TrackResult:
        """The parameters of the next picture.

        Args:
            detection: None without a face.
            image_size: (height, width) of the picture.
            timestamp_s: see FaceTracker.track.
        """
        self._time_s = max(self._time_s + 1e-3, timestamp_s)
        if detection is None:
            self._estimator.lose()
            return NO_FACE
        was_following = self._estimator.is_following
        estimate = self._estimator.estimate(detection, image_size, self._time_s)
        if estimate is None:
            return NO_FACE
        params, residual = estimate
        if self._smoother is not None:
            if not was_following:
                self._smoother.reset()
            params = self._smoother(params, self._time_s)
        return TrackResult(params, detection.landmarks_px, detection.scores, residual)


class FaceTracker:
    """Tracks the face of one camera with MediaPipe and a fit. Not thread-safe; close it.

    Implements tracker.extractor.Extractor.

    Args:
        head: the head model whose parameters are wanted.
        model_path: a `face_landmarker.task` of the user's own; the packaged one without.
        smoothing: filter the parameters over time; without, every picture stands for itself.
        person: whom to expect (tracker.calibrate).

    Raises:
        TrackerAssetError: there is no usable model file.
        ProfileError: the profile is for another head model.
    """

    name = "mediapipe"
    focal_ratio = FOCAL_RATIO

    def __init__(
        self,
        head: HeadModel,
        *,
        model_path: Path | None = None,
        smoothing: bool = True,
        person: PersonProfile | None = None,
    ) -> None:
        self.head_model_id = head.model_id
        self._landmarker = Landmarker(model_path)
        self._follower = FaceFollower(head, smoothing=smoothing, person=person)
        if person is not None:
            self.focal_ratio = person.focal_ratio

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> TrackResult:
        """Tracks one picture; one without a face is a result, not an error.

        Args:
            image_rgb: [H, W, 3] uint8, not mirrored.
            timestamp_s: of the picture, seconds from any start; one that does not grow is moved just behind the
                previous one.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        detection = self._landmarker.detect(image_rgb, timestamp_s)
        return self._follower.follow(detection, (image_rgb.shape[0], image_rgb.shape[1]), timestamp_s)

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        self._landmarker.close()
