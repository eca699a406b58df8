"""What is learned about a person while they are tracked: resting scores, blink range, landmark offsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.head.pose import FLIP, rotation_matrix
from tracker.detection import BLENDSHAPE_NAMES
from tracker.fit import FitState, Prior, View
from tracker.landmark_model import LandmarkModel

Array = NDArray[np.float64]

_BINS = 50
_MEMORY_S = 40.0
"""Observations older than this fade."""
_PATIENCE_S = 2.0
"""For this long another rest must be seen before the assumption "rests at zero" gives way."""

BLINK = (BLENDSHAPE_NAMES.index("eyeBlinkLeft"), BLENDSHAPE_NAMES.index("eyeBlinkRight"))
_JAW_OPEN = BLENDSHAPE_NAMES.index("jawOpen")
_LEAST_BLINK_RANGE = 0.3
_BLINK_CLOSED = 0.55
"""Score of a closed eye before one was seen; people reach 0.55 to 0.85."""
_BLINK_OPEN = 0.15
_MAX_BLINK_OPEN = 0.4
_BLINK_GAMMA = 1.2


def _rest_rules() -> tuple[Array, Array]:
    """[52] quantile of a score that counts as rest, and [52] the largest rest that is believed.

    Brows and squint rest most of the time and differ much between people; a mouth may talk or smile most of the time.
    """
    quantile, cap = np.full(52, 0.2), np.full(52, 0.25)
    for index, name in enumerate(BLENDSHAPE_NAMES):
        if name.startswith(("brow", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer")):
            quantile[index], cap[index] = 0.4, 0.8
        elif name.startswith("eyeLook"):
            cap[index] = 0.0
    quantile[_JAW_OPEN], cap[_JAW_OPEN] = 0.1, 0.15
    quantile[list(BLINK)], cap[list(BLINK)] = 0.3, _MAX_BLINK_OPEN
    return quantile, cap


class ScoreCalibration:
    """Running rest of every blendshape score and running range of the blinks.

    Rest is a quantile of a fading histogram, so that one long smile does not become the resting face.
    """

    def __init__(self) -> None:
        self._quantile, self._cap = _rest_rules()
        self.reset()

    def know(self, rest: Array, closed: Array, gains: Array) -> None:
        """Takes the person's [52] rest, [2] closed eyes and [52] gains from a profile; they stay until `reset`."""
        self._rest, self._closed, self._gains = rest.copy(), closed.copy(), gains.copy()
        self._known = True

    def reset(self) -> None:
        """Forgets the person."""
        self._known = False
        self._gains = np.ones(52)
        self._histogram = np.zeros((52, _BINS))
        assumed = np.zeros(52, np.intp)
        assumed[list(BLINK)] = int(_BLINK_OPEN * _BINS)
        self._histogram[np.arange(52), assumed] = _PATIENCE_S * self._quantile / (1 - self._quantile)
        self._closed = np.full(2, _BLINK_CLOSED)
        self._rest = np.zeros(52)
        self._rest[list(BLINK)] = _BLINK_OPEN

    def doubt(self, seconds: float) -> None:
        """Keeps what was learned, but as if it had been seen for at most `seconds`."""
        total = self._histogram.sum(axis=1, keepdims=True)
        self._histogram *= np.minimum(1.0, seconds / total)

    def observe(self, scores: NDArray[np.float32], interval_s: float) -> None:
        """Learns from one picture that stands for `interval_s`."""
        if self._known:
            return
        self._histogram *= np.exp(-interval_s / _MEMORY_S)
        bins = np.minimum((scores * _BINS).astype(np.intp), _BINS - 1)
        self._histogram[np.arange(52), bins] += interval_s
        cumulative = np.cumsum(self._histogram, axis=1)
        reached = cumulative >= (self._quantile * cumulative[:, -1])[:, None]
        rest = np.minimum(reached.argmax(axis=1) / _BINS, self._cap)
        self._rest += min(1.0, interval_s / 0.3) * (rest - self._rest)  # a bin is coarse: glide to it
        blink = scores[list(BLINK)].astype(np.float64)
        higher = blink > self._closed
        self._closed += np.where(higher, 0.5 * (blink - self._closed), 0.0)
        self._closed += np.where(higher, 0.0, (_BLINK_CLOSED - self._closed) * min(1.0, interval_s / _MEMORY_S))

    def expression_scores(self, scores: NDArray[np.float32]) -> Array:
        """[52] scores with the resting face at zero and full effort at one."""
        return np.clip(self._gains * (scores - self._rest) / (1 - self._rest), 0.0, 1.0)

    @property
    def rest(self) -> Array:
        """[52] resting scores."""
        return self._rest.copy()

    @property
    def gains(self) -> Array:
        """[52] what brings the person's strongest score to full effort."""
        return self._gains.copy()

    @property
    def closed(self) -> Array:
        """[2] score of the closed left and right eye."""
        return self._closed.copy()

    def eyelids(self, scores: NDArray[np.float32]) -> Array:
        """[2] closure of the left and right eye: 0 at rest, 1 when closed."""
        blink, rest = scores[list(BLINK)].astype(np.float64), self._rest[list(BLINK)]
        # A margin on both sides: an open eye is still, and a short blink closes wholly.
        low = rest + 0.08
        high = np.maximum(0.92 * self._closed, low + _LEAST_BLINK_RANGE)
        linear = np.clip((blink - low) / (high - low), 0.0, 1.0)
        # Half a score is a squint or a look downwards, which narrows the eye by less than half.
        return linear**_BLINK_GAMMA


class LandmarkOffsets:
    """Where a person's landmarks lie beside the head model's: [n, 3] metres in the head frame.

    The offsets explain what stays of the landmark errors when the expression is the one that the scores tell. Each
    landmark keeps its normal equations, so that turned views teach its depth. Combinations that look like another pose
    (shift, turn, scale, shear) are projected out: the pose must stay that of the head model.
    """

    _MEMORY_S = 30.0
    _FIRST_S, _PAUSE_S = 2.0, 0.15
    _INFORMATION = np.array([120.0, 120.0, 12.0])
    """What a second of a frontal face tells about an offset, per square metre: sideways, up, and in depth."""
    _STIFFNESS = 0.05
    """Trust in a zero offset, relative to one second of observation."""

    def __init__(self, model: LandmarkModel, weights: Array) -> None:
        self._model = model
        self._pose_modes = _pose_like_modes(model.rest, weights)
        self._weights = weights
        self.reset()

    def reset(self) -> None:
        """Forgets the person."""
        count = len(self._weights)
        self.offsets = np.zeros((count, 3))
        self._information = np.zeros((count, 3, 3))
        self._target = np.zeros((count, 3))
        self.observed_s = 0.0
        self._waiting_s = 0.0

    def know(self, offsets: Array) -> None:
        """Takes the person's [n, 3] offsets from a profile, as if this face had been seen for a while."""
        self.offsets = offsets.copy()
        self._information[:] = self._FIRST_S * np.diag(self._INFORMATION)
        self._target = self._FIRST_S * offsets * self._INFORMATION
        self.observed_s = self._FIRST_S

    def doubt(self, seconds: float) -> None:
        """Keeps what was learned, but as if it had been seen for at most `seconds`."""
        share = min(1.0, seconds / max(self.observed_s, 1e-9))
        self._information *= share
        self._target *= share
        self.observed_s *= share

    def observe(self, view: View, prior: Prior, state: FitState, interval_s: float) -> None:
        """Learns from one fitted picture that stands for `interval_s`; lively faces teach less.

        A face known for a while need not be learned from every picture.
        """
        self._waiting_s += interval_s
        if self.observed_s > self._FIRST_S and self._waiting_s < self._PAUSE_S:
            return
        interval_s, self._waiting_s = self._waiting_s, 0.0
        base = self._model.base(prior.eyelids, prior.gaze, self.offsets)
        points = self._model.pose(base, prior.expression, rotation_matrix(prior.jaw_pose))
        turn = FLIP @ state.rotation
        camera = points @ turn.T + state.translation
        if not (camera[:, 2] > 1e-2).all():
            return
        jacobian = view.projection_jacobian(camera) @ turn  # [n, 2, 3] inter-ocular units per metre
        error = (view.landmarks_px - view.project(camera)) / view.inter_ocular_px
        liveliness = float(prior.expression @ prior.expression) / len(prior.expression)
        trust = interval_s / ((1 + liveliness) * (1 + 4 * float(prior.eyelids.max())))
        fade = np.exp(-interval_s / self._MEMORY_S)
        by_metre = np.swapaxes(jacobian, 1, 2)  # [n, 3, 2]
        wanted = error + (jacobian @ self.offsets[:, :, None])[:, :, 0]
        self._information = fade * self._information + trust * (by_metre @ jacobian)
        self._target = fade * self._target + trust * (by_metre @ wanted[:, :, None])[:, :, 0]
        self.observed_s = fade * self.observed_s + trust
        stiffness = self._STIFFNESS * np.trace(self._information.mean(axis=0)) / 3 / max(self.observed_s, 1e-9)
        system = self._information + stiffness * np.eye(3)
        offsets = np.linalg.solve(system, self._target[:, :, None])[:, :, 0]
        self.offsets = self._without_pose(offsets)

    def _without_pose(self, offsets: Array) -> Array:
        flat = offsets.ravel()
        root = np.sqrt(np.repeat(self._weights, 3))
        return (flat - self._pose_modes @ (self._pose_modes.T @ (root * flat)) / root).reshape(-1, 3)


def _pose_like_modes(rest: Array, weights: Array) -> Array:
    """[3 n, 10] orthonormal (under the weights) shifts, turns, shears and the scale of the landmarks."""
    centered = rest - np.average(rest, axis=0, weights=weights)
    count = len(rest)
    modes = [np.tile(axis, (count, 1)) for axis in np.eye(3)]
    modes.append(centered)
    for row in range(3):
        for column in range(3):
            if row != column:
                mode = np.zeros((count, 3))
                mode[:, row] = centered[:, column]
                modes.append(mode)
    stacked = np.stack([mode.ravel() for mode in modes], axis=1) * np.sqrt(np.repeat(weights, 3))[:, None]
    return np.linalg.qr(stacked)[0]
