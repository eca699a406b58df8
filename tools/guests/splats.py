"""Gaussians under construction: groups of them, bound to the head, and how they become an avatar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from renderer.gaussians import SH_C0
from tools.guests.canvas import Array, Canvas, Spots, normalized

EXPRESSION_AND_POSE = 50 + 15
GRID = 8
"""Side of the (empty) control grid."""


@dataclass(frozen=True, eq=False)
class Splats:
    """n Gaussians of one part of a guest, in the head frame of the neutral face.

    Args:
        part: `skin`, `hair`, ...
        spots: where they are bound.
        means: [n, 3] metres.
        axes: [n, 3, 3] columns are the Gaussian's axes.
        sigmas: [n, 3] metres along the axes.
        colors: [n, 3] sRGB 0..1.
        opacities: [n].
        rigid: whether they follow the skull and nothing else.
    """

    part: str
    spots: Spots
    means: Array
    axes: Array
    sigmas: Array
    colors: Array
    opacities: Array
    rigid: bool = False

    def __len__(self) -> int:
        return len(self.means)


def axes_from_normal(normals: Array, along: Array | None = None) -> Array:
    """[n, 3, 3] axes whose third is the normal and whose first follows `along` as far as the surface lets it."""
    if along is None:
        along = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    x = normalized(along - (along * normals).sum(axis=1, keepdims=True) * normals)
    return np.stack([x, np.cross(normals, x), normals], axis=2)


def axes_from_tangent(tangents: Array, outward: Array) -> Array:
    """[n, 3, 3] axes whose first is the tangent (a hair) and whose third looks outwards as far as it can."""
    x = normalized(tangents)
    z = normalized(outward - (outward * x).sum(axis=1, keepdims=True) * x)
    return np.stack([x, np.cross(z, x), z], axis=2)


def quaternions(matrices: Array) -> Array:
    """[n, 4] wxyz of rotation matrices, w >= 0 (Shepperd's method: the largest component first)."""
    m = matrices
    trace = np.trace(m, axis1=1, axis2=2)
    squares = np.stack([trace, m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]], axis=1)
    best = squares.argmax(axis=1)
    products = np.empty((len(m), 4, 4))  # 4 q_i q_j
    products[:, 0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        products[:, i + 1, i + 1] = 1 + 2 * m[:, i, i] - trace
        products[:, 0, i + 1] = products[:, i + 1, 0] = m[:, k, j] - m[:, j, k]
        products[:, i + 1, j + 1] = products[:, j + 1, i + 1] = m[:, i, j] + m[:, j, i]
    rows = normalized(products[np.arange(len(m)), best])
    return np.where(rows[:, :1] < 0, -rows, rows)


def assemble(canvas: Canvas, name: str, groups: list[Splats]) -> AvatarAsset:
    """The avatar of a guest."""
    faces = np.concatenate([group.spots.faces for group in groups])
    barycentrics = np.concatenate([group.spots.barycentrics for group in groups])
    frames = canvas.frames[faces]
    origins = canvas.interpolate(canvas.vertices, Spots(faces, barycentrics))
    means = np.concatenate([group.means for group in groups])
    axes = np.concatenate([group.axes for group in groups])
    opacities = np.clip(np.concatenate([group.opacities for group in groups]), 0.005, 0.995)
    uv_corners = canvas.head.uv[canvas.head.uv_faces[faces]]
    count, f32 = len(faces), np.float32
    return AvatarAsset(
        head_model_id=canvas.head.model_id,
        name=name,
        shape_offsets=canvas.shape_offsets.astype(f32),
        faces_bound=faces.astype(np.int32),
        barycentrics=barycentrics.astype(f32),
        local_means=np.einsum("nji,nj->ni", frames, means - origins).astype(f32),
        local_quats=quaternions(np.einsum("nji,njk->nik", frames, axes)).astype(f32),
        log_scales=np.log(np.concatenate([group.sigmas for group in groups])).astype(f32),
        logit_opacities=np.log(opacities / (1 - opacities)).astype(f32),
        sh0=((np.concatenate([group.colors for group in groups]) - 0.5) / SH_C0).astype(f32),
        rigid_to_skull=np.concatenate([np.full(len(group), group.rigid) for group in groups]),
        grid_uv=np.clip((uv_corners * barycentrics[:, :, None]).sum(axis=1), 0, 1).astype(f32).reshape(count, 2),
        basis_grid=np.zeros((0, BASIS_CHANNELS, GRID, GRID), np.float16),
        basis_weights=np.zeros((0, EXPRESSION_AND_POSE), f32),
    )
