"""Where the eyes look: iris landmarks for quick detail, blendshape scores for the long-term mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import JOINT_NAMES, HeadModel
from renderer.head.pose import FLIP
from tracker.fit import FitState
from tracker.landmark_model import head_landmarks
from tracker.topology import LEFT_EYE_CORNERS, LEFT_IRIS, RIGHT_EYE_CORNERS, RIGHT_IRIS

Array = NDArray[np.float64]

YAW_GAIN, PITCH_GAIN = 1.3, 2.0
"""MediaPipe's iris landmarks move less than irises do, above all up and down, where lids hide them. Measured on
rendered heads of known gaze (docs/tracking.md): 1.2 to 1.4 and 2.2 to 3.0."""

MAX_YAW = 0.7
MAX_PITCH = 0.5
_MAX_VERGENCE = 0.15
"""Largest difference of the two yaws from their mean, radians: eyes move together."""
_HIDDEN = 0.5
"""Closure beyond which the iris landmarks are guesses."""
_BIAS_MEMORY_S = 20.0
_CORNERS = (LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS)
_IRISES = (LEFT_IRIS, RIGHT_IRIS)


class GazeEstimator:
    """Gaze [4] (left yaw, left pitch, right yaw, right pitch) relative to the skull, radians (codec.params).

    The ray through an iris landmark meets the eyeball where the iris is. The eyeball is placed by the eye corners seen
    in the picture, since people's eyes do not sit where the head model's do. What is then left of a personal error is
    a constant, and the mean of the scores' gaze corrects it.
    """

    def __init__(self, head: HeadModel) -> None:
        joints = (head.J_regressor @ head.v_template).astype(np.float64)
        corners = np.array(_CORNERS)
        self._middles = head_landmarks(head, corners.ravel()).reshape(2, 2, 3).mean(axis=1)  # [2, 3]
        self._centers = joints[[JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye")]]  # [2, 3]
        irises = head_landmarks(head, np.array(_IRISES))
        self._iris_distance = float(np.linalg.norm(irises - self._centers, axis=1).mean())
        self.reset()

    @property
    def bias(self) -> Array:
        """[4] the person's constant error, as far as it was learned."""
        return self._bias.copy()

    def know(self, bias: Array) -> None:
        """Takes the person's [4] constant error from a profile; it stays until `reset`."""
        self._bias, self._known = bias.copy(), True

    def reset(self) -> None:
        """Forgets the person."""
        self._known = False
        self._bias = np.zeros(4)
        self._observed_s = 0.0
        self._gaze = np.zeros(4)

    def doubt(self, seconds: float) -> None:
        """Keeps what was learned, but as if it had been seen for at most `seconds`."""
        self._observed_s = min(self._observed_s, seconds)

    def __call__(
        self,
        landmarks_px: Array,
        state: FitState,
        focal_px: float,
        center_px: Array,
        score_gaze: Array,
        eyelids: Array,
        interval_s: float,
    ) -> Array:
        """Estimates one picture that stands for `interval_s`.

        Args:
            landmarks_px: [478, 2].
            state: the fit of the same picture.
            focal_px: focal length.
            center_px: [2] principal point.
            score_gaze: [4] what the eyeLook scores say.
            eyelids: [2] closure; an eye that is closed keeps its gaze.
        """
        seen = self.seen(landmarks_px, state, focal_px, center_px)
        visible = np.repeat(eyelids < _HIDDEN, 2) & np.isfinite(seen)
        if visible.all() and not self._known:
            self._observed_s = min(self._observed_s + interval_s, _BIAS_MEMORY_S)
            gain = min(1.0, interval_s / self._observed_s)
            self._bias += gain * (score_gaze - seen - self._bias)
        gaze = np.where(visible, seen + self._bias, self._gaze)
        yaw = gaze[[0, 2]]
        gaze[[0, 2]] = yaw.mean() + np.clip((yaw - yaw.mean()) * 0.5, -_MAX_VERGENCE, _MAX_VERGENCE)
        gaze[[1, 3]] = gaze[[1, 3]].mean()  # nobody looks up with one eye and down with the other
        limit = np.array([MAX_YAW, MAX_PITCH, MAX_YAW, MAX_PITCH])
        self._gaze = np.clip(gaze, -limit, limit)
        return self._gaze.copy()

    def seen(self, landmarks_px: Array, state: FitState, focal_px: float, center_px: Array) -> Array:
        """[4] gaze as the irises tell it, constant error and all; not finite where an eye is turned away."""
        eyes = [self._of_eye(eye, landmarks_px, state, focal_px, center_px) for eye in range(2)]
        return np.array(eyes).ravel() * np.array([YAW_GAIN, PITCH_GAIN, YAW_GAIN, PITCH_GAIN])

    def _of_eye(self, eye: int, landmarks_px: Array, state: FitState, focal_px: float, center_px: Array) -> Array:
        """[2] yaw and pitch of one eye by its iris; not finite where the eyeball is turned away."""
        turn = FLIP @ state.rotation
        middle = turn @ self._middles[eye] + state.translation
        seen_middle_px = landmarks_px[list(_CORNERS[eye])].mean(axis=0)
        shift = np.append((seen_middle_px - center_px) / focal_px * middle[2] - middle[:2], 0.0)
        center = turn @ self._centers[eye] + state.translation + shift
        ray = np.append((landmarks_px[_IRISES[eye]] - center_px) / focal_px, 1.0)
        ray /= np.linalg.norm(ray)
        along = float(ray @ center)
        nearest = along * ray - center
        depth = max(0.0, self._iris_distance**2 - float(nearest @ nearest)) ** 0.5
        direction = turn.T @ (nearest - depth * ray)
        direction /= np.linalg.norm(direction)
        if direction[2] <= 0.1:
            return np.full(2, np.nan)
        return np.array([np.arctan2(direction[0], direction[2]), np.arcsin(np.clip(direction[1], -1.0, 1.0))])
