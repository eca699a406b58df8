"""Pictures of a take that show something else than the face: a hand, a cup, somebody who walks past."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TIMES_USUAL, SPREADS = 3.0, 6.0
"""A picture is odd if its loss is more than so many times the median, and more than so many deviations above it."""
MOST = 0.25
"""If a greater share is odd, it is the avatar that is wrong."""
_DEVIATION_OF_MEDIAN = 1.4826


def odd_pictures(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[n] which pictures an avatar comes much less close to than to the others.

    Args:
        losses: [n] of the closed loop.
    """
    median = float(np.median(losses))
    deviation = _DEVIATION_OF_MEDIAN * float(np.median(np.abs(losses - median)))
    odd = losses > max(TIMES_USUAL * median, median + SPREADS * deviation)
    return odd if odd.mean() <= MOST else np.zeros(len(losses), bool)
