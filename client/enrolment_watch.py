"""What the live camera picture shows of a person while they record a take: the poses so far, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class WatchReport:
    """What there is to say.

    Args:
        shares: of each pose and expression that has been seen, 0..1.
        missing: names of those that still have to be.
        hints: sentences about the picture, the most important one first.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class TakeWatch:
    """Sees pictures in the tracking thread; `report` may be called from any other."""

    def __init__(self) -> None:
        self._report = WatchReport()

    def observe(self, picture: NDArray[np.uint8], result: Any) -> None:
        """The next picture [H, W, 3], and what the tracker said (tracker.face_tracker.TrackResult)."""

    def report(self) -> WatchReport:
        """All so far."""
        return self._report
