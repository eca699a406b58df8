"""Tracking in a closed loop, with a tracker and a loop that are made up: what is sent, and how calmly."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from codec.params import FaceParams
from renderer.avatar.avatar_model import INSTANT_SIZE, full_vector
from tests.support.tracks import talking
from tracker.closed_loop import MAX_STEPS
from tracker.corrections import Corrections
from tracker.face_tracker import NO_FACE, TrackResult
from tracker.loop_budget import OFF, Level
from tracker.refined_tracker import ABSENCE_S, EASE_PICTURES, Likeness, RefinedTracker

PICTURE = np.zeros((48, 64, 3), np.uint8)
JAW = 56
TORSO = 65
RATE = 25


@dataclass
class StillTracker:
    """Always says the same."""

    name: str = "mediapipe"
    head_model_id: str = "ab" * 32
    focal_ratio: float = 1.25
    params: FaceParams | None = field(default_factory=lambda: talking(0.3))
    closed: bool = False

    def track(self, image_rgb, timestamp_s: float) -> TrackResult:
        return NO_FACE if self.params is None else replace(NO_FACE, params=self.params, residual=0.5)

    def close(self) -> None:
        self.closed = True


@dataclass
class ConstantLoop:
    """Always finds the same."""

    correction: Any = field(default_factory=lambda: np.zeros(INSTANT_SIZE))
    found: float = 0.1
    max_steps: int = 0
    intrinsics: list = field(default_factory=list)
    begun_at: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    resets: int = 0
    error: Exception | None = None

    def refine(self, image_rgb, params, K):
        if self.error is not None:
            raise self.error
        self.begun_at.append(float(self.correction[JAW]))
        self.steps.append(self.max_steps)
        self.intrinsics.append(K)
        self.correction = np.zeros(INSTANT_SIZE)
        self.correction[JAW] = self.correction[TORSO] = self.found

    def reset(self) -> None:
        self.resets += 1
        self.correction = np.zeros(INSTANT_SIZE)


@dataclass
class GivenBudget:
    """Allows what the test says."""

    level: Level = field(default_factory=lambda: Level(3, 1))
    wanted: int = 3
    accounts: list = field(default_factory=list)

    def steps(self) -> int:
        return self.wanted

    def account(self, *seconds: float) -> None:
        self.accounts.append(seconds)

    def set(self, level: Level, wanted: int) -> None:
        self.level, self.wanted = level, wanted


@dataclass
class Call:
    """A tracker in a loop, picture by picture."""

    tracker: Any
    source: StillTracker
    index: int = 0

    def next(self, count: int = 1, gap_s: float = 0.0) -> list[float]:
        """By how much the jaw of each picture differs from the tracker's."""
        self.index += round(gap_s * RATE)
        changes = []
        for _ in range(count):
            result = self.tracker.track(PICTURE, self.index / RATE)
            self.index += 1
            if result.params is not None and self.source.params is not None:
                changes.append(float(result.params.jaw_pose[0] - self.source.params.jaw_pose[0]))
        return changes


def start(loop: Any, budget: Any = None, corrections: Corrections | None = None) -> Call:
    """A call whose loop is ready."""
    source, avatar = StillTracker(), SimpleNamespace()
    likeness = Likeness(avatar, corrections)  # pyright: ignore[reportArgumentType] - the loop never looks at it
    call = Call(RefinedTracker(source, likeness, budget, lambda likeness: loop), source)
    if budget is not None:
        call.next()
        assert call.tracker.ready.wait(10)
    return call


def shifted(offset: float) -> Corrections:
    """Every jaw is off by so much."""
    bounds = np.zeros(INSTANT_SIZE)
    bounds[JAW] = offset
    return replace(Corrections.none(), offset=bounds, low=bounds, high=bounds)


def test_without_a_budget_the_first_picture_is_corrected_already() -> None:
    loop = ConstantLoop()
    call = start(loop, corrections=shifted(0.05))
    assert call.next(3) == pytest.approx([0.15] * 3)
    assert loop.steps == [MAX_STEPS] * 3
    np.testing.assert_array_equal(loop.intrinsics[0], np.array([[80, 0, 32], [0, 80, 24], [0, 0, 1]], np.float32))
    result = call.tracker.track(PICTURE, 10.0)
    assert (result.residual, result.params.torso[0]) == (0.5, np.float32(0.1))
    assert call.source.params is not None
    wanted = full_vector(call.source.params)
    wanted[JAW] += 0.15
    np.testing.assert_allclose(full_vector(result.params), wanted, atol=1e-6)
    assert (call.tracker.name, call.tracker.head_model_id, call.tracker.focal_ratio) == ("mediapipe", "ab" * 32, 1.25)


def test_until_the_loop_is_prepared_only_what_is_known_is_added_then_it_is_eased_in() -> None:
    gate, loop = threading.Event(), ConstantLoop()

    def make(likeness: Likeness) -> ConstantLoop:
        gate.wait(10)
        return loop

    source = StillTracker()
    likeness = Likeness(SimpleNamespace(), shifted(0.05))  # pyright: ignore[reportArgumentType]
    call = Call(RefinedTracker(source, likeness, GivenBudget(), make), source)  # pyright: ignore[reportArgumentType]
    assert call.next(3) == pytest.approx([0.05] * 3)
    gate.set()
    assert call.tracker.ready.wait(10)
    changes = [0.05, *call.next(EASE_PICTURES + 2)]
    assert np.diff(changes).max() == pytest.approx(0.1 / EASE_PICTURES)
    assert changes[-3:] == pytest.approx([0.15] * 3)
    assert loop.begun_at[0] == 0
    assert set(loop.begun_at[1:]) == {0.1}, "what was found while preparing is where it begins"


def test_pictures_that_are_left_out_keep_the_correction() -> None:
    budget, loop = GivenBudget(), ConstantLoop()
    call = start(loop, budget)
    call.next(EASE_PICTURES)
    budget.set(Level(2, 2), 0)
    looked = len(loop.steps)
    assert call.next(2) == pytest.approx([0.1, 0.1])
    assert len(loop.steps) == looked
    budget.set(Level(2, 2), 2)
    assert call.next() == pytest.approx([0.1])
    assert loop.steps[-1] == 2


@pytest.mark.parametrize("level", [Level(1, 1), Level(2, 2)])
def test_where_the_loop_is_less_steady_changes_are_halved(level: Level) -> None:
    budget, loop = GivenBudget(), ConstantLoop()
    call = start(loop, budget)
    call.next(EASE_PICTURES)
    budget.set(level, level.steps)
    loop.found = 0.18
    assert call.next(3) == pytest.approx([0.14, 0.16, 0.17])


def test_switched_off_the_correction_fades_and_coming_back_jumps_nowhere() -> None:
    budget, loop = GivenBudget(), ConstantLoop()
    call = start(loop, budget)
    before = call.next(EASE_PICTURES)[-1]
    budget.set(OFF, 0)
    off = call.next(8 * RATE)
    assert abs(off[0] - before) < 0.003
    assert (np.diff(off) <= 0).all()
    assert 0 <= off[-1] < 0.005
    budget.set(Level(3, 1), 3)
    loop.found = 0.12
    back = [off[-1], *call.next(EASE_PICTURES + 1)]
    assert np.diff(back).max() < 1.1 * 0.12 / EASE_PICTURES
    assert back[-1] == pytest.approx(0.12)
    assert loop.begun_at[-EASE_PICTURES - 1] == pytest.approx(off[-1]), "it begins where the picture before was"


def test_after_an_absence_it_begins_anew_but_not_after_a_blink_of_the_landmarker() -> None:
    loop = ConstantLoop()
    call = start(loop)
    face = call.source.params
    for away_s, resets in ((ABSENCE_S / 2, 0), (2 * ABSENCE_S, 1)):
        call.source.params = face
        call.next(3)
        call.source.params = None
        assert call.next(round(away_s * RATE)) == []
        call.source.params = face
        call.next()
        assert loop.resets == resets
    call.next(gap_s=2 * ABSENCE_S)
    assert loop.resets == 2, "no pictures at all"


def test_a_loop_that_fails_costs_a_call_nothing_but_itself(caplog: pytest.LogCaptureFixture) -> None:
    loop = ConstantLoop()
    call = start(loop, GivenBudget())
    call.next(EASE_PICTURES)
    loop.error = np.linalg.LinAlgError("singular")
    changes = call.next(10 * RATE)
    assert len(changes) == 10 * RATE
    assert abs(changes[0] - 0.1) < 0.003
    assert abs(changes[-1]) < 0.001
    assert caplog.text.count("stays off") == 1
    with pytest.raises(np.linalg.LinAlgError):  # a recording is not encoded other than was asked for
        start(loop).next()


def test_a_loop_that_cannot_be_made_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    call = start(ConstantLoop(error=ValueError("no such avatar")), GivenBudget())
    assert call.next(5) == pytest.approx([0] * 5)
    assert caplog.text.count("stays off") == 1


def test_numbers_that_are_none_are_not_sent() -> None:
    loop = ConstantLoop()
    call = start(loop)
    call.next(2)
    loop.found = float("nan")
    assert call.next() == pytest.approx([0.1])
    assert loop.resets == 1


def test_time_is_accounted_for_and_the_tracker_is_closed() -> None:
    budget, clock = GivenBudget(), iter(range(100))
    source = StillTracker()
    likeness = Likeness(SimpleNamespace())  # pyright: ignore[reportArgumentType]
    make = lambda likeness: ConstantLoop()
    tracker = RefinedTracker(source, likeness, budget, make, lambda: next(clock))  # pyright: ignore[reportArgumentType]
    tracker.track(PICTURE, 3.0)
    source.params = None
    tracker.track(PICTURE, 3.1)
    assert budget.accounts == [(3.0, 1, 1)], "pictures without a face say nothing about the time of one"
    tracker.close()
    tracker.close()
    assert source.closed
