"""Makes an avatar small: what nobody sees goes, and the rest is written as finely as its visibility asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.avatar_grid_uv import FINE_BITS
from codec.avatar_layout import POSITION_STEP
from codec.avatar_plan import CLASSES, AvatarPlan, AvatarSteps
from enrolment.slim_bases import plan_blocks, principal_bases, used_points
from enrolment.visibility import Shot, Visibility, measure_visibility
from renderer.avatar.avatar_model import triangle_frames
from renderer.avatar.rotations import quat_from_matrix, quat_multiply
from renderer.head.model import HeadModel

Array = NDArray[np.float64]

HIDDEN = 2.0**-8
"""Gaussians whose color shows less than this share of the mean are left out."""
_CLASS_OCTAVES = 2.0
"""Octaves of visibility, a square, from class to class: of steps, one."""
_TOP_OCTAVES = 3.0
"""So far above the mean visibility class 0 ends."""
_ROWS = {
    "faces_bound",
    "barycentrics",
    "local_means",
    "local_quats",
    "log_scales",
    "logit_opacities",
    "sh0",
    "rigid_to_skull",
    "grid_uv",
}


@dataclass(frozen=True)
class Fineness:
    """How finely an avatar is written.

    The defaults are for avatars that are not tuned afterwards (enrolment.linear.tuning).

    Args:
        steps: of the Gaussians and the shape.
        bases: root of the mean squared error that one coefficient of a basis may make, thousandths of a gray level.
        dead_zone: see AvatarPlan.
        most: Gaussians.
    """

    steps: AvatarSteps = field(default_factory=AvatarSteps)
    bases: float = 1.2
    dead_zone: float = 0.54
    most: int = 65_536


def slim_avatar(
    head: HeadModel,
    asset: AvatarAsset,
    shots: Sequence[Shot],
    vectors: NDArray[np.floating],
    fineness: Fineness | None = None,
) -> tuple[AvatarAsset, AvatarPlan]:
    """An avatar that looks the same and takes fewer bytes, and how to write it (codec.avatar_file.pack_avatar).

    Args:
        head: the head model of `asset`.
        asset: the avatar.
        shots: what may be seen of it.
        vectors: [n, 65 or more] face parameters as they occur, FaceParams.to_vector.
        fineness: how finely to write it.
    """
    fineness = fineness or Fineness()
    asset = rebind_to_centers(head, asset, fineness.steps)
    visible = measure_visibility(head, asset, shots)
    shown = most_visible(visible, fineness.most)
    asset = keep_rows(asset, shown)
    visible = replace(visible, **{name: getattr(visible, name)[shown] for name in ("means", "scales", "colors")})
    classes = _classes(asset, visible)
    asset = place_on_levels(asset, classes, fineness.steps)
    used = used_points(asset)
    exponents, grid_steps = np.zeros((3, 0, 0), np.uint8), fineness.steps.grid
    if len(asset.basis_grid):
        asset = principal_bases(asset, visible.grid, vectors)
        exponents, grid_steps = plan_blocks(visible.grid, used, fineness.bases / 1000)
    steps = replace(fineness.steps, grid=grid_steps)
    return asset, AvatarPlan(classes, exponents, used, steps, fineness.dead_zone)


def most_visible(visible: Visibility, most: int) -> NDArray[np.bool_]:
    """[N] which Gaussians to keep: at most so many, at least one, and none that hardly shows."""
    colors = visible.colors
    shown = colors > HIDDEN * colors.mean()
    shown[np.argsort(-colors, kind="stable")[most:]] = False
    shown[np.argmax(colors)] = True
    return shown


def keep_rows(asset: AvatarAsset, rows: NDArray[np.bool_]) -> AvatarAsset:
    """`asset` with some of its Gaussians."""
    return replace(asset, **{name: getattr(asset, name)[rows] for name in _ROWS})


def place_on_levels(asset: AvatarAsset, classes: NDArray[np.uint8], steps: AvatarSteps) -> AvatarAsset:
    """`asset`, its Gaussians where they will sample the grid when they come back from the file."""
    places = asset.grid_uv.astype(np.float64) * steps.grid_uv
    fine = (classes < steps.fine_classes)[:, None]
    coarse = 1 << FINE_BITS
    levels = np.where(fine, np.rint(places), np.floor(places / coarse) * coarse + coarse // 2)
    return replace(asset, grid_uv=(np.minimum(levels, steps.grid_uv) / steps.grid_uv).astype(np.float32))


def rebind_to_centers(head: HeadModel, asset: AvatarAsset, steps: AvatarSteps) -> AvatarAsset:
    """The same Gaussians, at rest, on the rounded shape and bound to the centers of their triangles."""
    rounded = np.rint(asset.shape_offsets.astype(np.float64) / (steps.shape * POSITION_STEP))
    shape = (rounded * (steps.shape * POSITION_STEP)).astype(np.float32)
    corners = head.faces[asset.faces_bound]
    before, after = ((head.v_template + offsets)[corners] for offsets in (asset.shape_offsets, shape))
    frames, new_frames = triangle_frames(before), triangle_frames(after)
    points = np.einsum("nc,nck->nk", asset.barycentrics, before) + np.einsum("nij,nj->ni", frames, asset.local_means)
    turned = quat_from_matrix(np.einsum("nij,nik->njk", new_frames, frames))
    return replace(
        asset,
        shape_offsets=shape,
        barycentrics=np.full_like(asset.barycentrics, 1 / 3),
        local_means=np.einsum("nij,ni->nj", new_frames, points - after.mean(axis=1)).astype(np.float32),
        local_quats=quat_multiply(turned, asset.local_quats).astype(np.float32),
    )


def _classes(asset: AvatarAsset, visible: Visibility) -> NDArray[np.uint8]:
    """[N] 0 .. CLASSES - 1, by the mean of how visible color, shape and position are."""
    sizes = np.exp(2 * asset.log_scales.astype(np.float64).mean(axis=1))
    parts = ((visible.colors, 0.25), (visible.scales, 0.5), (visible.means * sizes, 0.25))
    octaves = sum(share * _octaves(values) for values, share in parts)
    classes = np.floor((_TOP_OCTAVES - octaves) / _CLASS_OCTAVES)
    return np.clip(classes, 0, CLASSES - 1).astype(np.uint8)


def _octaves(values: Array) -> Array:
    mean = max(float(values.mean()), 1e-30)
    return np.log2(np.maximum(values / mean, 2.0**-16))
