"""Landmarks of faces in a picture of a fixed scale, whatever the camera: what errors of codecs are measured in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.head.model import HeadModel
from renderer.head.pose import pose_vertices
from tracker.landmark_model import head_landmarks

Array = NDArray[np.float64]

FACE_PX = 200.0
"""Width of a face, from one of these landmarks to the other, in the pictures that pixels are those of."""
_LEFT, _RIGHT = 234, 454
_DEPTH = 5
"""Behind the expression: the distance from the camera."""
_STEP = 1e-2


class FacePixels:
    """Landmarks of faces as seen where the face is FACE_PX wide.

    Args:
        head: the head model.
        shape_offsets: [V, 3] metres, the person's head; None for that of the model.
    """

    def __init__(self, head: HeadModel, shape_offsets: NDArray[np.float32] | None = None) -> None:
        self._head = head
        self._shape = np.zeros_like(head.v_template) if shape_offsets is None else shape_offsets
        self._corners, self._shares = head.faces[head.landmark_faces], head.landmark_barycentrics[..., None]
        left, right = head_landmarks(head, np.array([_LEFT, _RIGHT]))
        self._width_m = float(np.linalg.norm(left - right))

    def points(self, face: FaceParams, depth_m: float) -> Array:
        """[478, 2] pixels from the picture's center, with the focal length that fits a face `depth_m` away."""
        vertices = pose_vertices(self._head, self._shape, face)
        points = (vertices[self._corners].astype(np.float64) * self._shares).sum(axis=1)
        return FACE_PX / self._width_m * depth_m * points[:, :2] / points[:, 2:]

    def slopes(self, vector: Array, indices: Iterable[int]) -> Array:
        """[n, 956] pixels by unit of some parameters, both coordinates of all landmarks, over sqrt(478).

        Args:
            vector: [65] as of FaceParams.to_vector().
            indices: [n] of the parameters.
        """
        depth_m = float(vector[50 + _DEPTH])

        def at(moved: Array) -> Array:
            return self.points(FaceParams.from_vector(moved.astype(np.float32)), depth_m).ravel()

        base, found = at(vector), []
        for index in indices:
            moved = vector.copy()
            moved[index] += _STEP
            found.append((at(moved) - base) / (_STEP * np.sqrt(len(base) / 2)))
        return np.array(found)
