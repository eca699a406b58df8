"""A face tracker whose answers are corrected in a closed loop, as far as there is time (docs/closed-loop.md)."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_model import INSTANT_SIZE, AvatarModel, full_vector
from tracker.closed_loop import MAX_STEPS, ClosedLoop, Refined
from tracker.corrections import Corrections, face_of
from tracker.extractor import Extractor
from tracker.face_tracker import TrackResult
from tracker.loop_budget import LoopBudget
from tracker.profile import PersonProfile

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

ABSENCE_S = 1.0
"""After so long without a face the last correction says nothing any more."""
EASE_PICTURES = 6
"""So many pictures it takes from one way of correcting to another."""
FEW_STEPS = 1
"""So few overshoot: each change is then spread."""
FADE_S = 2.0
"""Time constant with which the last correction goes while the loop is off."""
CLOSE_S = 5.0
"""To wait for a loop that is still being prepared."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """An avatar that looks like the person in front of the camera.

    Args:
        avatar: of the head model that is tracked.
        corrections: what is known of this person with this avatar, if anything.
    """

    avatar: AvatarModel
    corrections: Corrections | None = None

    @staticmethod
    def of(avatar: AvatarModel, avatar_id: str, person: PersonProfile | None) -> Likeness:
        """The avatar of that id, with the person's corrections if they belong to it."""
        if person is None or person.avatar_id != avatar_id:
            return Likeness(avatar)
        return Likeness(avatar, person.corrections)


class Loop(Protocol):
    """What is needed of tracker.closed_loop.ClosedLoop."""

    max_steps: int
    correction: Array

    def refine(self, image_rgb: NDArray[np.uint8], params: FaceParams, K: NDArray[np.float32]) -> Refined:
        """Corrects one face; `correction` is then what it has added to what is known of the person."""
        ...

    def reset(self) -> None:
        """Forgets the correction."""
        ...


class RefinedTracker:
    """Tracks, then corrects. Implements tracker.extractor.Extractor; it owns the tracker that it is given.

    With a budget it is for calls: the loop is prepared in a thread of its own, does only what there is time for, and
    changes of what it does are eased. Without, every picture is corrected as well as can be.

    Args:
        tracker: says what there is to correct.
        likeness: what the person wears.
        budget: for pictures that come from a camera.
        make_loop: makes the closed loop; takes most of a second.
        now: monotonic seconds.
    """

    def __init__(
        self,
        tracker: Extractor,
        likeness: Likeness,
        budget: LoopBudget | None = None,
        make_loop: Callable[[Likeness], Loop] | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.name, self.head_model_id, self.focal_ratio = tracker.name, tracker.head_model_id, tracker.focal_ratio
        self.ready = threading.Event()
        self._tracker, self._likeness, self._budget = tracker, likeness, budget
        self._corrections = likeness.corrections or Corrections.none()
        self._make_loop, self._now = make_loop or _make_loop, now
        self._loop: Loop | None = None
        self._preparing: threading.Thread | None = None
        self._broken = self._was_off = False
        self._seen_s: float | None = None
        self._carried, self._sent = np.zeros(INSTANT_SIZE), np.zeros(INSTANT_SIZE)
        self._ease = 0

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float) -> TrackResult:
        """See tracker.extractor.Extractor; the torso is the loop's."""
        started = self._now()
        result = self._tracker.track(image_rgb, timestamp_s)
        tracked = self._now()
        if self._seen_s is not None and timestamp_s - self._seen_s > ABSENCE_S:
            self._forget()
        if result.params is None:
            return result
        since_s = 0.0 if self._seen_s is None else max(0.0, timestamp_s - self._seen_s)
        self._seen_s = timestamp_s
        params = self._correct(image_rgb, result.params, since_s)
        if self._budget is not None:
            self._budget.account(timestamp_s, tracked - started, self._now() - tracked)
        return replace(result, params=params)

    def close(self) -> None:
        """Frees the networks; calling it twice is fine."""
        self._broken = True
        self._tracker.close()
        if self._preparing is not None:
            self._preparing.join(CLOSE_S)

    def _correct(self, image_rgb: NDArray[np.uint8], params: FaceParams, since_s: float) -> FaceParams:
        loop, steps = self._loop, MAX_STEPS if self._budget is None else self._budget.steps()
        if loop is None and not self._broken:
            loop = self._begin(image_rgb, params)
        is_off = loop is None or (self._budget is not None and self._budget.level.steps == 0)
        if loop is not None and steps > 0:
            self._look(loop, image_rgb, params, steps)
        if is_off:
            self._carried *= math.exp(-since_s / FADE_S)
            if loop is not None:
                loop.correction = self._carried.copy()  # where it begins when it comes back
        elif self._was_off:
            self._ease = EASE_PICTURES
        self._was_off = is_off
        self._sent = self._sent + (self._carried - self._sent) / max(self._ease, self._calming())
        self._ease = max(0, self._ease - 1)
        tracked = np.concatenate([full_vector(params), params.torso]).astype(np.float64)
        tracked += self._corrections.of(tracked[: len(self._corrections.mean)])
        return face_of(tracked + self._sent)

    def _calming(self) -> int:
        """1, or 2 to send the mean of what was sent and what was found: pictures that are left out make stairs."""
        if self._budget is None:
            return 1
        level = self._budget.level
        return 2 if level.every > 1 or 0 < level.steps <= FEW_STEPS else 1

    def _look(self, loop: Loop, image_rgb: NDArray[np.uint8], params: FaceParams, steps: int) -> None:
        """Has the loop correct this picture; a call goes on without one that fails."""
        loop.max_steps = steps
        try:
            loop.refine(image_rgb, params, self._intrinsics(image_rgb))
        except Exception:
            if self._budget is None:
                raise
            self._fail()
            return
        if np.isfinite(loop.correction).all():
            self._carried = loop.correction.copy()
        else:
            loop.reset()

    def _begin(self, image_rgb: NDArray[np.uint8], params: FaceParams) -> Loop | None:
        if self._budget is None:
            self._loop = self._make_loop(self._likeness)
            self.ready.set()
            return self._loop
        if self._preparing is None:
            self._was_off = True
            arguments = image_rgb.copy(), params, self._intrinsics(image_rgb)
            self._preparing = threading.Thread(target=self._prepare, args=arguments, name="closed-loop", daemon=True)
            self._preparing.start()
        return None

    def _prepare(self, image_rgb: NDArray[np.uint8], params: FaceParams, K: NDArray[np.float32]) -> None:
        """The first picture takes a loop many times as long as the others."""
        try:
            loop = self._make_loop(self._likeness)
            loop.refine(image_rgb, params, K)
        except Exception:
            self._fail()
        else:
            self._loop = loop
        self.ready.set()

    def _fail(self) -> None:
        if not self._broken:
            logger.exception("the closed loop failed and stays off")
        self._loop, self._broken = None, True

    def _forget(self) -> None:
        self._seen_s = None
        self._carried, self._sent = np.zeros(INSTANT_SIZE), np.zeros(INSTANT_SIZE)
        self._ease = 0
        if self._loop is not None:
            self._loop.reset()

    def _intrinsics(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[3, 3] of the camera that the tracker assumes."""
        height, width = image_rgb.shape[:2]
        focal = self.focal_ratio * max(width, height)
        return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)


def _make_loop(likeness: Likeness) -> Loop:
    return ClosedLoop(likeness.avatar, corrections=likeness.corrections)
