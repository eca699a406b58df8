"""The inverse of a curvature that is measured seldom, kept up to date by the gradients on the way (BFGS).

Nocedal and Wright, Numerical Optimization, 2nd edition, equation 6.17.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FADE = 0.1
"""Share of what was learned that is forgotten from picture to picture: it holds near where it was seen."""
_LEAST = 1e-3
"""Cosine, in the metric of the inverse, below which a change of gradient is taken for noise."""


class Inverse:
    """A symmetric positive matrix.

    Args:
        measured: [n, n] that is known to hold roughly everywhere.
    """

    def __init__(self, measured: Array) -> None:
        self._measured, self._now = measured, measured.copy()

    def fade(self) -> None:
        """Forgets a part of what was learned."""
        self._now += FADE * (self._measured - self._now)

    def step(self, gradient: Array) -> Array:
        """[n] towards the minimum."""
        return -(self._now @ gradient)

    def learn(self, step: Array, change: Array) -> None:
        """Takes in that `step` [n] changed the gradient by `change` [n]."""
        carried = self._now @ change
        along, across = float(step @ change), float(change @ carried)
        if along <= _LEAST * across or along <= 0:
            return
        self._now += (1 + across / along) / along * np.outer(step, step)
        cross = np.outer(step, carried) / along
        self._now -= cross + cross.T
