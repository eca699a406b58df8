"""SMIRK as a face tracker: MediaPipe finds the face and its gaze, SMIRK's networks give the rest."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assets.errors import AssetError
from assets.store import AssetStore, default_asset_store
from codec.params import MAX_EXPRESSION, FaceParams
from renderer.head.model import JOINT_NAMES, HeadModel
from renderer.head.pose import FLIP, rotation_matrix
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.estimator import FOCAL_RATIO
from tracker.face_tracker import NO_FACE, TrackResult
from tracker.fit import MAX_EXPRESSION_SIGMA, FitState
from tracker.gaze import GazeEstimator
from tracker.landmark_model import LandmarkModel
from tracker.landmarker import Landmarker
from tracker.smirk.camera import Pose, RootAnchor, WeakPerspective, to_perspective
from tracker.smirk.crop import ABSENCE_S, Box, BoxStabilizer, crop_face, face_box
from tracker.smirk.errors import SmirkUnavailable
from tracker.smirk.session import FRAME_FILE, FRAME_OUTPUTS, SHAPE_FILE, SHAPE_OUTPUTS, Session
from tracker.smoothing import ParamsSmoother
from tracker.topology import fit_landmarks, inter_ocular

Array = NDArray[np.float64]

BASIS = "flame-2020"
"""Head models whose name starts so have the expressions that SMIRK was trained for."""
_DOUBT_S = 1.0
_LEAST_INTERVAL_S, _LARGEST_INTERVAL_S, _FIRST_INTERVAL_S = 0.001, 0.2, 0.04
_SMALLEST_SCALE = 1e-3


class SmirkExtractor:
    """Tracks the face of one camera with SMIRK. Not thread-safe; close it.

    Implements tracker.extractor.Extractor.

    Args:
        head: FLAME 2020.
        store: where the weights are installed; the user's own store without.
        model_path: a `face_landmarker.task` of the user's own; the packaged one without.
        smoothing: filter the parameters over time; without, every picture stands for itself (but for the crop, which
            follows the face, and the position's anchor, which is learned).
        focal_ratio: focal length of the camera over the longer side of its pictures.

    Raises:
        SmirkUnavailable: no weights are installed or they are damaged, the head model is another one, or ONNX Runtime
            is missing.
        TrackerAssetError: there is no usable landmarker.
    """

    name = "smirk"

    def __init__(
        self,
        head: HeadModel,
        *,
        store: AssetStore | None = None,
        model_path: Path | None = None,
        smoothing: bool = True,
        focal_ratio: float = FOCAL_RATIO,
    ) -> None:
        if not head.name.startswith(BASIS):
            raise SmirkUnavailable(
                f"SMIRK gives expressions of FLAME 2020, but the head model is {head.name}: install FLAME 2020, or use "
                "the extractor mediapipe."
            )
        self.head_model_id, self.focal_ratio = head.model_id, focal_ratio
        frame, self._shape_file = _installed(store or default_asset_store())
        self._frame = Session(frame, FRAME_OUTPUTS)
        self._shape: Session | None = None
        self._landmarker = Landmarker(model_path)
        self._stabilizer, self._anchor = BoxStabilizer(), RootAnchor()
        self._gaze = GazeEstimator(head)
        self._smoother = ParamsSmoother() if smoothing else None
        self._indices, self._weights = fit_landmarks(head.landmark_weights)
        self._landmarks = LandmarkModel.of(head, self._indices)
        self._root_joint = (head.J_regressor[JOINT_NAMES.index("root")] @ head.v_template).astype(np.float64)
        self._score_gaze = _gaze_response(head)
        self._time_s = 0.0
        self._seen_s: float | None = None
        self._following = False

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> TrackResult:
        """Tracks one picture; one without a face is a result, not an error.

        Args:
            image_rgb: [H, W, 3] uint8, not mirrored.
            timestamp_s: of the picture, seconds from any start; one that does not grow is moved just behind the
                previous one.

        Raises:
            ValueError: the picture has another shape or type, or the timestamp is not finite.
        """
        located = self._locate(image_rgb, timestamp_s)
        if located is None:
            self._following = False
            return NO_FACE
        detection, box = located
        outputs = {name: value.astype(np.float64) for name, value in self._frame(crop_face(image_rgb, box)).items()}
        result = self._params(outputs, detection, box, (image_rgb.shape[0], image_rgb.shape[1]))
        if result is None:
            self._following = False
            return NO_FACE
        params, residual = result
        if self._smoother is not None:
            if not self._following:
                self._smoother.reset()
            params = self._smoother(params, self._time_s)
        self._following, self._seen_s = True, self._time_s
        return TrackResult(params, detection.landmarks_px, detection.scores, residual)

    def shape(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> NDArray[np.float32] | None:
        """[300] FLAME 2020's identity coefficients of the face in one picture, for calibration; None without a face.

        Average them over a few frontal pictures. Arguments and errors are those of `track`, which may be called for the
        same picture afterwards.

        Raises:
            SmirkUnavailable: the shape network cannot be loaded.
        """
        located = self._locate(image_rgb, timestamp_s)
        if located is None:
            return None
        if self._shape is None:
            self._shape = Session(self._shape_file, SHAPE_OUTPUTS)
        return self._shape(crop_face(image_rgb, located[1]))["shape"]

    def close(self) -> None:
        """Frees the landmarker's networks; calling it twice is fine."""
        self._landmarker.close()

    def _locate(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> tuple[Detection, Box] | None:
        detection = self._landmarker.detect(image_rgb, timestamp_s)
        self._time_s = max(self._time_s + 1e-3, timestamp_s)
        if detection is None or not np.isfinite(detection.scores).all():
            return None
        box = face_box(detection.landmarks_px)
        return None if box is None else (detection, self._stabilizer(box, self._time_s))

    def _params(
        self, outputs: dict[str, Array], detection: Detection, box: Box, image_size: tuple[int, int]
    ) -> tuple[FaceParams, float] | None:
        """The unsmoothed parameters and the residual; None where the networks see no face."""
        scale = float(outputs["camera"][0])
        if not all(np.isfinite(value).all() for value in outputs.values()) or scale < _SMALLEST_SCALE:
            return None
        weak = WeakPerspective(rotation_matrix(outputs["rotation"]), scale, outputs["camera"][1:])
        expression = np.clip(outputs["expression"], -MAX_EXPRESSION_SIGMA, MAX_EXPRESSION_SIGMA)[:MAX_EXPRESSION]
        elapsed = _FIRST_INTERVAL_S if self._seen_s is None else self._time_s - self._seen_s
        if elapsed > ABSENCE_S:  # perhaps another person
            self._anchor.doubt(_DOUBT_S)
            self._gaze.doubt(_DOUBT_S)
        interval = float(np.clip(elapsed, _LEAST_INTERVAL_S, _LARGEST_INTERVAL_S))

        landmarks = detection.landmarks_px.astype(np.float64)
        base = self._landmarks.base(outputs["eyelids"], np.zeros(4), np.zeros((len(self._indices), 3)))
        points = self._landmarks.pose(base, expression, rotation_matrix(outputs["jaw"]))
        seen = box.to_ndc(landmarks[self._indices])
        anchor = self._anchor.observe(weak, points, seen, self._weights, self._root_joint, interval)
        height, width = image_size
        focal, center = self.focal_ratio * max(height, width), np.array([width / 2, height / 2])
        pose = to_perspective(weak, box, self._root_joint, anchor, focal, center)
        if pose is None:
            return None
        residual = self._residual(points, pose, landmarks, focal, center)
        state = FitState(pose.rotation, pose.translation, expression, outputs["jaw"], residual)
        score_gaze = detection.scores @ self._score_gaze
        gaze = self._gaze(landmarks, state, focal, center, score_gaze, outputs["eyelids"], interval)
        params = FaceParams(
            expression=expression.astype(np.float32),
            global_rotation=cv2.Rodrigues(pose.rotation)[0].ravel().astype(np.float32),
            translation=pose.translation.astype(np.float32),
            jaw_pose=outputs["jaw"].astype(np.float32),
            eyelids=outputs["eyelids"].astype(np.float32),
            gaze=gaze.astype(np.float32),
        )
        return params, residual

    def _residual(self, points: Array, pose: Pose, landmarks: Array, focal: float, center: Array) -> float:
        """Weighted rms landmark error / inter-ocular distance; inf behind the camera."""
        camera = points @ (FLIP @ pose.rotation).T + pose.translation
        if not (camera[:, 2] > 1e-2).all():
            return float("inf")
        error = camera[:, :2] / camera[:, 2:] * focal + center - landmarks[self._indices]
        mean_square = float(np.average((error**2).sum(axis=1), weights=self._weights))
        return mean_square**0.5 / max(inter_ocular(landmarks), 1e-6)


def _installed(store: AssetStore) -> tuple[Path, Path]:
    try:
        asset = store.find("smirk")
        if asset is None:
            raise SmirkUnavailable("SMIRK's weights are not installed: visavis assets install smirk --from FILE")
        return asset.path(FRAME_FILE), asset.path(SHAPE_FILE)
    except AssetError as error:
        raise SmirkUnavailable(f"SMIRK's weights cannot be used: {error}") from error


def _gaze_response(head: HeadModel) -> NDArray[np.float64]:
    """[52, 4] the gaze that each of MediaPipe's scores stands for."""
    response = np.zeros((len(BLENDSHAPE_NAMES), 4))
    for name, row in zip(head.blendshape_names, head.blendshape_params, strict=True):
        if name in BLENDSHAPE_NAMES:
            response[BLENDSHAPE_NAMES.index(name)] = row[-4:]
    return response
