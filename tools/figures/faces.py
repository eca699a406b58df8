"""Expressions that the person has shown, on a head that stands still: an avatar knows no others."""

from __future__ import annotations

from dataclasses import replace

from codec.params import FaceParams
from tools.figures.subject import Moment, Subject
from tracker.detection import BLENDSHAPE_NAMES

EXPRESSIONS = (
    ("Smile", "mouthSmileRight"),
    ("Jaw open", "jawOpen"),
    ("Brow up", "browOuterUpLeft"),
    ("Chin raised", "mouthShrugLower"),
    ("Eyes closed", "eyeBlinkLeft"),
)
"""What stands below a picture, and the score that is highest there."""


def strongest(subject: Subject, score: str) -> Moment:
    """The moment in which one of MediaPipe's scores is highest."""
    column = BLENDSHAPE_NAMES.index(score)

    def scored(moment: Moment) -> float:
        return 0.0 if moment.tracked.scores is None else float(moment.tracked.scores[column])

    return max(subject.moments, key=scored)


def worn_by(head: FaceParams, shown: FaceParams) -> FaceParams:
    """The expression of one face on the head of another, which holds still."""
    return replace(head, expression=shown.expression, jaw_pose=shown.jaw_pose, eyelids=shown.eyelids, gaze=shown.gaze)
