"""What the live camera picture shows of a person while they record a take: the poses so far, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from client.clock import monotonic_s
from enrolment.coverage import ENOUGH, Coverage
from enrolment.quality import picture_quality
from tracker.face_tracker import TrackResult

LOOK_EVERY_S = 0.25
"""Quality changes slowly, and looking costs a millisecond."""

TAKE_HEIGHT_PX = 720
"""Of the recording; the live picture is the same one, scaled down."""

NO_FACE = "Your face is not in the picture."


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
        self._coverage = Coverage()
        self._looked_at = -LOOK_EVERY_S
        self._latest: tuple[str, ...] = ()
        self._hints: tuple[str, ...] = ()
        self._report = WatchReport()

    def observe(self, picture: NDArray[np.uint8], result: TrackResult) -> None:
        """The next picture [H, W, 3], and what the tracker said of it."""
        if result.params is not None:
            self._coverage.add(result.params, result.scores)
        now = monotonic_s()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look(picture, result.landmarks_px)
        shares = self._coverage.shares
        missing = tuple(name for name, share in shares.items() if share < ENOUGH)
        self._report = WatchReport(shares, missing, self._hints)

    def report(self) -> WatchReport:
        """All so far."""
        return self._report

    def _look(self, picture: NDArray[np.uint8], landmarks_px: NDArray[np.float32] | None) -> None:
        """A hint counts once it has been true twice in a row."""
        if landmarks_px is None:
            hints: tuple[str, ...] = (NO_FACE,)
        else:
            scale = max(TAKE_HEIGHT_PX / picture.shape[0], 1.0)
            large = cv2.resize(picture, None, fx=scale, fy=scale).astype(np.uint8, copy=False)
            hints = picture_quality(large, (landmarks_px * scale).astype(np.float32)).hints
        self._hints = tuple(hint for hint in hints if hint in self._latest)
        self._latest = hints
