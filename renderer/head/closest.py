"""The nearest point of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def closest_on_mesh(
    points: Array,
    vertices: Array,
    faces: NDArray[np.integer],
    candidates: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Array]:
    """Nearest surface point among `candidates` (face ids) for each point.

    Args:
        points: [N, 3].
        vertices: [V, 3].
        faces: [F, 3].
        candidates: [C] face ids.

    Returns:
        [N] face ids and [N, 3] barycentrics.
    """
    corners = vertices[faces[candidates]]
    found = np.zeros(len(points), np.int64)
    mixes = np.zeros((len(points), 3))
    for index, point in enumerate(points):
        near = np.argsort(np.linalg.norm(corners.mean(axis=1) - point, axis=1), kind="stable")[:60]
        mix = _closest_barycentrics(point, corners[near])
        gaps = np.linalg.norm((corners[near] * mix[..., None]).sum(axis=1) - point, axis=1)
        found[index], mixes[index] = candidates[near[gaps.argmin()]], mix[gaps.argmin()]
    return found, mixes


def _closest_barycentrics(point: Array, corners: Array) -> Array:
    """[n, 3] barycentrics of the nearest point on each triangle: inside if the foot lies inside, else on an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    size = (normal**2).sum(axis=1).clip(1e-24)
    wb = (np.cross(point - a, c - a) * normal).sum(axis=1) / size
    wc = (np.cross(b - a, point - a) * normal).sum(axis=1) / size
    best = np.stack([1 - wb - wc, wb, wc], axis=1)
    foot = (best[..., None] * corners).sum(axis=1)
    gap = np.where((best >= 0).all(axis=1), ((foot - point) ** 2).sum(axis=1), np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, i], corners[:, j] - corners[:, i]
        along = ((point - start) * edge).sum(axis=1) / (edge**2).sum(axis=1).clip(1e-24)
        along = along.clip(0.0, 1.0)
        distance = ((start + along[:, None] * edge - point) ** 2).sum(axis=1)
        candidate = np.zeros_like(best)
        candidate[:, i], candidate[:, j] = 1 - along, along
        closer = distance < gap
        best[closer], gap[closer] = candidate[closer], distance[closer]
    return best
