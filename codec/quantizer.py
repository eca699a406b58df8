"""Uniform quantisation of face parameters over documented ranges (docs/bitstream.md, "Ranges").

A parameter of b bits and a symmetric range +-r has the symbols 0 .. 2n with n = 2**(b-1) - 1 and the value
(symbol - n) * r / n, so that 0 is exact. One with a range lo .. hi has the symbols 0 .. m with m = 2**b - 1 and the
value lo + symbol * (hi - lo) / m.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.params import EXPRESSION_DIMS, MAX_EXPRESSION, TORSO_SIZE, FaceParams, Vector

EXPRESSION_BITS = (8, 10)
EXPRESSION_RANGE, WIDE_EXPRESSION_RANGE = 4.0, 8.0
"""Standard deviations; the second one is that of profile `range`. What the closed loop says of a head that the model
does not quite fit goes beyond 4."""

POSE_FIELDS: tuple[tuple[str, int, float, float, int], ...] = (
    ("global_rotation", 3, -2.0, 2.0, 12),
    ("translation x, y", 2, -1.5, 1.5, 13),
    ("translation z", 1, 0.1, 3.1, 13),
    ("jaw_pose", 3, -0.8, 0.8, 10),
    ("eyelids", 2, 0.0, 1.0, 8),
    ("gaze", 4, -0.8, 0.8, 10),
)
"""(name, parameters, low, high, bits) of everything after the expression, in the order of FaceParams.to_vector()."""

TORSO_FIELDS: tuple[tuple[str, int, float, float, int], ...] = (
    ("torso rotation", 3, -0.5, 0.5, 10),
    ("torso translation", 3, -0.15, 0.15, 10),
)
"""The same for FaceParams.torso. Steps of 1 mrad and 0.3 mm are about half a pixel, as those of the head."""

_WIDE = ("expression", MAX_EXPRESSION, -WIDE_EXPRESSION_RANGE, WIDE_EXPRESSION_RANGE, 0)
_ALL = (_WIDE, *POSE_FIELDS, *TORSO_FIELDS)
FACE_LOW, FACE_HIGH = (np.repeat([field[side] for field in _ALL], [field[1] for field in _ALL]) for side in (2, 3))
"""[71] each: what profile `range` carries of FaceParams.to_vector() with 50 coefficients, and the torso behind it.
Coders clamp."""

Symbols = tuple[int, ...]


@dataclass(frozen=True)
class StreamConfig:
    """What a key frame declares.

    Args:
        expression_dims: E, one of EXPRESSION_DIMS.
        expression_bits: bits per expression coefficient, one of EXPRESSION_BITS.

    Raises:
        ValueError: not one of the permitted numbers.
    """

    expression_dims: int = 50
    expression_bits: int = 8

    def __post_init__(self) -> None:
        if self.expression_dims not in EXPRESSION_DIMS:
            raise ValueError(f"expression_dims is {self.expression_dims}, expected one of {EXPRESSION_DIMS}")
        if self.expression_bits not in EXPRESSION_BITS:
            raise ValueError(f"expression_bits is {self.expression_bits}, expected one of {EXPRESSION_BITS}")


class UniformRanges:
    """N numbers to symbols and back.

    Args:
        ranges: (name, numbers, low, high, bits), one after another.

    Attributes:
        bits: bits of each symbol, [N].
        max_symbols: largest symbol of each number, [N].
    """

    def __init__(self, ranges: tuple[tuple[str, int, float, float, int], ...]) -> None:
        bits: list[int] = []
        lows: list[float] = []
        spans: list[float] = []
        intervals: list[int] = []
        zeros: list[int] = []
        for _, count, low, high, field_bits in ranges:
            symmetric = low == -high
            half = (1 << (field_bits - 1)) - 1
            bits += [field_bits] * count
            lows += [0.0 if symmetric else low] * count
            spans += [high if symmetric else high - low] * count
            intervals += [half if symmetric else (1 << field_bits) - 1] * count
            zeros += [half if symmetric else 0] * count
        self.bits: Symbols = tuple(bits)
        self._lows = np.array(lows)
        self._spans = np.array(spans)
        self._intervals = np.array(intervals)
        self._zeros = np.array(zeros)
        self.max_symbols: Symbols = tuple(int(symbol) for symbol in self._intervals + self._zeros)

    @property
    def steps(self) -> NDArray[np.float64]:
        """[N] distance between the values of neighboring symbols, in each number's unit."""
        return self._spans / self._intervals

    def symbols(self, values: NDArray[np.floating]) -> Symbols:
        """Nearest symbols of [N] values; those out of range are clamped."""
        scaled = (values.astype(np.float64) - self._lows) * self._intervals / self._spans
        symbols = np.clip(np.rint(scaled) + self._zeros, 0, self._zeros + self._intervals)
        return tuple(int(symbol) for symbol in symbols.tolist())

    def values(self, symbols: Symbols) -> Vector:
        """[N] float32 what symbols within 0 .. max_symbols stand for; always within the ranges."""
        return vector32(self._lows + (np.array(symbols) - self._zeros) * self._spans / self._intervals)


class Quantizer(UniformRanges):
    """The E + 15 parameters of the head to symbols and back for one StreamConfig.

    Attributes:
        config: what it was made for.
    """

    def __init__(self, config: StreamConfig) -> None:
        expression = ("expression", config.expression_dims, -EXPRESSION_RANGE, EXPRESSION_RANGE, config.expression_bits)
        super().__init__((expression, *POSE_FIELDS))
        self.config = config

    def quantize(self, params: FaceParams) -> Symbols:
        """Nearest symbols; values out of range are clamped, missing expression coefficients are 0."""
        vector = params.to_vector()
        dims = self.config.expression_dims
        expression = np.zeros(dims, np.float32)
        given = vector[:-15][:dims]
        expression[: len(given)] = given
        return self.symbols(np.concatenate([expression, vector[-15:]]))

    def dequantize(self, symbols: Symbols) -> FaceParams:
        """The parameters that symbols within 0 .. max_symbols stand for, with a still torso."""
        return FaceParams.from_vector(self.values(symbols))


def vector32(values: NDArray[np.float64]) -> Vector:
    """Rounds float64 parameters to float32."""
    return values.astype(np.float32)


TORSO = UniformRanges(TORSO_FIELDS)
STILL_TORSO = TORSO.symbols(np.zeros(TORSO_SIZE))


@lru_cache(maxsize=len(EXPRESSION_DIMS) * len(EXPRESSION_BITS))
def quantizer_for(config: StreamConfig) -> Quantizer:
    """The shared Quantizer of a configuration."""
    return Quantizer(config)
