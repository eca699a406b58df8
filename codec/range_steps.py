"""Steps of quantisation that are equally visible: profile `range` (docs/bitstream.md, "Profile range").

A step of any parameter moves the face's 478 landmarks by the same number of pixels (root mean square, where the face is
200 pixels wide). Eyes are looked at more than their few landmarks say, so lids and gaze have a third of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codec.params import EXPRESSION_DIMS, TORSO_SIZE, FaceParams
from codec.quantizer import EXPRESSION_RANGE, POSE_FIELDS, TORSO_FIELDS, Symbols
from codec.range_tables import PX_PER_UNIT

QUALITIES = 17
"""Ladder of qualities, 0 the finest."""
FINEST_PX = 0.08
QUALITIES_PER_OCTAVE = 4
FULL_DIMS = EXPRESSION_DIMS[-1]
NEUTRAL_DEPTH_M = 0.6
DEAD_ZONE = 0.38
"""A difference is rounded up to its next step from this far before it: 0.5 would be the nearest one."""


class EqualSteps:
    """The E + 21 parameters to symbols and back: expression, theta, gaze, torso.

    Symbol 0 is the neutral face 0.6 m before the camera; value = neutral + symbol * step.

    Args:
        dims: E.
        quality: 0 .. QUALITIES - 1.

    Attributes:
        lengths: [E + 21] of a step, in each parameter's unit.
        limits: [E + 21] largest absolute symbol; 0 where a step is longer than the range.
    """

    def __init__(self, dims: int, quality: int) -> None:
        fields = (("expression", dims, -EXPRESSION_RANGE, EXPRESSION_RANGE, 0), *POSE_FIELDS, *TORSO_FIELDS)
        low = np.concatenate([np.full(count, low) for _, count, low, _, _ in fields])
        high = np.concatenate([np.full(count, high) for _, count, _, high, _ in fields])
        kept = np.r_[:dims, FULL_DIMS : len(PX_PER_UNIT)]
        self.lengths = FINEST_PX * 2.0 ** (quality / QUALITIES_PER_OCTAVE) / np.array(PX_PER_UNIT)[kept]
        self._neutral = np.concatenate([FaceParams.neutral(dims, NEUTRAL_DEPTH_M).to_vector(), np.zeros(TORSO_SIZE)])
        self._low, self._high, self.dims = low, high, dims
        most = np.maximum(high - self._neutral, self._neutral - low) / self.lengths
        self.limits: Symbols = tuple(np.floor(most + 0.5).astype(int).tolist())

    def symbols(self, params: FaceParams, before: Symbols | None = None) -> Symbols:
        """The symbols of a face.

        Args:
            params: the face; missing coefficients count as 0, others than the first E are left out.
            before: symbols that it will be coded as differences to: small ones are left away, larger ones shortened.
        """
        vector = params.to_vector()
        expression = np.zeros(self.dims)
        given = vector[:-15][: self.dims]
        expression[: len(given)] = given
        values = np.concatenate([expression, vector[-15:], params.torso]).clip(self._low, self._high)
        exact = (values - self._neutral) / self.lengths
        limits = np.array(self.limits)
        if before is None:
            return tuple(np.rint(exact).astype(int).clip(-limits, limits).tolist())
        change = exact - np.array(before)
        rounded = np.sign(change) * np.floor(np.abs(change) + DEAD_ZONE)
        return tuple((np.array(before) + rounded.astype(int)).clip(-limits, limits).tolist())

    def params(self, symbols: Symbols) -> FaceParams:
        """What symbols within the limits stand for; always within the parameters' ranges."""
        values = self._neutral + np.array(symbols) * self.lengths
        values = values.clip(self._low, self._high).astype(np.float32)
        return FaceParams.from_vector(values[:-TORSO_SIZE], values[-TORSO_SIZE:])


@dataclass(frozen=True)
class RangeConfig:
    """What the symbols of a frame mean.

    Args:
        dims: E, one of EXPRESSION_DIMS.
        quality: 0 (the finest) .. QUALITIES - 1.

    Raises:
        ValueError: there is no such configuration.
    """

    dims: int = FULL_DIMS
    quality: int = 0

    def __post_init__(self) -> None:
        if self.dims not in EXPRESSION_DIMS or not 0 <= self.quality < QUALITIES:
            raise ValueError(f"no steps for {self.dims} expression coefficients at quality {self.quality}")

    @property
    def steps(self) -> EqualSteps:
        """The shared steps of all frames of this configuration."""
        return _steps(self)


@cache
def _steps(config: RangeConfig) -> EqualSteps:
    return EqualSteps(config.dims, config.quality)


def values_of(params: FaceParams) -> NDArray[np.float64]:
    """[E + 21] the face as numbers, in the order of symbols."""
    return np.concatenate([params.to_vector(), params.torso]).astype(np.float64)
