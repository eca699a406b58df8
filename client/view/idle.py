"""How a head looks while nothing is sent about it: it breathes and blinks, so that it is a person who rests."""

from __future__ import annotations

import math

import numpy as np

from codec.params import FaceParams

BLINK_PERIOD_S = 4.3
BLINK_S = 0.28
BREATH_PERIOD_S = 4.0


def idle_face(now: float, at: FaceParams | None) -> FaceParams:
    """The resting face at time `now` (seconds), placed and turned a little as `at` was last seen."""
    rest = FaceParams.neutral() if at is None else FaceParams.neutral(len(at.expression))
    translation = (rest if at is None else at).translation.copy()
    breath = math.sin(math.tau * now / BREATH_PERIOD_S)
    translation[1] += 0.0008 * breath
    rotation = np.array([0.012 * breath, 0.02 * math.sin(math.tau * now / 9.7), 0.0], np.float32)
    phase = (now % BLINK_PERIOD_S) / BLINK_S
    closure = math.sin(math.pi * phase) ** 2 if phase < 1 else 0.0
    return FaceParams(
        expression=rest.expression,
        global_rotation=rotation,
        translation=translation,
        jaw_pose=rest.jaw_pose,
        eyelids=np.full(2, closure, np.float32),
        gaze=rest.gaze,
    )
