"""Steps of quantisation that are equally visible: profile `range` (docs/bitstream.md, "Profile range").

A step of any symbol moves the face's 478 landmarks by the same number of pixels (root mean square, where the face is
200 pixels wide). Eyes are looked at more than their few landmarks say, so lids and gaze have a third of that. Symbols
are those of motions that come together (codec.motion_basis), and of what both eyes do alike and apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.errors import BitstreamError
from codec.motion_basis import JAW_SIZE, MotionBasis
from codec.motion_table import STANDARD
from codec.params import EXPRESSION_DIMS, TORSO_SIZE, FaceParams
from codec.quantizer import FACE_HIGH, FACE_LOW, Symbols
from codec.range_tables import PX_PER_UNIT

QUALITIES = 17
"""Ladder of qualities, 0 the finest."""
FINEST_PX = 0.08
QUALITIES_PER_OCTAVE = 4
FULL_DIMS = EXPRESSION_DIMS[-1]
NEUTRAL_DEPTH_M = 0.6
DEAD_ZONE = 0.38
"""A difference is rounded up to its next step from this far before it: 0.5 would be the nearest one."""
OWN_MOTIONS = len(EXPRESSION_DIMS)
"""In place of E's number in a configuration byte."""
_QUALITY_BITS = 5
LARGEST_MOTION_PX = 256.0
"""Of a motion of a basis: no face that the ranges allow comes near it."""
_JAW, _EYES = 6, ((9, 10), (11, 13), (12, 14))
"""Behind the expression: where the jaw begins, and the pairs of lids, yaws and pitches."""


class EqualSteps:
    """The E + 21 parameters to as many symbols and back.

    Symbols stand in the order of the parameters: expression, theta, gaze, torso. Those of the jaw and the expression,
    in this order, are a basis's motions, or the parameters themselves; those of a pair of eyes (left, right) are what
    both do alike, and how far they are apart. All 0 is the neutral face 0.6 m before the camera.

    Args:
        dims: E.
        quality: 0 .. QUALITIES - 1.
        basis: of motions, for E = 50; None: jaw and expression as they are.

    Attributes:
        motions: [E + 3] where the symbols of the motions stand.
        limits: [E + 21] largest absolute symbol; 0 where a step is longer than the range.
        per_unit: [E + 21, E + 21] a change of the parameters to that of the symbols, in steps.
    """

    def __init__(self, dims: int, quality: int, basis: MotionBasis | None) -> None:
        present = np.r_[:dims, FULL_DIMS : len(PX_PER_UNIT)]
        low, high = FACE_LOW[present], FACE_HIGH[present]
        self._neutral = np.concatenate([FaceParams.neutral(dims, NEUTRAL_DEPTH_M).to_vector(), np.zeros(TORSO_SIZE)])
        self._low, self._high, self.dims = low, high, dims
        pixels = np.array(PX_PER_UNIT)[present]
        most = np.maximum(high - self._neutral, self._neutral - low) * pixels
        self.motions = np.r_[dims + _JAW : dims + _JAW + JAW_SIZE, :dims]
        to_pixels, from_pixels = np.eye(len(pixels)), np.eye(len(pixels))
        if basis is not None:
            to_pixels[np.ix_(self.motions, self.motions)] = basis.directions.T
            from_pixels[np.ix_(self.motions, self.motions)] = basis.inverse.T
            most[self.motions] = LARGEST_MOTION_PX
        for left, right in _EYES:
            pair = np.array([dims + left, dims + right])
            to_pixels[np.ix_(pair, pair)] = from_pixels[np.ix_(pair, pair)] = np.sqrt(0.5) * np.array([[1, 1], [1, -1]])
            most[pair] = np.sqrt(0.5) * (most[pair[0]] + most[pair[1]])
        step_px = FINEST_PX * 2.0 ** (quality / QUALITIES_PER_OCTAVE)
        self._values_of = to_pixels * (step_px / pixels[:, None])
        self.per_unit = from_pixels * (pixels / step_px)
        self.limits: Symbols = tuple(np.floor(most / step_px + 0.5).astype(int).tolist())
        self._limits = np.array(self.limits)

    def exact(self, params: FaceParams) -> NDArray[np.float64]:
        """[E + 21] a face in steps; missing coefficients count as 0, others than the first E are left out."""
        vector = params.to_vector()
        values = np.zeros(len(self._neutral))
        given = vector[:-15][: self.dims]
        values[: len(given)] = given
        values[self.dims :] = np.concatenate([vector[-15:], params.torso])
        return self.per_unit @ (values.clip(self._low, self._high) - self._neutral)

    def symbols(self, params: FaceParams, before: Symbols | None = None) -> Symbols:
        """The symbols of a face.

        Args:
            params: the face.
            before: symbols that it will be coded as differences to: small ones are left away, larger ones shortened.
        """
        exact, dead = self.exact(params), 0.5
        start = np.zeros(len(exact))
        if before is not None:
            start, dead = np.array(before), DEAD_ZONE
        change = exact - start
        rounded = start + np.copysign(np.floor(np.abs(change) + dead), change)
        return tuple(rounded.clip(-self._limits, self._limits).astype(int).tolist())

    def params(self, symbols: Symbols) -> FaceParams:
        """What symbols within the limits stand for; always within the parameters' ranges."""
        values = self._neutral + self._values_of @ np.array(symbols, np.float64)
        values = values.clip(self._low, self._high).astype(np.float32)
        return FaceParams.from_vector(values[:-TORSO_SIZE], values[-TORSO_SIZE:])


@dataclass(frozen=True)
class RangeConfig:
    """What the symbols of a frame mean.

    Args:
        dims: E, one of EXPRESSION_DIMS.
        quality: 0 (the finest) .. QUALITIES - 1.
        basis: the speaker's own motions, for E = 50 only; None: the standard ones, or none where E is smaller.

    Raises:
        ValueError: there is no such configuration.
    """

    dims: int = FULL_DIMS
    quality: int = 0
    basis: MotionBasis | None = None

    def __post_init__(self) -> None:
        if self.dims not in EXPRESSION_DIMS or not 0 <= self.quality < QUALITIES:
            raise ValueError(f"no steps for {self.dims} expression coefficients at quality {self.quality}")
        if self.basis is not None and self.dims != FULL_DIMS:
            raise ValueError(f"a basis takes {FULL_DIMS} expression coefficients, not {self.dims}")

    @property
    def motions(self) -> MotionBasis | None:
        """The basis that is in use; None: jaw and expression as they are."""
        return STANDARD if self.basis is None and self.dims == FULL_DIMS else self.basis

    @property
    def steps(self) -> EqualSteps:
        """The shared steps of all frames of this configuration."""
        return _steps(self)


def pack_range_config(config: RangeConfig) -> int:
    """The byte for a configuration: bits 7-5 E / 10 - 1, or OWN_MOTIONS for E = 50 in a basis of one's own; quality."""
    dims = EXPRESSION_DIMS.index(config.dims) if config.basis is None else OWN_MOTIONS
    return dims << _QUALITY_BITS | config.quality


def unpack_range_config(code: int, own: MotionBasis | None = None) -> RangeConfig:
    """Inverse of `pack_range_config`; `own` is the speaker's basis, where it is known.

    Raises:
        BitstreamError: `bad_config`, or `unknown_motions` for a basis that is not known.
    """
    dims, quality = code >> _QUALITY_BITS, code & (1 << _QUALITY_BITS) - 1
    if dims > OWN_MOTIONS or quality >= QUALITIES:
        raise BitstreamError("bad_config", f"Unknown configuration {code} of profile range")
    if dims < OWN_MOTIONS:
        return RangeConfig(EXPRESSION_DIMS[dims], quality)
    if own is None:
        raise BitstreamError("unknown_motions", "The face is in motions that are not known here")
    return RangeConfig(FULL_DIMS, quality, own)


@lru_cache(maxsize=128)
def _steps(config: RangeConfig) -> EqualSteps:
    return EqualSteps(config.dims, config.quality, config.motions)


def values_of(params: FaceParams) -> NDArray[np.float64]:
    """[E + 21] the face as numbers, in the order of the parameters."""
    return np.concatenate([params.to_vector(), params.torso]).astype(np.float64)
