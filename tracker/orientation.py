"""MediaPipe's head rotation, carried over to our camera and head model."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.head.pose import rotation_matrix

Array = NDArray[np.float64]

MEDIAPIPE_FOCAL_RATIO = 2.1
"""Focal length / height of the picture of a camera that would explain MediaPipe's rotation of faces beside the center.

Measured on rendered heads of known rotation (docs/tracking.md). MediaPipe's geometry module assumes 63 degrees
(0.82), but the depth that its network predicts undoes only part of what follows from that."""
_MEMORY_S = 10.0


def view_rotation(offset_px: Array, focal_px: float) -> Array:
    """[3, 3] smallest rotation (RUB axes) that turns the optical axis to the pixel `offset_px` from the center."""
    ray = np.array([offset_px[0], -offset_px[1], -focal_px]) / np.hypot(np.linalg.norm(offset_px), focal_px)
    axis = np.array([ray[1], -ray[0], 0.0])  # (0, 0, -1) x ray
    sine = float(np.hypot(ray[0], ray[1]))
    return rotation_matrix(axis * (np.arctan2(sine, -ray[2]) / max(sine, 1e-12)))


class OrientationPrior:
    """Where the skull points by MediaPipe's transformation matrix.

    MediaPipe's networks see depth, so their rotation neither trembles nor mistakes a dropped jaw for a nod, as a fit
    of flat landmarks does. But it holds for another camera, which turns faces beside the center, and for another
    neutral head: the running mean of the pitch by which the fit differs is corrected. (Yaw and roll do not differ:
    both heads are symmetric.)
    """

    def __init__(self) -> None:
        self.reset()

    def know(self, pitch: float, neutral_pitch: float) -> None:
        """Takes the person's constants from a profile: by how much the fit's pitch exceeds MediaPipe's, and the fit's
        pitch when the person looks into the lens, which stays until `reset`."""
        self._pitch, self._neutral_pitch = pitch, neutral_pitch
        self._observed_s = _MEMORY_S

    @property
    def pitch(self) -> float:
        """By how much the fit's pitch exceeds MediaPipe's."""
        return self._pitch

    def reset(self) -> None:
        """Forgets the person."""
        self._neutral_pitch: float | None = None
        self._pitch = 0.0
        self._observed_s = 0.0

    def doubt(self, seconds: float) -> None:
        """Keeps what was learned, but as if it had been seen for at most `seconds`."""
        self._observed_s = min(self._observed_s, seconds)

    def in_our_camera(
        self, camera_from_face: NDArray[np.float32], offset_px: Array, height: int, focal_px: float
    ) -> Array:
        """[3, 3] MediaPipe's rotation as our camera would see it.

        Args:
            camera_from_face: [4, 4] of the detection.
            offset_px: [2] the face's middle from the center of the picture.
            height: of the picture in pixels.
            focal_px: of our camera.
        """
        theirs = view_rotation(offset_px, MEDIAPIPE_FOCAL_RATIO * height)
        return view_rotation(offset_px, focal_px) @ theirs.T @ camera_from_face[:3, :3].astype(np.float64)

    def predict(self, rotation: Array) -> Array | None:
        """[3, 3] prior of the skull's rotation from `in_our_camera`; None before anything was learned."""
        return rotation @ _about_x(self._pitch) if self._observed_s > 0 else None

    def level(self, fitted: Array) -> Array:
        """[3, 3] the fit's rotation without the difference of the neutral heads: upright where MediaPipe sees a face
        upright, or where the person's profile says so. Without it everybody would hold the chin a few degrees too
        high, since the open head's face is steeper than people's."""
        pitch = self._pitch if self._neutral_pitch is None else self._neutral_pitch
        return fitted @ _about_x(-pitch)

    def observe(self, rotation: Array, fitted: Array, interval_s: float) -> None:
        """Learns from a picture where `in_our_camera` says `rotation` and the fit `fitted`."""
        self._observed_s = min(self._observed_s + interval_s, _MEMORY_S)
        pitch = float(cv2.Rodrigues(rotation.T @ fitted)[0][0, 0])
        self._pitch += min(1.0, interval_s / self._observed_s) * (pitch - self._pitch)


def _about_x(angle: float) -> Array:
    return rotation_matrix(np.array([angle, 0.0, 0.0]))
