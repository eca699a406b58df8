"""The inverse of a curvature that is measured seldom, kept up to date by the gradients on the way (BFGS).

Nocedal and Wright, Numerical Optimization, 2nd edition, equation 6.17.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FADE = 0.1
"""Share of what was learned that is forgotten from picture to picture: it holds near where it was seen."""
LEAST = 0.2
"""Share of the expected curvature that there is at least."""


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

    def forget(self) -> None:
        """Goes back to what was measured."""
        self._now[...] = self._measured

    def learn(self, step: Array, change: Array, expected: Array) -> None:
        """Takes in that `step` [n] changed the gradient by `change` [n], where `expected` [n] was expected.

        A change that shows much less curvature than expected is believed in part (Powell's damping, section 18.3).
        """
        bent, usual = float(step @ change), float(step @ expected)
        if usual <= 0:
            return
        if bent < LEAST * usual:
            change = expected + (1 - LEAST) * usual / (usual - bent) * (change - expected)
        carried = self._now @ change
        along, across = float(step @ change), float(change @ carried)
        self._now += (1 + across / along) / along * np.outer(step, step)
        cross = np.outer(step, carried) / along
        self._now -= cross + cross.T
