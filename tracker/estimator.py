"""From the landmarks and scores of one picture to face parameters; knows nothing of MediaPipe's machinery."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.head.model import HeadModel
from tracker.calibration import BLINK, LandmarkOffsets, ScoreCalibration
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.fit import FitState, LandmarkFit, Prior, View
from tracker.gaze import GazeEstimator
from tracker.landmark_model import LandmarkModel
from tracker.orientation import OrientationPrior, view_rotation
from tracker.profile import PersonProfile, ProfileError
from tracker.topology import fit_landmarks, inter_ocular

FOCAL_RATIO = 1.1
"""Focal length of an unknown webcam over the longer side of its picture."""
LOST_RESIDUAL = 0.08
"""A fit worse than this starts anew."""
STRANGER_RESIDUAL = 0.016
STRANGER_RATIO = 1.7
"""A fresh start that fits worse than this, and so much worse than usual, shows another face."""
JUMP = 0.7
"""A face that moves this many inter-ocular distances between two pictures may be another one."""
ABSENCE_S = 1.0
"""After a longer absence the returning face counts as perhaps another one."""
DOUBT_S = 1.0
"""What was learned about a face that is perhaps another one weighs as much as this time of observation."""
_LEAST_INTERVAL_S, _LARGEST_INTERVAL_S, _FIRST_INTERVAL_S = 0.001, 0.2, 0.04
_FRONTAL = 0.75
"""Cosine of the turn up to which the scores are trusted for calibration."""
_SMALLEST_FACE_PX = 8.0
_MOUTH_CLOSE, _JAW_OPEN = BLENDSHAPE_NAMES.index("mouthClose"), BLENDSHAPE_NAMES.index("jawOpen")


class FaceEstimator:
    """Follows one face through the pictures of one camera and learns its person on the way.

    Args:
        head: the head model whose parameters are wanted.
        focal_ratio: focal length / longer side of the picture.
        person: whom to expect, and before which camera; another face is still learned anew.

    Raises:
        ProfileError: the profile is for another head model.
    """

    def __init__(
        self, head: HeadModel, *, focal_ratio: float = FOCAL_RATIO, person: PersonProfile | None = None
    ) -> None:
        self._head_model_id = head.model_id
        self._focal_ratio = focal_ratio if person is None else person.focal_ratio
        self._indices, weights = fit_landmarks(head.landmark_weights)
        model = LandmarkModel.of(head, self._indices)
        self._dims = head.expressiondirs.shape[2]
        self._fit = LandmarkFit(model, weights)
        self._fit.warm_up()  # not while the first picture waits
        self._offsets = LandmarkOffsets(model, weights)
        self._scores = ScoreCalibration()
        self._gaze = GazeEstimator(head)
        self._orientation = OrientationPrior()
        self._response = np.zeros((len(BLENDSHAPE_NAMES), self._dims + 15))
        for name, row in zip(head.blendshape_names, head.blendshape_params, strict=True):
            if name in BLENDSHAPE_NAMES:
                self._response[BLENDSHAPE_NAMES.index(name)] = row
        self._state: FitState | None = None
        self._size = (0, 0)
        self._time_s: float | None = None
        self._usual_residual = STRANGER_RESIDUAL
        self._middle_px = np.zeros(2)
        if person is not None:
            self._know(person)

    def _know(self, person: PersonProfile) -> None:
        if person.head_model_id != self._head_model_id or person.offsets.shape != self._offsets.offsets.shape:
            raise ProfileError("The profile belongs to another head model: make it anew.")
        self._offsets.know(person.offsets)
        self._scores.know(person.rest, person.closed, person.gains)
        self._orientation.know(person.rotation_pitch, person.neutral_pitch)
        self._gaze.know(person.gaze_bias)

    def know_scores(self, rest: NDArray[np.float64], closed: NDArray[np.float64], gains: NDArray[np.float64]) -> None:
        """Takes what is known of the person's scores, see PersonProfile, instead of learning it."""
        self._scores.know(rest, closed, gains)

    def profile(self) -> PersonProfile:
        """What was learned about the person so far."""
        return PersonProfile(
            head_model_id=self._head_model_id,
            focal_ratio=self._focal_ratio,
            offsets=self._offsets.offsets.copy(),
            rest=self._scores.rest,
            closed=self._scores.closed,
            gains=self._scores.gains,
            rotation_pitch=self._orientation.pitch,
            neutral_pitch=self._orientation.pitch,
            gaze_bias=self._gaze.bias,
        )

    def neutral_pose(
        self, detection: Detection, image_size: tuple[int, int], time_s: float
    ) -> NDArray[np.float64] | None:
        """[5] of a person who looks into the lens with a relaxed face: pitch and gaze (4) that this fit takes for it.

        Arguments as for `estimate`; None where the landmarks are no face, or an eye is turned away.
        """
        if self.estimate(detection, image_size, time_s) is None or self._state is None:
            return None
        state, (height, width) = self._state, image_size
        center, focal_px = np.array([width / 2, height / 2]), self._focal_ratio * max(height, width)
        # A face that looks into the lens is turned towards it, not parallel to the picture.
        facing = view_rotation(state.translation[:2] / state.translation[2] * focal_px, focal_px)
        pitch = cv2.Rodrigues(facing.T @ state.rotation)[0][0, 0]
        gaze = self._gaze.seen(detection.landmarks_px.astype(np.float64), state, focal_px, center)
        return np.append(pitch, gaze) if np.isfinite(gaze).all() else None

    @property
    def is_following(self) -> bool:
        """The previous picture held the face."""
        return self._state is not None

    def lose(self) -> None:
        """Notes that a picture has no face; the person may come back."""
        self._state = None

    def estimate(
        self, detection: Detection, image_size: tuple[int, int], time_s: float
    ) -> tuple[FaceParams, float] | None:
        """Returns the unsmoothed parameters and the residual, or None where the landmarks are no face.

        Args:
            detection: landmarks and scores.
            image_size: (height, width) of the picture.
            time_s: of the picture.
        """
        landmarks = detection.landmarks_px.astype(np.float64)
        scale = inter_ocular(landmarks)
        finite = all(np.isfinite(array).all() for array in (landmarks, detection.scores, detection.camera_from_face))
        if not finite or scale < _SMALLEST_FACE_PX:
            self.lose()
            return None
        if image_size != self._size:
            self._size = image_size
            self.lose()
        height, width = image_size
        center = np.array([width / 2, height / 2])
        view = View(landmarks[self._indices], scale, self._focal_ratio * max(height, width), center)
        elapsed = _FIRST_INTERVAL_S if self._time_s is None else time_s - self._time_s
        middle = view.landmarks_px.mean(axis=0)
        jumped = float(np.linalg.norm(middle - self._middle_px)) > JUMP * scale
        self._middle_px = middle
        if self._state is None or jumped:
            self.lose()
            if jumped or elapsed > ABSENCE_S:
                for learner in (self._offsets, self._scores, self._gaze, self._orientation):
                    learner.doubt(DOUBT_S)
        interval = float(np.clip(elapsed, _LEAST_INTERVAL_S, _LARGEST_INTERVAL_S))
        self._time_s = time_s

        seen_rotation = self._orientation.in_our_camera(
            detection.camera_from_face, middle - center, height, view.focal_px
        )
        prior = self._prior(detection.scores, self._orientation.predict(seen_rotation))
        state = self._follow(view, prior) or self._find(view, prior, interval)
        if state is None:
            self.lose()
            return None
        self._state = state
        if state.rotation[2, 2] > _FRONTAL:
            self._scores.observe(detection.scores, interval)
            self._offsets.observe(view, prior, state, interval)
            self._orientation.observe(seen_rotation, state.rotation, interval)
            self._usual_residual += min(1.0, interval) * (state.residual - self._usual_residual)
        gaze = self._gaze(landmarks, state, view.focal_px, center, prior.gaze, prior.eyelids, interval)
        return self._params(state, prior, gaze), state.residual

    def _follow(self, view: View, prior: Prior) -> FitState | None:
        if self._state is None:
            return None
        state = self._fit.refine(view, prior, self._offsets.offsets, self._state)
        return state if state.residual < LOST_RESIDUAL else None

    def _find(self, view: View, prior: Prior, interval_s: float) -> FitState | None:
        state = self._fit.start(view, prior, self._offsets.offsets)
        if state is None:
            return None
        known = self._offsets.observed_s > 0
        if known and state.residual > max(STRANGER_RESIDUAL, STRANGER_RATIO * self._usual_residual):
            self._forget()
            known = False
            state = self._fit.start(view, prior, self._offsets.offsets) or state
        if not known:  # learn the face before its difference from the head model becomes an expression
            for _ in range(2):
                self._offsets.observe(view, prior, state, interval_s)
                state = self._fit.refine(view, prior, self._offsets.offsets, state)
        return state if np.isfinite(state.residual) else None

    def _forget(self) -> None:
        self._offsets.reset()
        self._scores.reset()
        self._gaze.reset()
        self._orientation.reset()
        self._usual_residual = STRANGER_RESIDUAL

    def _prior(self, scores: NDArray[np.float32], rotation: NDArray[np.float64] | None) -> Prior:
        calibrated = self._scores.expression_scores(scores)
        calibrated[list(BLINK)] = self._scores.eyelids(scores)
        # Closing the mouth undoes an open jaw; without one it would fold the lips through each other.
        calibrated[_MOUTH_CLOSE] = min(calibrated[_MOUTH_CLOSE], calibrated[_JAW_OPEN])
        vector = calibrated @ self._response
        dims = self._dims
        return Prior(
            rotation=rotation,
            expression=vector[:dims],
            jaw_pose=vector[dims + 6 : dims + 9],
            eyelids=np.clip(vector[dims + 9 : dims + 11], 0.0, 1.0),
            gaze=vector[dims + 11 :],
        )

    def _params(self, state: FitState, prior: Prior, gaze: NDArray[np.float64]) -> FaceParams:
        return FaceParams(
            expression=state.expression[:MAX_EXPRESSION].astype(np.float32),
            global_rotation=cv2.Rodrigues(self._orientation.level(state.rotation))[0].ravel().astype(np.float32),
            translation=state.translation.astype(np.float32),
            jaw_pose=state.jaw_pose.astype(np.float32),
            eyelids=prior.eyelids.astype(np.float32),
            gaze=gaze.astype(np.float32),
        )
