"""Which poses and expressions a take has shown so far, and which are still missing: each one missing costs fidelity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from tracker.detection import BLENDSHAPE_NAMES

ENOUGH = 0.8
"""Share from which a pose counts as shown."""
_CONFIRMED = 3
"""A pose must have been seen in so many pictures: one alone may be a slip of the tracker."""
_TARGETS = {
    "left": (25.0, "Turn your head further to your left."),
    "right": (25.0, "Turn your head further to your right."),
    "up": (12.0, "Raise your chin and look up a little."),
    "down": (12.0, "Lower your chin and look down a little."),
    "tilt_left": (10.0, "Tilt your head towards your left shoulder."),
    "tilt_right": (10.0, "Tilt your head towards your right shoulder."),
    "mouth": (0.4, "Open your mouth wide."),
    "smile": (0.5, "Smile broadly."),
    "blink": (0.8, "Blink with both eyes."),
}
"""Of each pose: degrees, or the score, that is enough; and what to tell the person."""
_JAW_OPEN = BLENDSHAPE_NAMES.index("jawOpen")
_SMILE = [BLENDSHAPE_NAMES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]


def head_angles(params: FaceParams) -> tuple[float, float, float]:
    """Degrees of (yaw to the person's left, pitch upwards, roll towards the person's left shoulder)."""
    rotation = cv2.Rodrigues(params.global_rotation.astype(np.float64))[0]
    x, y, z = (float(value) for value in rotation[:, 2])
    yaw, pitch = math.atan2(x, z), math.atan2(y, math.hypot(x, z))
    roll = -math.atan2(float(rotation[1, 0]), float(rotation[1, 1]))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


@dataclass
class Coverage:
    """Adds up what the pictures of a take show; cheap enough for a live meter."""

    _strongest: dict[str, list[float]] = field(default_factory=lambda: {name: [0.0] * _CONFIRMED for name in _TARGETS})

    def add(self, params: FaceParams, scores: NDArray[np.float32] | None = None) -> None:
        """Takes note of a picture.

        Args:
            params: what the tracker says of it.
            scores: [52] MediaPipe's blendshape scores, where they are known; mouth and smile need them.
        """
        yaw, pitch, roll = head_angles(params)
        shown = {
            "left": yaw, "right": -yaw, "up": pitch, "down": -pitch, "tilt_left": roll, "tilt_right": -roll,
            "blink": float(params.eyelids.min()),
        }  # fmt: skip
        if scores is not None:
            shown["mouth"], shown["smile"] = float(scores[_JAW_OPEN]), float(scores[_SMILE].mean())
        for name, value in shown.items():
            strongest = self._strongest[name]
            if value > strongest[0]:
                strongest[0] = value
                strongest.sort()

    @property
    def shares(self) -> dict[str, float]:
        """How far each pose was reached, 0..1."""
        return {name: min(1.0, self._strongest[name][0] / target) for name, (target, _) in _TARGETS.items()}

    @property
    def share(self) -> float:
        """How much of all was shown, 0..1."""
        shares = self.shares
        return sum(min(1.0, share / ENOUGH) for share in shares.values()) / len(shares)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the person could still do, one sentence each."""
        return tuple(_TARGETS[name][1] for name, share in self.shares.items() if share < ENOUGH)
