"""One person's resting head as a surface: where its face, hair, ears and mouth are, whatever head model it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from renderer.head.draw import vertex_normals
from renderer.head.kernels.cast import cast_triangles
from renderer.head.model import JOINT_NAMES, HeadModel, Part

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.int64]

MESH_LANDMARKS = 468
"""MediaPipe's landmarks of the skin; the ten that follow are the irises'."""
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
INNER_LIPS = LIPS[20:]
RIGHT_LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_LIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
FOREHEAD, CHIN, RIGHT_TEMPLE, LEFT_TEMPLE = 10, 152, 234, 454

ROOT, NECK, JAW = (JOINT_NAMES.index(name) for name in ("root", "neck", "jaw"))
_STILL_M = 0.0006
"""What no expression moves farther per standard deviation, taken together, is bone."""
_DEEP_M = 0.007
"""Skin farther than this from the opening between the lips, and not seen from outside, is the mouth's inside."""
_SOCKET_M = 0.02
"""Hidden skin up to this far from the lids lines the eye sockets."""


def smoothstep(low: float, high: float, x: NDArray[np.floating]) -> Array:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` falls instead of rising."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def normalized(vectors: NDArray[np.floating]) -> Array:
    """Vectors of length one along the last axis; zero vectors stay zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def nearest(points: Array, queries: Array, count: int) -> tuple[Index, Array]:
    """Exact `count` nearest points of each query: indices and distances, [n, count] each."""
    tree = cv2.flann.Index(points.astype(np.float32), {"algorithm": 4, "leaf_max_size": 10})
    index, squared = tree.knnSearch(queries.astype(np.float32), min(count, len(points)), params={"checks": -1})
    return index.astype(np.int64), np.sqrt(np.maximum(squared, 0).astype(np.float64))


def landmarks_on(head: HeadModel, vertices: NDArray[np.floating]) -> Array:
    """[478, 3] MediaPipe's landmarks on `vertices` [V, 3]."""
    corners = vertices[head.faces[head.landmark_faces]].astype(np.float64)
    return np.einsum("nk,nkd->nd", head.landmark_barycentrics.astype(np.float64), corners)


@dataclass(frozen=True, eq=False)
class Regions:
    """What is where on a head model, found on its template; V vertices.

    Args:
        landmarks: [478, 3] metres.
        hair: [V] 0..1 where hair may grow: scalp, temples and nape.
        bone: [V] what moves with the skull alone: no jaw, no neck, no expression.
        mouth: [V] inside of the mouth: what the skin's part of it is, not teeth and tongue.
        sockets: [V] skin of the lids' back side, which nobody sees.
        from_lips, from_lids: [V] metres to the nearest landmark of either.
        from_face: [V] metres to the nearest landmark.
        ears: [V].
        edges: [n, 2] edges of the mesh, each once.
    """

    landmarks: Array
    hair: Array
    bone: Mask
    mouth: Mask
    sockets: Mask
    from_lips: Array
    from_lids: Array
    from_face: Array
    ears: Mask
    edges: Index


@lru_cache(maxsize=4)
def regions_of(head: HeadModel) -> Regions:
    """The regions of a head model; found once."""
    points = head.v_template.astype(np.float64)
    marks = landmarks_on(head, points)
    skin = head.parts == Part.SKIN
    x, y, z = points.T

    def away(indices: tuple[int, ...] | range) -> Array:
        return nearest(marks[list(indices)], points, 1)[1][:, 0]

    temple = 0.5 * (marks[RIGHT_TEMPLE] * [-1, 1, 1] + marks[LEFT_TEMPLE])
    above = smoothstep(-0.012, 0.006, y - marks[FOREHEAD, 1] + 0.25 * np.abs(x))
    behind = smoothstep(-0.01, -0.03, z - temple[2]) * smoothstep(-0.065, -0.02, y - temple[1])
    weights = head.lbs_weights
    hair = np.maximum(above, behind) * skin * smoothstep(0.3, 0.9, weights[:, NECK])
    moved = np.sqrt((head.expressiondirs.astype(np.float64) ** 2).sum(axis=(1, 2)))
    bone = (weights[:, NECK] > 0.999) & (moved < _STILL_M) & (np.abs(head.posedirs).max(axis=(0, 2)) < 1e-4)
    hidden = ~_seen_from_outside(points, head.faces)
    mouth = hidden & skin & (away(INNER_LIPS) > _DEEP_M) & (np.abs(y - marks[list(INNER_LIPS), 1].mean()) < 0.035)
    mouth &= (z < marks[list(INNER_LIPS), 2].max()) & (z > marks[list(INNER_LIPS), 2].min() - 0.09)
    mouth &= np.abs(x) < 0.045
    from_lids = away(LEFT_LIDS + RIGHT_LIDS)
    sockets = hidden & skin & (from_lids < _SOCKET_M) & (z < marks[list(LEFT_LIDS), 2].max())
    ears = skin & (np.abs(x) > temple[0]) & (z < temple[2]) & (z > temple[2] - 0.06) & (np.abs(y - temple[1]) < 0.05)
    sides = np.concatenate([head.faces[:, [0, 1]], head.faces[:, [1, 2]], head.faces[:, [2, 0]]])
    edges = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    everywhere = range(MESH_LANDMARKS)
    return Regions(
        marks, hair, bone, mouth, sockets, away(LIPS), from_lids, away(everywhere), ears, edges
    )  # fmt: skip


def _seen_from_outside(points: Array, faces: NDArray[np.integer]) -> Mask:
    """[V] whether a vertex of the resting head shows from any of thirteen sides."""
    size, extent = 384, 0.5
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    seen = np.zeros(len(points), bool)
    for yaw, pitch in [(k * np.pi / 4, 0.0) for k in range(8)] + [(k * np.pi / 2, 0.7) for k in range(4)] + [(0, -0.7)]:
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        turn = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]) @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        turned = (points - middle) @ turn.T
        xy = np.stack([turned[:, 0], -turned[:, 1]], axis=1) * (size / (2 * extent)) + size / 2
        shown, _ = cast_mesh(xy, 1.0 / (2.0 - turned[:, 2]), faces, size, size)
        seen[faces[np.unique(shown[shown >= 0])].ravel()] = True
    return seen


def cast_mesh(
    xy: Array, inverse_depth: Array, faces: NDArray[np.integer], height: int, width: int
) -> tuple[Index, Array]:
    """First surface through every pixel: triangle [height, width] (-1 = none) and inverse depth (0 = none)."""
    side = max(height, width)
    buffer = np.zeros((side, side))
    seen = np.full((side, side), -1, np.int64)
    weights = np.zeros((side, side, 3))
    triangles = np.ascontiguousarray(faces, np.int64)
    cast_triangles(np.ascontiguousarray(xy, np.float64), np.ascontiguousarray(inverse_depth), triangles, buffer, seen,
                   weights)  # fmt: skip
    return seen[:height, :width], buffer[:height, :width]


@dataclass(frozen=True, eq=False)
class Surface:
    """The resting head of a person: `head.v_template + shape_offsets` [V, 3], head frame, metres."""

    head: HeadModel
    shape_offsets: Array

    @cached_property
    def vertices(self) -> Array:
        """[V, 3]."""
        return self.head.v_template.astype(np.float64) + self.shape_offsets

    @cached_property
    def normals(self) -> Array:
        """[V, 3] unit."""
        return vertex_normals(self.vertices, self.head.faces)

    @property
    def regions(self) -> Regions:
        """Of the head model."""
        return regions_of(self.head)

    @cached_property
    def face_parts(self) -> NDArray[np.uint8]:
        """[F] part of each triangle."""
        return self.head.parts[self.head.faces[:, 0]]
