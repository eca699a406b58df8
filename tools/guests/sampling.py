"""Even points on a surface whose spacing varies (variable-radius Poisson disks, deterministic)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tools.guests.canvas import Array, Index, Spots, normalized

CANDIDATES_PER_SPOT = 14
NEIGHBOURS = 60
LLOYD_ROUNDS = 5
NORMAL_WEIGHT = 0.004
"""Metres by which opposite normals set two points apart: the two sides of a closed mouth do not thin each other."""


def nearest_neighbours(points: Array, queries: Array, count: int) -> tuple[Index, Array]:
    """Exact k nearest neighbours: indices and distances, [n, count] each."""
    tree = cv2.flann.Index(points.astype(np.float32), {"algorithm": 4, "leaf_max_size": 10})
    index, squared = tree.knnSearch(queries.astype(np.float32), min(count, len(points)), params={"checks": -1})
    return index.astype(np.int64), np.sqrt(np.maximum(squared, 0).astype(np.float64))


def spread_spots(
    vertices: Array,
    faces: Index,
    allowed: Index,
    spacing_of: Callable[[Spots], Array],
    seed: int,
) -> tuple[Spots, Array]:
    """Covers the triangles `allowed` with spots whose mutual distance is about `spacing_of` (metres).

    Returns:
        The spots and the spacing at each, metres.
    """
    rng = np.random.default_rng(seed)
    corners = vertices[faces[allowed]]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = 0.5 * np.linalg.norm(cross, axis=1)
    centers = Spots(allowed, np.full((len(allowed), 3), 1 / 3))
    expected = areas / (0.85 * spacing_of(centers) ** 2)
    quota = expected * CANDIDATES_PER_SPOT
    counts = np.floor(quota + rng.random(len(quota))).astype(np.int64)
    picked = np.repeat(np.arange(len(allowed)), counts)
    u, v = rng.random((2, len(picked)))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    candidates = Spots(allowed[picked], np.stack([1 - u - v, u, v], axis=1))
    spacing = spacing_of(candidates)
    points = (corners[picked] * candidates.barycentrics[:, :, None]).sum(axis=1)
    normals = normalized(cross)[picked]
    order = rng.permutation(len(picked))
    features = np.concatenate([points, NORMAL_WEIGHT * normals], axis=1)
    chosen = _even_out(features, order[_thin(features[order], spacing[order])])
    return candidates.take(chosen), spacing[chosen]


def _thin(points: Array, spacing: Array) -> Index:
    """Indices of a maximal subset with no two points closer than their smaller spacing; earlier points win."""
    neighbours, distances = nearest_neighbours(points, points, NEIGHBOURS)
    count = len(points)
    rank = np.arange(count)
    conflict = (distances < np.minimum(spacing[:, None], spacing[neighbours])) & (neighbours != rank[:, None])
    first = np.repeat(rank, conflict.sum(axis=1))
    second = neighbours[conflict]
    first, second = np.concatenate([first, second]), np.concatenate([second, first])
    undecided, kept = np.ones(count, bool), np.zeros(count, bool)
    while undecided.any():
        live = undecided[first] & undecided[second]
        first, second = first[live], second[live]
        beaten = np.zeros(count, bool)
        beaten[second[first < second]] = True
        winners = undecided & ~beaten
        kept |= winners
        undecided &= ~winners
        undecided[second[winners[first]]] = False
    return np.flatnonzero(kept)


def _even_out(points: Array, chosen: Index) -> Index:
    """Lloyd's iteration among the candidates: every chosen one moves to the center of those it is nearest to."""
    for _ in range(LLOYD_ROUNDS):
        owner = nearest_neighbours(points[chosen], points, 1)[0][:, 0]
        counts = np.bincount(owner, minlength=len(chosen))
        sums = [np.bincount(owner, points[:, k], len(chosen)) for k in range(points.shape[1])]
        centers = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
        chosen = np.unique(nearest_neighbours(points, centers, 1)[0][:, 0])
    return chosen


def relax(
    points: Array, normals: Array, spacing: Array, colors: Array, amount: Array | float, rounds: int = 2
) -> Array:
    """Sharpens colors against the blur of overlapping Gaussians (Van Cittert's iteration on nearest neighbours).

    Args:
        points: [n, 3] positions.
        normals: [n, 3]; points on another sheet of the surface do not count as neighbours.
        spacing: [n] metres.
        colors: [n, 3] wanted colors.
        amount: share of the difference that is put back each round, [n] or a number.
        rounds: number of iterations.
    """
    features = np.concatenate([points, NORMAL_WEIGHT * normals], axis=1)
    neighbours, distances = nearest_neighbours(features, features, 9)
    weights = np.exp(-0.5 * (distances / (0.62 * spacing[neighbours])) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    sharpened = colors
    for _ in range(rounds):
        blurred = (sharpened[neighbours] * weights[:, :, None]).sum(axis=1)
        sharpened = sharpened + np.reshape(amount, (-1, 1)) * (colors - blurred)
    return np.clip(sharpened, 0, 1)
