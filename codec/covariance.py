"""Shapes of Gaussians as one symmetric matrix: the logarithm of the square root of the covariance, six numbers.

Unlike scales and a rotation these have no redundancy, and equal errors of them look equally bad. Reading is a fixed
sequence of additions, multiplications, divisions and square roots in float64, which IEEE 754 rounds the same way
everywhere: docs/avatar-format.md has it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SWEEPS = 4
_NOTHING = 2.0**-40
"""Off-diagonal elements below this count as zero."""
PAIRS = ((0, 1), (0, 2), (1, 2))
"""Order of the off-diagonal elements, and of the rotations of a sweep."""


def log_covariances(local_quats: NDArray[np.float32], log_scales: NDArray[np.float32]) -> Array:
    """[N, 6] xx, yy, zz, xy, xz, yz of R diag(log_scales) R^T."""
    rotations = _matrices(local_quats.astype(np.float64))
    matrices = np.einsum("nij,nj,nkj->nik", rotations, log_scales.astype(np.float64), rotations)
    return matrices[:, [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]


def axes_of(elements: Array) -> tuple[Array, Array]:
    """The inverse, by Jacobi's eigenvalue algorithm: unit quaternions [N, 4] wxyz and log scales [N, 3].

    Args:
        elements: [N, 6] finite, in the order of `log_covariances`.
    """
    diagonal = [elements[:, i].copy() for i in range(3)]
    off = {pair: elements[:, 3 + i].copy() for i, pair in enumerate(PAIRS)}
    w, *xyz = np.ones(len(elements)), *(np.zeros(len(elements)) for _ in range(3))
    for _ in range(SWEEPS):
        for p, q in PAIRS:
            r = 3 - p - q
            cosine, sine, tangent = _rotation(diagonal[p], diagonal[q], off[p, q])
            diagonal[p] = diagonal[p] - tangent * off[p, q]
            diagonal[q] = diagonal[q] + tangent * off[p, q]
            off[p, q] = np.zeros_like(tangent)
            pr, qr = (min(p, r), max(p, r)), (min(q, r), max(q, r))
            off[pr], off[qr] = cosine * off[pr] - sine * off[qr], sine * off[pr] + cosine * off[qr]
            half = np.sqrt((1 + cosine) / 2)
            turn = sine / (2 * half)
            if r != 1:  # p -> q is a negative turn about r, except that x -> z is a positive one about y
                turn = -turn
            a, b = xyz[(r + 1) % 3], xyz[(r + 2) % 3]
            w, xyz[r] = w * half - xyz[r] * turn, w * turn + xyz[r] * half
            xyz[(r + 1) % 3], xyz[(r + 2) % 3] = a * half + b * turn, b * half - a * turn
    quats = np.stack([w, *xyz], axis=1)
    length = np.sqrt(w * w + xyz[0] * xyz[0] + xyz[1] * xyz[1] + xyz[2] * xyz[2])
    return quats / length[:, None], np.stack(diagonal, axis=1)


def _rotation(app: Array, aqq: Array, apq: Array) -> tuple[Array, Array, Array]:
    """Cosine, sine and tangent of the smaller rotation that makes element pq zero."""
    zero = np.abs(apq) < _NOTHING
    ratio = (aqq - app) / (2 * np.where(zero, 1, apq))
    tangent = np.where(ratio < 0, -1.0, 1.0) / (np.abs(ratio) + np.sqrt(ratio * ratio + 1))
    tangent = np.where(zero, 0, tangent)
    cosine = 1 / np.sqrt(tangent * tangent + 1)
    return cosine, tangent * cosine, tangent


def _matrices(quats: Array) -> Array:
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
