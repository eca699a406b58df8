"""What the closed loop has found for a person, as a linear map: where to begin, and what to send without it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from codec.quantizer import FACE_HIGH, FACE_LOW
from renderer.avatar.avatar_model import INSTANT_SIZE, PARAMS_SIZE, instant_vector

Array = NDArray[np.float64]

RIDGE = 0.03
"""Of the variance of the tracked parameters: what a direction must vary to be learned from."""
_SMALLEST_SPREAD = np.repeat([0.3, 0.05, 0.01, 0.03, 0.15, 0.08], [50, 3, 3, 3, 2, 4])
"""Parameters that vary less than this in a take teach little (as in FaceParams.to_vector)."""


@dataclass(frozen=True, eq=False)
class Corrections:
    """correction = clip(weights @ (tracked - mean) + offset, low, high), for one avatar and one camera.

    Args:
        mean: [65] of the tracked parameters.
        weights: [71, 65].
        offset: [71].
        low, high: [71] what was seen.
    """

    mean: Array
    weights: Array
    offset: Array
    low: Array
    high: Array

    @staticmethod
    def none() -> Corrections:
        """The tracker is right as it is."""
        zero = np.zeros(INSTANT_SIZE)
        return Corrections(np.zeros(PARAMS_SIZE), np.zeros((INSTANT_SIZE, PARAMS_SIZE)), zero, zero, zero)

    @staticmethod
    def learned(tracked: NDArray[np.floating], refined: NDArray[np.floating]) -> Corrections:
        """What is common to n pictures.

        Args:
            tracked: [n, 65] what the tracker said.
            refined: [n, 71] what the closed loop made of it.
        """
        found = refined.astype(np.float64)
        found[:, :PARAMS_SIZE] -= tracked
        mean, offset = tracked.mean(axis=0, dtype=np.float64), found.mean(axis=0)
        spread = np.maximum(tracked.std(axis=0), _SMALLEST_SPREAD)
        scaled = (tracked - mean) / spread
        normal = scaled.T @ scaled + RIDGE * len(scaled) * np.eye(PARAMS_SIZE)
        weights = np.linalg.solve(normal, scaled.T @ (found - offset)).T / spread
        low, high = np.quantile(found, (0.02, 0.98), axis=0)
        return Corrections(mean, weights, offset, low, high)

    def of(self, tracked: NDArray[np.floating]) -> Array:
        """[71] for one tracked vector [65]."""
        return np.clip(self.weights @ (tracked - self.mean) + self.offset, self.low, self.high)

    def apply(self, params: FaceParams) -> FaceParams:
        """The face to send where there is no time for the loop."""
        vector = instant_vector(params)
        return face_of(vector + self.of(vector[:PARAMS_SIZE]))

    def to_arrays(self) -> dict[str, Array]:
        """By name, for a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def from_arrays(arrays: dict[str, Array]) -> Corrections:
        """Inverse of `to_arrays`.

        Raises:
            ValueError: an array is missing, has another shape, or holds a number that is not finite.
        """
        shapes = {"mean": (PARAMS_SIZE,), "weights": (INSTANT_SIZE, PARAMS_SIZE)}
        shapes |= dict.fromkeys(("offset", "low", "high"), (INSTANT_SIZE,))
        for name, shape in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} is missing or damaged")
        return Corrections(**{name: np.asarray(arrays[name], np.float64) for name in shapes})


def face_of(vector: NDArray[np.floating]) -> FaceParams:
    """[71] numbers as a face, within what a stream carries."""
    vector = np.clip(vector, FACE_LOW, FACE_HIGH).astype(np.float32)
    return FaceParams.from_vector(vector[:PARAMS_SIZE], vector[PARAMS_SIZE:])
