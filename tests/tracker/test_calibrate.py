"""What a take of known faces teaches the tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from codec.params import FaceParams
from tracker.calibrate import calibrate
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.estimator import FaceEstimator
from tracker.profile import TAKE_S, PersonProfile, ProfileError

SIZE = (480, 640)
RATE = 8
REST = {"mouthSmileLeft": 0.2, "mouthSmileRight": 0.2, "browInnerUp": 0.3}
PITCH = 0.12
"""This person's relaxed head is bent so much in front of the camera."""
WIDEST = 0.6
"""The score of this person's wide-open mouth, which opens as far as any."""


@dataclass(frozen=True)
class Person:
    """Shows a person in front of a camera to an estimator."""

    studio: Any

    def looks(self, opened: float = 0.0, turn: float = 0.0, lids: float = 0.0) -> Detection:
        """Mouth opened so far (1: as far as it goes), head turned so far (radians), eyes closed so far."""
        head = self.studio.head
        row = head.blendshape_params[head.blendshape_names.index("jawOpen")]
        dims = head.expressiondirs.shape[2]
        face = self.studio.face(
            expression=opened * row[:50],
            jaw_pose=opened * row[dims + 6 : dims + 9],
            global_rotation=[PITCH, turn, 0.0],
            eyelids=[lids, lids],
        )
        blink = 0.1 + 0.6 * lids
        return self.studio.detection(face, **REST, jawOpen=WIDEST * opened, eyeBlinkLeft=blink, eyeBlinkRight=blink)

    def take(self) -> tuple[list[Detection], list[float]]:
        """Follows tracker.profile.SCHEDULE, without smile and pucker."""
        times_s = [index / RATE for index in range(int(TAKE_S * RATE))]
        return [self._at(time_s) for time_s in times_s], times_s

    def _at(self, time_s: float) -> Detection:
        if 1.5 <= time_s < 4.5:
            return self.looks(turn=0.35 * np.sin(2 * np.pi * (time_s - 1.5) / 3))
        if 4.7 <= time_s < 5.4:
            return self.looks(opened=1.0)
        return self.looks(lids=float(8.0 <= time_s < 8.2 or 8.5 <= time_s < 8.7))

    def seen(self, detection: Detection, profile: PersonProfile | None) -> FaceParams:
        """The last of a few equal pictures, after one of rest."""
        estimator = FaceEstimator(self.studio.head, person=profile)
        estimates = [
            estimator.estimate(shown, SIZE, 0.04 * index)
            for index, shown in enumerate([self.looks(), *[detection] * 4])
        ]
        assert estimates[-1] is not None
        return estimates[-1][0]


@pytest.fixture(scope="module")
def person(studio) -> Person:
    return Person(studio)


@pytest.fixture(scope="module")
def profile(person) -> PersonProfile:
    detections, times_s = person.take()
    shares: list[float] = []
    learned = calibrate(person.studio.head, detections, times_s, SIZE, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return learned


def test_the_resting_face_is_at_rest(person, profile):
    with_profile, without = (person.seen(person.looks(), known) for known in (profile, None))
    assert np.abs(with_profile.expression).max() < 0.1 < np.abs(without.expression).max()
    assert abs(with_profile.global_rotation[0]) < 0.01 < PITCH / 2 < abs(without.global_rotation[0])
    np.testing.assert_allclose(with_profile.gaze, 0, atol=0.03)
    assert with_profile.eyelids.max() == 0


def test_the_widest_mouth_is_wide_open(person, profile):
    jaw = BLENDSHAPE_NAMES.index("jawOpen")
    assert profile.gains[jaw] == pytest.approx(0.95 / WIDEST, abs=0.01)
    assert np.delete(profile.gains, jaw).max() == 1  # nothing else was performed
    head = person.studio.head
    row = head.blendshape_params[head.blendshape_names.index("jawOpen")]
    full = row[head.expressiondirs.shape[2] + 6]
    opened, without = (person.seen(person.looks(opened=1.0), known).jaw_pose[0] for known in (profile, None))
    assert opened == pytest.approx(full, rel=0.1)
    assert without < opened


def test_a_closed_eye_is_closed(person, profile):
    np.testing.assert_allclose(profile.closed, 0.7, atol=0.01)
    assert person.seen(person.looks(lids=1.0), profile).eyelids.min() > 0.95


def test_a_take_without_a_schedule_teaches_no_efforts(person):
    detections, times_s = person.take()
    learned = calibrate(person.studio.head, detections[: 4 * RATE], times_s[: 4 * RATE], SIZE, guided=False)
    np.testing.assert_array_equal(learned.gains, 1)
    assert learned.neutral_pitch == learned.rotation_pitch  # what nobody asked for is not taken for rest


def test_takes_that_teach_nothing_are_refused(person):
    detections, times_s = person.take()
    for guided in (True, False):
        for count in (0, 1, 2 * RATE):
            with pytest.raises(ProfileError, match="less than 3 s"):
                calibrate(person.studio.head, detections[:count], times_s[:count], SIZE, guided=guided)
    late = 2 * RATE
    with pytest.raises(ProfileError, match="no face while"):
        calibrate(person.studio.head, detections[late:], times_s[late:], SIZE)
