"""Quaternions (wxyz) for the avatar's oracle path, vectorized over rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def quat_multiply(left: Array, right: Array) -> Array:
    """[N, 4] Hamilton product: rotates by `right` first, then by `left`."""
    w, x, y, z = np.moveaxis(left, -1, 0)
    a, b, c, d = np.moveaxis(right, -1, 0)
    product = [
        w * a - x * b - y * c - z * d,
        w * b + x * a + y * d - z * c,
        w * c - x * d + y * a + z * b,
        w * d + x * c - y * b + z * a,
    ]
    return np.stack(product, axis=-1)


def quat_from_rotation_vector(vectors: Array) -> Array:
    """[N, 4] unit quaternions of the rotation vectors (axis times angle) [N, 3]."""
    half_angle = 0.5 * np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half_angle), 0.5 * vectors * np.sinc(half_angle / np.pi)], axis=-1)


def quat_from_matrix(matrices: Array) -> Array:
    """[N, 4] unit quaternions of the rotation matrices [N, 3, 3].

    Of the four ways to start, each matrix takes the one with the largest divisor (Shepperd 1978).
    """
    m = np.asarray(matrices)
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    wx, wy, wz = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    candidates = np.array(
        [
            [1 + xx + yy + zz, wx, wy, wz],
            [wx, 1 + xx - yy - zz, xy, xz],
            [wy, xy, 1 - xx + yy - zz, yz],
            [wz, xz, yz, 1 - xx - yy + zz],
        ]
    )  # [candidate, component, N]
    best = np.argmax(np.einsum("iin->in", candidates), axis=0)
    quats = candidates[best, :, np.arange(len(m))]
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)
