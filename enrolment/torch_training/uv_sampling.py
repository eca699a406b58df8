"""Where the Gaussians of a `paper` avatar sit: one for each texel of a UV map that a triangle covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel

PAPER_COUNT = 13_453
"""Gaussians of the paper's avatars: FlashAvatar's 128 x 128 map without the rim of the neck."""


def sample_uv(head: HeadModel, size: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The triangle and the barycentrics of the center of every covered texel, row after row.

    Args:
        head: whose charts do not overlap.
        size: texels a side.

    Returns:
        faces [N] int32 and barycentrics [N, 3] float32.
    """
    faces = np.full((size, size), -1, np.int32)
    mixes = np.zeros((size, size, 3), np.float32)
    corners = head.uv.astype(np.float64)[head.uv_faces] * size  # [F, 3, 2] texels
    for face, (a, b, c) in enumerate(corners):
        left, top = np.maximum(np.ceil(np.min([a, b, c], axis=0) - 0.5), 0).astype(int)
        right, bottom = np.minimum(np.floor(np.max([a, b, c], axis=0) + 0.5), size).astype(int)
        area = _cross(b - a, c - a)
        if right <= left or bottom <= top or abs(area) < 1e-12:
            continue
        centers = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), axis=-1) + 0.5
        of_b, of_c = _cross(centers - a, c - a) / area, _cross(b - a, centers - a) / area
        mix = np.stack([1 - of_b - of_c, of_b, of_c], axis=-1)
        inside = mix.min(axis=-1) >= 0
        faces[top:bottom, left:right][inside] = face
        mixes[top:bottom, left:right][inside] = mix[inside]
    covered = faces >= 0
    return faces[covered], mixes[covered]


def sample_about(head: HeadModel, count: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """`sample_uv` with the largest map that gives at most `count` Gaussians."""
    size = 16
    best = sample_uv(head, size)
    while True:
        # The share of the map that is covered hardly depends on its size.
        larger = max(size + 1, int(size * (count / max(len(best[0]), 1)) ** 0.5))
        sampled = sample_uv(head, larger)
        while len(sampled[0]) > count and larger > size + 1:
            larger -= 1
            sampled = sample_uv(head, larger)
        if len(sampled[0]) > count:
            return best
        size, best = larger, sampled


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
