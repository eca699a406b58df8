"""From SMIRK's weak-perspective camera to the camera and the head frame of codec.params.

SMIRK's camera sees a crop along parallel rays: the point X of FLAME, turned about FLAME's root joint, appears at

    scale * (X_x + shift_x), -scale * (X_y + shift_y)        normalized crop coordinates, y down

Axes of FLAME's frame and of our head frame are the same (RUB); the origins differ: ours lies between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.orientation import view_rotation
from tracker.smirk.crop import Box

Array = NDArray[np.float64]

_FARTHEST_M = 20.0
_MEMORY_S = 20.0


@dataclass(frozen=True, eq=False)
class WeakPerspective:
    """What SMIRK says about the pose in one crop.

    Args:
        rotation: [3, 3] of the head, as if the camera looked straight at it.
        scale: normalized crop units per metre.
        shift: [2] metres, x and y in FLAME's frame.
    """

    rotation: Array
    scale: float
    shift: Array

    def project(self, points: Array, root_joint: Array, anchor: Array) -> Array:
        """[n, 2] normalized crop coordinates.

        Args:
            points: [n, 3] head frame.
            root_joint: [3] of the head model, head frame.
            anchor: [2] where that joint is in FLAME's own frame (x, y); its z does not show.
        """
        turned = (points - root_joint) @ self.rotation[:2].T
        return self.scale * (turned + anchor + self.shift) * (1.0, -1.0)


@dataclass(frozen=True, eq=False)
class Pose:
    """rotation: [3, 3] of the skull and translation: [3] metres, as in codec.params."""

    rotation: Array
    translation: Array


def to_perspective(
    weak: WeakPerspective, box: Box, root_joint: Array, anchor: Array, focal_px: float, center_px: Array
) -> Pose | None:
    """The pose that a pinhole camera would see where the weak-perspective camera sees the head; None for nonsense.

    Parallel rays and a pinhole agree on the plane through the eyes that faces the viewer. A head beside the picture's
    center is seen from the side: the crop does not know, so the rotation is turned by the angle of the viewing
    direction. The pinhole stretches such a head by 1 / cos of that angle, away from the center only; the depth is that
    of the mean scale.

    Args:
        weak: SMIRK's camera.
        box: the square that the crop was taken from.
        root_joint: [3] of the head model, head frame.
        anchor: [2] of that joint in FLAME's own frame.
        focal_px: focal length of our camera.
        center_px: [2] its principal point.
    """
    px_per_m = weak.scale * box.px_per_ndc
    if not px_per_m > focal_px / _FARTHEST_M:
        return None
    offset = box.to_image(weak.project(np.zeros((1, 3)), root_joint, anchor))[0] - center_px
    if not np.isfinite(offset).all():
        return None
    cosine = focal_px / float(np.hypot(np.linalg.norm(offset), focal_px))
    depth = focal_px / (px_per_m * cosine**0.5)
    return Pose(
        rotation=view_rotation(offset, focal_px) @ weak.rotation,
        translation=np.append(offset / focal_px, 1.0) * depth,
    )


class RootAnchor:
    """Learns where the root joint is in FLAME's own frame: [2] metres.

    It depends on the person's shape, which a head model in its own frame does not know. The landmarks of the picture
    tell: the anchor is what brings the head model's landmarks onto them. It is constant for a person, so the mean over
    time leaves SMIRK's position its short-term say.
    """

    def __init__(self) -> None:
        self.value: Array | None = None
        self._observed_s = 0.0

    def doubt(self, seconds: float) -> None:
        """Keeps what was learned, but as if it had been seen for at most `seconds`."""
        self._observed_s = min(self._observed_s, seconds)

    def observe(
        self,
        weak: WeakPerspective,
        points: Array,
        seen_ndc: Array,
        weights: Array,
        root_joint: Array,
        interval_s: float,
    ) -> Array:
        """Learns from one picture that stands for `interval_s`; returns the anchor.

        Args:
            weak: SMIRK's camera.
            points: [n, 3] landmarks of the head model with this picture's expression, head frame.
            seen_ndc: [n, 2] where the picture has them, normalized crop coordinates.
            weights: [n] of the landmarks.
            root_joint: [3] of the head model, head frame.
        """
        without = weak.project(points, root_joint, np.zeros(2))
        seen = np.average(seen_ndc - without, axis=0, weights=weights) / weak.scale * (1.0, -1.0)
        self._observed_s = min(self._observed_s + interval_s, _MEMORY_S)
        if self.value is None:
            self.value = seen
        self.value = self.value + min(1.0, interval_s / self._observed_s) * (seen - self.value)
        return self.value
