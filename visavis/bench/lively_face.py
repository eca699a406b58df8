"""A made-up face that never rests, for measurements of the way that faces travel.

It goes round in a circle, as the hand of a clock, so that a face tells its time by where it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams

_DIMS = 50
_SIZE = _DIMS + 15
_TURNS_PER_S = 0.25 + 1.6 * np.modf(0.6180339887 * np.arange(1, _SIZE + 1))[0]
"""Irrational to each other: no face comes twice."""
_SWINGS = np.concatenate(
    [
        0.9 * 0.93 ** np.arange(_DIMS),  # expression, sigma
        [0.08, 0.22, 0.05],  # rotation, radians
        [0.0, 0.0, 0.02],  # translation, meters: the circle comes on top
        [0.09, 0.01, 0.01],  # jaw, radians
        [0.15, 0.15],  # lids
        [0.12, 0.08, 0.12, 0.08],  # gaze, radians
    ]
)
_MIDDLE = FaceParams.neutral(_DIMS, 0.6).to_vector().astype(np.float64)
_MIDDLE[56] = 0.1  # the jaw opens to one side only
_MIDDLE[59:61] = 0.2
_X, _Y = 53, 54
_CIRCLE_M = 0.03
TURN_S = 4.0
"""Once around."""
_NOISE = 0.012
"""Of a swing: trackers are not exact."""


def lively_face(index: int, interval_s: float = 0.04, seed: int = 0) -> FaceParams:
    """Picture `index` of a face that turns, talks, blinks and sways, and is tracked with a little noise.

    Args:
        index: from 0.
        interval_s: from picture to picture.
        seed: another one gives another face.
    """
    rng = np.random.default_rng((seed, index))
    phases = 2 * np.pi * (_TURNS_PER_S * index * interval_s + 0.37 * seed * np.arange(_SIZE))
    moved = np.sin(phases) + _NOISE * rng.normal(size=_SIZE)
    vector = _MIDDLE + _SWINGS * moved
    hand = 2 * np.pi * index * interval_s / TURN_S
    vector[[_X, _Y]] = _CIRCLE_M * np.cos(hand), _CIRCLE_M * np.sin(hand)
    return FaceParams.from_vector(vector.astype(np.float32))


def time_told(values: NDArray[np.float64], now: float) -> float:
    """Seconds after picture 0 that a face is of, by its looks.

    Args:
        values: [71] as codec.range_steps.values_of has it; rounded and interpolated ones will do.
        now: seconds after picture 0, less than TURN_S after the face.
    """
    hand = TURN_S * np.arctan2(values[_Y], values[_X]) / (2 * np.pi)
    return now - float((now - hand) % TURN_S)
