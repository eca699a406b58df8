"""A small z-buffer renderer of meshes: for people who look, for landmark detectors, and to find what is visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.head.kernels.cast import cast_triangles

Array = NDArray[np.float64]
LIGHT = np.array([0.3, -0.45, -0.84])  # towards the light, camera frame


@dataclass(frozen=True, eq=False)
class Hits:
    """What each pixel sees: faces [h, w] (-1 = nothing) and barycentrics [h, w, 3]."""

    faces: NDArray[np.int64]
    barycentrics: Array


def project(points: Array, focal: float, size: int) -> Array:
    """[N, 2] pixels of points in the camera frame (RDF, metres), principal point in the middle."""
    return points[:, :2] / points[:, 2:] * focal + size / 2


def cast(vertices: Array, faces: NDArray[np.integer], focal: float, size: int) -> Hits:
    """First surface seen through every pixel center; vertices in the camera frame."""
    xy = np.ascontiguousarray(project(vertices, focal, size), np.float64)
    buffer = np.zeros((size, size))
    seen = np.full((size, size), -1, np.int64)
    weights = np.zeros((size, size, 3))
    cast_triangles(xy, 1.0 / vertices[:, 2], np.ascontiguousarray(faces, np.int64), buffer, seen, weights)
    return Hits(seen, weights)


def vertex_normals(vertices: Array, faces: NDArray[np.integer]) -> Array:
    """[V, 3] area-weighted unit normals."""
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    np.add.at(normals, faces.ravel(), np.repeat(face_normals, 3, axis=0))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)


def shade(
    vertices: Array,
    faces: NDArray[np.integer],
    colors: Array,
    focal: float,
    size: int,
    background: tuple[float, float, float] = (0.9, 0.92, 0.94),
) -> NDArray[np.uint8]:
    """[size, size, 3] RGB picture with smooth shading, antialiased by 2 x 2 samples.

    Args:
        vertices: [V, 3] camera frame, metres.
        faces: [F, 3].
        colors: [V, 3] albedo 0..1.
        focal: focal length in pixels.
        size: width and height in pixels.
        background: RGB 0..1.
    """
    hits = cast(vertices, faces, 2 * focal, 2 * size)
    light = LIGHT / np.linalg.norm(LIGHT)
    lit = 0.35 + 0.65 * (vertex_normals(vertices, faces) @ light).clip(0.0, 1.0)
    drawn = hits.faces >= 0
    picture = np.tile(np.array(background), (2 * size, 2 * size, 1))
    corners = (colors * lit[:, None])[faces[hits.faces[drawn]]]  # [pixels, 3 corners, 3]
    picture[drawn] = (corners * hits.barycentrics[drawn][..., None]).sum(axis=1)
    above, below = picture[::2], picture[1::2]
    picture = ((above[:, ::2] + above[:, 1::2]) + (below[:, ::2] + below[:, 1::2])) / 4
    return (picture * 255).round().astype(np.uint8)
