"""What every shown face must be, whatever bytes a peer sends: for property tests and for tests/fuzz."""

from __future__ import annotations

import numpy as np

from codec.face_motion import BUDGET_S, SPEED_LIMITS
from codec.params import MAX_EXPRESSION, FaceParams
from codec.range_steps import values_of

_COUNTS = (MAX_EXPRESSION, 3, 2, 1, 3, 2, 4, 3, 3)
LOWEST = np.repeat([-8, -2, -1.5, 0.1, -0.8, 0, -0.8, -0.5, -0.15], _COUNTS)
HIGHEST = np.repeat([8, 2, 1.5, 3.1, 0.8, 1, 0.8, 0.5, 0.15], _COUNTS)
"""[71] docs/bitstream.md, "Ranges"."""
ROUNDING, ROUNDING_S = 1e-6, 1e-5


class ShownFaces:
    """Checks the faces that one receiver hands out, in order."""

    def __init__(self) -> None:
        self._before = np.full(len(LOWEST), np.nan)
        self._budget_s, self._at = BUDGET_S, 0.0

    def check(self, face: FaceParams, now: float) -> None:
        """It is finite, within the ranges, and no farther from those before it than the limits of speed let it be."""
        given = values_of(face)
        assert np.isfinite(given).all()
        values = np.full(len(LOWEST), np.nan)  # coefficients that it lacks stay so
        values[: len(face.expression)] = face.expression
        values[MAX_EXPRESSION:] = given[len(face.expression) :]
        assert not (values < LOWEST - ROUNDING).any()
        assert not (values > HIGHEST + ROUNDING).any()
        self._budget_s = min(BUDGET_S, self._budget_s + now - self._at)
        used_s = np.abs(values - self._before) / SPEED_LIMITS
        needed_s = float(used_s[np.isfinite(used_s)].max(initial=0.0))
        assert needed_s <= self._budget_s + ROUNDING_S
        self._budget_s -= min(needed_s, self._budget_s)
        self._before, self._at = values, now
