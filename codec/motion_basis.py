"""Motions of the mouth and the face that come together: what profile `range` sends instead of jaw and expression.

A basis is a standard one (codec.motion_table) or a person's own, which stands in the person's avatar file
(docs/avatar-format.md, `MOTN`). Its numbers are integers, so that both ends hold the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION

JAW_SIZE = 3
MOTIONS = JAW_SIZE + MAX_EXPRESSION
"""As many as there are parameters: jaw 3, then expression 50."""
COLUMNS = 2 + MOTIONS
HIGHEST_USUAL, HIGHEST_GAIN, HIGHEST_SHARE = 255, (1 << 15) - 1, 127
_UNIT = 1 << 16
_ROW = np.dtype("<i2")
_LEAST = 1e-4
"""Singular values below this share of the largest one are not undone: combinations that no motion makes."""


@dataclass(frozen=True)
class MotionBasis:
    """MOTIONS motions, the liveliest first.

    Args:
        data: MOTIONS rows of COLUMNS little-endian int16: the usual level of a motion's differences at quality 0
            (docs/bitstream.md, "Levels"), its gain, and its share of each parameter. A motion of 1 moves parameter j
            by gain * share[j] / 65536 / PX_PER_UNIT[j] (codec.range_tables).

    Raises:
        ValueError: the wrong size, a level outside of 0..255, a gain outside of 1..32767 or a share outside of
            -127..127.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != MOTIONS * COLUMNS * _ROW.itemsize:
            raise ValueError(f"a basis of {len(self.data)} bytes")
        rows = self.rows
        allowed = ((rows[:, 0], 0, HIGHEST_USUAL), (rows[:, 1], 1, HIGHEST_GAIN))
        for values, low, high in (*allowed, (rows[:, 2:], -HIGHEST_SHARE, HIGHEST_SHARE)):
            if values.min() < low or values.max() > high:
                raise ValueError(f"a basis with a number outside of {low}..{high}")

    @staticmethod
    def of_rows(rows: NDArray[np.integer]) -> MotionBasis:
        """The basis of [MOTIONS, COLUMNS] integers.

        Raises:
            ValueError: as the class.
        """
        if rows.shape != (MOTIONS, COLUMNS) or np.abs(rows.astype(np.int64)).max() > HIGHEST_GAIN:
            raise ValueError("a basis of the wrong shape, or with a number that takes more than 16 bits")
        return MotionBasis(rows.astype(_ROW).tobytes())

    @staticmethod
    def nearest(directions: NDArray[np.floating], usual: NDArray[np.number]) -> MotionBasis:
        """Rounds a basis.

        Args:
            directions: [MOTIONS, MOTIONS] what each motion does to each parameter, pixels.
            usual: [MOTIONS] levels.

        Raises:
            ValueError: a motion moves a parameter by 63 pixels, or a number is not finite.
        """
        if not (np.isfinite(directions).all() and np.isfinite(usual).all()):
            raise ValueError("a basis with a number that is not finite")
        largest = np.abs(directions).max(axis=1)
        gains = np.maximum(np.ceil(largest * _UNIT / HIGHEST_SHARE), 1)
        shares = np.rint(directions * _UNIT / gains[:, None])
        levels = np.rint(usual).clip(0, HIGHEST_USUAL)
        rows = np.concatenate([levels[:, None], gains[:, None], shares], axis=1)
        return MotionBasis.of_rows(rows.astype(np.int64))

    @property
    def rows(self) -> NDArray[np.int64]:
        """[MOTIONS, COLUMNS] level, gain, shares."""
        return np.frombuffer(self.data, _ROW).reshape(MOTIONS, COLUMNS).astype(np.int64)

    @property
    def usual(self) -> tuple[int, ...]:
        """[MOTIONS] levels."""
        return tuple(self.rows[:, 0].tolist())

    @property
    def directions(self) -> NDArray[np.float64]:
        """[MOTIONS, MOTIONS] pixels that each motion (row) moves each parameter (column) by."""
        rows = self.rows
        return rows[:, 2:] * (rows[:, 1:2] / _UNIT)

    @property
    def inverse(self) -> NDArray[np.float64]:
        """[MOTIONS, MOTIONS] how much of each motion (column) a pixel of each parameter (row) is; always finite."""
        return _inverse(self)


@lru_cache(maxsize=16)
def _inverse(basis: MotionBasis) -> NDArray[np.float64]:
    return np.linalg.pinv(basis.directions, rcond=_LEAST).astype(np.float64)
