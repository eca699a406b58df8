"""MediaPipe's rigid pose of a face: its canonical face mesh laid over the landmarks.

What MediaPipe's face geometry module does (mediapipe/tasks/cc/vision/face_geometry/libs/geometry_pipeline.cc and
procrustes_solver.cc, Apache-2.0, read and written anew): the landmarks' own depth is relative, so their scale is
estimated twice by a weighted Procrustes fit, and the third fit is the pose.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"
"""The canonical face within a face_landmarker.task."""
MESH_LANDMARKS = 468
"""The canonical mesh ends before the irises."""
_OPENING_ANGLE = np.radians(63.0)
"""Vertical, of the camera that MediaPipe assumes."""
_VERTEX_FLOATS = 5  # x, y, z, u, v
# Field numbers of GeometryPipelineMetadata, Mesh3d and WeightedLandmarkRef (face_geometry/proto/*.proto).
_CANONICAL_MESH, _PROCRUSTES_BASIS, _VERTEX_BUFFER, _LANDMARK_ID, _WEIGHT = 1, 2, 3, 1, 2


@dataclass(frozen=True, eq=False)
class CanonicalFace:
    """The k points of the canonical face that carry weight.

    Args:
        landmarks: [k] which landmarks they are.
        points: [k, 3] centimetres, +x to the person's left, +y up, +z out of the face.
        weights: [k].
    """

    landmarks: NDArray[np.intp]
    points: Array
    weights: Array

    @staticmethod
    def parse(metadata: bytes) -> CanonicalFace:
        """Reads the geometry metadata of a face_landmarker.task.

        Raises:
            ValueError: this is not the geometry metadata of 468 landmarks.
        """
        floats = np.zeros(0, np.float32)
        basis: list[tuple[int, float]] = []
        for field, value in _fields(metadata):
            if field == _CANONICAL_MESH:
                parts = [part for number, part in _fields(_bytes(value)) if number == _VERTEX_BUFFER]
                floats = np.frombuffer(b"".join(map(_bytes, parts)), "<f4")
            elif field == _PROCRUSTES_BASIS:
                entry = dict(_fields(_bytes(value)))
                (weight,) = struct.unpack("<f", _bytes(entry.get(_WEIGHT, bytes(4))))
                index = entry.get(_LANDMARK_ID, 0)
                if not isinstance(index, int) or index >= MESH_LANDMARKS:
                    raise ValueError("a weight names no landmark")
                basis.append((index, weight))
        if floats.size != MESH_LANDMARKS * _VERTEX_FLOATS or not np.isfinite(floats).all() or len(basis) < 3:
            raise ValueError("this is no canonical face of 468 landmarks")
        landmarks = np.array([index for index, _ in basis], np.intp)
        points = floats.reshape(-1, _VERTEX_FLOATS)[landmarks, :3].astype(np.float64)
        return CanonicalFace(landmarks, points, np.array([weight for _, weight in basis], np.float64))

    def camera_from_face(self, landmarks_px: Array, image_size: tuple[int, int]) -> NDArray[np.float32]:
        """[4, 4] rigid transform to a camera with +x right, +y up, looking along -z, centimetres.

        Args:
            landmarks_px: [478, 3] pixels; depth grows away from the camera and has any origin.
            image_size: (height, width) of the picture.
        """
        height, width = image_size
        near_plane = 2 * np.tan(_OPENING_ANGLE / 2) / height  # metric size of a pixel at distance 1
        depth_offset = landmarks_px[:MESH_LANDMARKS, 2].mean()
        seen = landmarks_px[self.landmarks]
        flat = np.empty_like(seen)
        flat[:, 0] = (seen[:, 0] - width / 2) * near_plane
        flat[:, 1] = (height / 2 - seen[:, 1]) * near_plane
        flat[:, 2] = (seen[:, 2] - depth_offset) * near_plane

        first = self._fit(flat * (1, 1, -1))[0]
        second = self._fit(_unproject(flat, first))[0]
        _, rotation, translation = self._fit(_unproject(flat, first * second))
        transform = np.eye(4, dtype=np.float32)
        transform[:3, :3], transform[:3, 3] = rotation, translation
        return transform

    def _fit(self, seen: Array) -> tuple[float, Array, Array]:
        """Scale, rotation [3, 3] and translation [3] that lay `points` over `seen` [k, 3] (weighted Procrustes)."""
        share = self.weights / self.weights.sum()
        source_mean, target_mean = share @ self.points, share @ seen
        source, target = self.points - source_mean, seen - target_mean
        u, _, vt = np.linalg.svd((target * share[:, None]).T @ source)
        rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
        scale = float(np.sum(share[:, None] * target * (source @ rotation.T)) / np.sum(share[:, None] * source**2))
        return scale, rotation, target_mean - scale * rotation @ source_mean


def _unproject(flat: Array, scale: float) -> Array:
    """[k, 3] points in front of the camera of points on the plane at distance 1 with relative depth."""
    depth = (flat[:, 2] + 1.0) / scale
    return np.column_stack([flat[:, 0] * depth, flat[:, 1] * depth, -depth])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protocol buffer message (wire types varint, 32-bit and length-delimited)."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (2, 5):
            length, position = _varint(message, position) if kind == 2 else (4, position)
            value = message[position : position + length]
            position += length
            if position > len(message):
                raise ValueError("the message is cut off")
        else:
            raise ValueError(f"wire type {kind} is not expected")
        yield key >> 3, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(message):
            raise ValueError("the message is cut off")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is too long")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should be")
    return value
