"""An avatar on its head model: from face parameters to posed Gaussians, in plain numpy.

This is the oracle of renderer.avatar.frame_renderer, which does the same with SIMD kernels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, MAX_BASES, MAX_GAUSSIANS, AvatarAsset
from codec.params import GAZE_SIZE, MAX_EXPRESSION, POSE_SIZE, TORSO_SIZE, FaceParams
from renderer.avatar.rotations import quat_from_matrix, quat_from_rotation_vector, quat_multiply
from renderer.errors import AvatarMismatchError
from renderer.gaussians import SH_C0, GaussianCloud
from renderer.head.model import HeadModel
from renderer.head.pose import FLIP, pose_vertices, rotation_matrix

PARAMS_SIZE = MAX_EXPRESSION + POSE_SIZE + GAZE_SIZE
"""Length of the full parameter vector, the columns of `basis_weights`."""

INSTANT_SIZE = PARAMS_SIZE + TORSO_SIZE
"""Length of everything that an avatar is posed with: the full parameter vector, then the torso."""

MAX_SCALE_M = 0.1
"""Largest standard deviation that is drawn; no part of a bust needs a larger one."""

MAX_SPLAT_AREA_M2 = 40.0
"""Largest sum of the Gaussians' 3-sigma ellipses: some ten times what a bust takes. It bounds the time of a frame, so
that nobody's avatar can stall another's renderer (about 16 ms at 512 x 512 if all of it is translucent)."""


class AvatarModel:
    """An avatar asset bound to its head model.

    Gaussians with `rigid_to_skull` sit on the unposed, shaped head and move with the skull alone; bases do not act on
    them. All others sit on the posed head.

    Args:
        head: the head model that the asset names.
        asset: the avatar; it may come from a stranger.

    Raises:
        AvatarMismatchError: the asset is for another head model, an array has the wrong shape, an index or a value is
            out of range, or the Gaussians are so large that drawing them would take unreasonably long.
    """

    def __init__(self, head: HeadModel, asset: AvatarAsset) -> None:
        _validate(head, asset)
        self.head = head
        self.asset = asset
        self.corners = head.faces[asset.faces_bound]  # [N, 3] vertices of each Gaussian's triangle
        self.scales = np.minimum(np.exp(np.minimum(asset.log_scales, 0.0)), MAX_SCALE_M).astype(np.float32)
        self.opacities = (1.0 / (1.0 + np.exp(-np.clip(asset.logit_opacities, -30, 30)))).astype(np.float32)
        _check_area(self.scales)
        self._samples = sample_grid(asset.basis_grid, asset.grid_uv)  # [K, 9, N]
        self._samples[:, :, asset.rigid_to_skull] = 0

    @property
    def count(self) -> int:
        """Number of Gaussians N."""
        return self.asset.count

    def pose(self, params: FaceParams) -> GaussianCloud:
        """The Gaussians of one time instant, in the world frame (the speaker's camera frame)."""
        asset = self.asset
        offsets = np.einsum("k,kcn->nc", self.basis_coefficients(params), self._samples)  # [N, 9]
        skull = skull_rotation(params)
        at_rest = (self.head.v_template + asset.shape_offsets) @ skull.T + params.translation
        posed = pose_vertices(self.head, asset.shape_offsets, params)
        triangles = np.where(asset.rigid_to_skull[:, None, None], at_rest[self.corners], posed[self.corners])
        frames = triangle_frames(triangles)  # [N, 3, 3]
        origins = np.einsum("nk,nkc->nc", asset.barycentrics, triangles)
        local_means = asset.local_means + offsets[:, :3]
        local_quats = quat_multiply(quat_from_rotation_vector(offsets[:, 3:6]), asset.local_quats)
        colors = 0.5 + SH_C0 * (asset.sh0 + offsets[:, 6:9])
        return GaussianCloud(
            means=(origins + np.einsum("nij,nj->ni", frames, local_means)).astype(np.float32),
            quats=quat_multiply(quat_from_matrix(frames), local_quats).astype(np.float32),
            scales=self.scales,
            opacities=self.opacities,
            colors=np.maximum(colors, 0).astype(np.float32),
        )

    def basis_coefficients(self, params: FaceParams) -> NDArray[np.float32]:
        """[K] how much of each basis this instant shows; expression that the sender lacks counts as 0."""
        return self.asset.basis_weights @ full_vector(params)


def skull_rotation(params: FaceParams) -> NDArray[np.float32]:
    """[3, 3] head frame to camera frame, without the translation."""
    return (FLIP @ rotation_matrix(params.global_rotation)).astype(np.float32)


def full_vector(params: FaceParams) -> NDArray[np.float32]:
    """[65] `params` as a vector with all 50 expression coefficients."""
    vector = params.to_vector()
    missing = PARAMS_SIZE - len(vector)
    return np.insert(vector, len(params.expression), np.zeros(missing, np.float32)) if missing else vector


def instant_vector(params: FaceParams) -> NDArray[np.float32]:
    """[71] `full_vector`, then the torso."""
    return np.concatenate([full_vector(params), params.torso])


def triangle_frames(triangles: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, 3, 3] frames of the triangles [N, 3 corners, 3] as columns x, y, z (codec.avatar_asset)."""
    edge = triangles[:, 1] - triangles[:, 0]
    normal = np.cross(edge, triangles[:, 2] - triangles[:, 0])
    x = edge / np.maximum(np.linalg.norm(edge, axis=1, keepdims=True), 1e-12)
    z = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def sample_grid(grid: NDArray[np.float16], uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """[K, C, N] bilinear samples of `grid` [K, C, G, G] at `uv` [N, 2].

    The outermost grid points sit on the border of the unit square: u = 0 is column 0 and u = 1 is column G - 1; v is
    the row.
    """
    bases, channels, size, _ = grid.shape
    if not bases:
        return np.zeros((0, channels, len(uv)), np.float32)
    position = np.clip(uv, 0, 1) * (size - 1)
    low = np.minimum(position.astype(np.int64), max(size - 2, 0))  # [N, 2] column, row
    high = np.minimum(low + 1, size - 1)
    right, down = (position - low).T.astype(np.float32)
    values = grid.astype(np.float32)
    top = values[:, :, low[:, 1], low[:, 0]] * (1 - right) + values[:, :, low[:, 1], high[:, 0]] * right
    bottom = values[:, :, high[:, 1], low[:, 0]] * (1 - right) + values[:, :, high[:, 1], high[:, 0]] * right
    return top * (1 - down) + bottom * down


def _validate(head: HeadModel, asset: AvatarAsset) -> None:
    if asset.head_model_id != head.model_id:
        raise AvatarMismatchError(
            f"the avatar is made for head model {asset.head_model_id[:12]}, this is {head.model_id[:12]} ({head.name})"
        )
    count, bases = asset.count, len(asset.basis_grid)
    if count > MAX_GAUSSIANS or bases > MAX_BASES:
        raise AvatarMismatchError(f"{count} Gaussians and {bases} bases exceed {MAX_GAUSSIANS} and {MAX_BASES}")
    size = asset.basis_grid.shape[-1]
    shapes = {
        "shape_offsets": (len(head.v_template), 3),
        "faces_bound": (count,),
        "barycentrics": (count, 3),
        "local_means": (count, 3),
        "local_quats": (count, 4),
        "log_scales": (count, 3),
        "logit_opacities": (count,),
        "sh0": (count, 3),
        "rigid_to_skull": (count,),
        "grid_uv": (count, 2),
        "basis_grid": (bases, BASIS_CHANNELS, size, size),
        "basis_weights": (bases, PARAMS_SIZE),
    }
    for name, shape in shapes.items():
        array = getattr(asset, name)
        if array.shape != shape:
            raise AvatarMismatchError(f"{name} has shape {array.shape}, expected {shape}")
        if not np.isfinite(array).all():
            raise AvatarMismatchError(f"{name} holds a number that is not finite")
    if bases and not size:
        raise AvatarMismatchError("basis_grid is empty")
    if count and not (asset.faces_bound.min() >= 0 and asset.faces_bound.max() < len(head.faces)):
        raise AvatarMismatchError(f"faces_bound refers to a triangle outside 0..{len(head.faces) - 1}")
    if (np.abs(asset.barycentrics.sum(axis=1) - 1) > 1e-2).any() or (asset.barycentrics < -1e-3).any():
        raise AvatarMismatchError("barycentrics are not weights that sum to 1")
    if (np.abs(np.linalg.norm(asset.local_quats, axis=1) - 1) > 0.1).any():
        raise AvatarMismatchError("local_quats holds a quaternion that is not unit")
    for name, limit in (("shape_offsets", 1.0), ("local_means", 1.0), ("sh0", 100.0)):
        if (np.abs(getattr(asset, name)) > limit).any():
            raise AvatarMismatchError(f"{name} exceeds {limit}")


def _check_area(scales: NDArray[np.float32]) -> None:
    major, middle = np.sort(scales.astype(np.float64), axis=1)[:, :0:-1].T if len(scales) else np.zeros((2, 0))
    area = 9 * np.pi * float((major * middle).sum())
    if area > MAX_SPLAT_AREA_M2:
        raise AvatarMismatchError(f"the Gaussians cover {area:.0f} m^2, more than {MAX_SPLAT_AREA_M2:.0f}")
