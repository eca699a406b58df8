"""What a receiver shows between and after frames: no jump that a face could not make (docs/bitstream.md, Showing)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from codec.quantizer import vector32

Floats = NDArray[np.float64]

SILENCE_S = 0.5
"""A face of which nothing is heard for this long comes to rest."""

REST_HOLD_S = 0.2
"""A sender that says "no face" must say so for this long, so that one frame the tracker missed is not seen."""

REST_TIME_CONSTANT_S = 0.15
WAKE_TIME_CONSTANT_S = 0.06
WAKE_S = 0.25
"""A face that comes back from rest is approached with the time constant for this long, then followed exactly."""

BUDGET_S = 0.05
"""A frame may move the face by what the speed limits allow in this time, however fast it follows the last one."""

SPEED_LIMITS = np.repeat(
    # expression sigma/s, rotation rad/s, translation m/s, jaw rad/s, eyelids 1/s, gaze rad/s, torso rad/s and m/s
    [120.0, 16.0, 4.0, 30.0, 40.0, 40.0, 6.0, 4.0],
    [MAX_EXPRESSION, 3, 3, 3, 2, 4, 3, 3],
)
"""[71] about twice what people do: a blink closes in 60 ms, a fast head turn reaches 8 rad/s, a saccade 15 rad/s.

The torso is slow but told relative to what the skull does: shoulders that stay while the head darts off undo its
translation and its share of the turn.
"""

_HEAD = slice(MAX_EXPRESSION, MAX_EXPRESSION + 6)
_TORSO = slice(MAX_EXPRESSION + 15, MAX_EXPRESSION + 21)


class FaceMotion:
    """Follows frames at once, unless they are impossible; eases to rest when there are none. Sans-IO.

    At rest head and shoulders keep their place and direction; expression, jaw, eyelids and gaze are neutral.
    """

    def __init__(self) -> None:
        self._dims = MAX_EXPRESSION
        self._target: Floats | None = None  # [71], expression filled up with zeros, then theta, gaze, torso
        self._shown: Floats = np.zeros(len(SPEED_LIMITS))
        self._updated = 0.0
        self._budget_s = BUDGET_S
        self._frame_at = 0.0
        self._rest_since: float | None = None
        self._waking_until = -math.inf

    def follow(self, params: FaceParams, now: float) -> None:
        """Takes the newest frame."""
        self._dims = len(params.expression)
        target = np.zeros(len(SPEED_LIMITS))
        target[: self._dims] = params.expression
        target[MAX_EXPRESSION : _TORSO.start] = params.to_vector()[self._dims :]
        target[_TORSO] = params.torso
        if self._target is None:
            self._shown = target.copy()
            self._updated = now
        elif self._resting(now):
            self._waking_until = now + WAKE_S
        self._target = target
        self._frame_at = now
        self._rest_since = None

    def rest(self, now: float) -> None:
        """Takes the news that there is no face, or that it rests."""
        if self._rest_since is None:
            self._rest_since = now

    def current(self, now: float) -> FaceParams | None:
        """The face to show; None before the first frame. `now` must not go back."""
        if self._target is None:
            return None
        elapsed = max(0.0, now - self._updated)
        self._updated = max(now, self._updated)
        goal = self._target
        share = 1.0
        if self._resting(now):
            goal = np.zeros_like(goal)
            goal[_HEAD], goal[_TORSO] = self._target[_HEAD], self._target[_TORSO]
            share = -math.expm1(-elapsed / REST_TIME_CONSTANT_S)
        elif now < self._waking_until:
            share = -math.expm1(-elapsed / WAKE_TIME_CONSTANT_S)
        self._budget_s = min(BUDGET_S, self._budget_s + elapsed)
        reach = SPEED_LIMITS * self._budget_s
        step = np.clip((goal - self._shown) * share, -reach, reach)
        self._budget_s = max(0.0, self._budget_s - float((np.abs(step) / SPEED_LIMITS).max()))
        self._shown = self._shown + step
        shown = vector32(self._shown)
        vector = np.concatenate([shown[: self._dims], shown[MAX_EXPRESSION : _TORSO.start]])
        return FaceParams.from_vector(vector, shown[_TORSO])

    def _resting(self, now: float) -> bool:
        said = self._rest_since is not None and now - self._rest_since >= REST_HOLD_S
        return said or now - self._frame_at >= SILENCE_S
