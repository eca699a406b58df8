"""Clouds of several peers as one batch of tensors, and how gsplat draws it.

Everything that is ours to decide stands here: unusable values, colors, mirrored views, backgrounds. gsplat projects,
sorts and blends. Needs PyTorch (extra `cuda`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor  # pyright: ignore[reportMissingImports]

from renderer.backends.reference import LOW_PASS_PX2, NEAR_M
from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.spherical_harmonics import C1, C2, C3

Rasterization = Callable[..., tuple[Tensor, Tensor, dict[str, Any]]]
"""gsplat.rasterization, or a function with its arguments and results."""

ALPHA_MAX = 0.999
"""Cap of gsplat's alpha, compiled into its kernels; that of renderer.backends.base is 0.99 (docs/cuda.md)."""

MAX_SIDE_PX = 8192
MAX_SCALE_M = 1e4
"""Larger standard deviations are brought to this one: their determinants exceed float32, and gsplat would draw them
opaque."""


@dataclass(frozen=True, eq=False)
class GaussianBatch:
    """The Gaussians of B peers, all brought to the same count N by Gaussians of opacity 0.

    Args:
        means: [B, N, 3] float32, as are the others.
        quats: [B, N, 4] wxyz, not zero.
        scales: [B, N, 3].
        opacities: [B, N].
        colors: [B, N, 3].
        sh_rest: [B, N, K, 3] or None.
        sh_from_world: [B, 3, 3], used with `sh_rest`.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    colors: Tensor
    sh_rest: Tensor | None = None
    sh_from_world: Tensor | None = None

    def rows(self, index: Tensor) -> GaussianBatch:
        """The peers `index`, a tensor of integers on the same device."""
        fields = (self.means, self.quats, self.scales, self.opacities, self.colors, self.sh_rest, self.sh_from_world)
        return GaussianBatch(*(None if field is None else field[index] for field in fields))


def upload(clouds: Sequence[GaussianCloud], device: torch.device) -> GaussianBatch:
    """The clouds as a batch on the device; Gaussians with a value that is not finite become invisible."""
    size, most = len(clouds), max((len(cloud.means) for cloud in clouds), default=0)
    most = max(most, 1)  # gsplat has no answer to a cloud of nothing
    means, scales = np.zeros((size, most, 3), np.float32), np.ones((size, most, 3), np.float32)
    quats, colors = np.zeros((size, most, 4), np.float32), np.zeros((size, most, 3), np.float32)
    quats[..., 0] = 1
    opacities = np.zeros((size, most), np.float32)
    terms = max((cloud.sh_rest.shape[1] for cloud in clouds if cloud.sh_rest is not None), default=0)
    sh_rest = np.zeros((size, most, terms, 3), np.float32)
    sh_from_world = np.tile(np.eye(3, dtype=np.float32), (size, 1, 1))
    for i, cloud in enumerate(clouds):
        usable, unit_quats = _usable(cloud)
        means[i, usable], quats[i, usable] = cloud.means[usable], unit_quats
        scales[i, usable] = np.clip(cloud.scales[usable], -MAX_SCALE_M, MAX_SCALE_M)
        opacities[i, usable], colors[i, usable] = cloud.opacities[usable], cloud.colors[usable]
        if cloud.sh_rest is not None:
            sh_rest[i, usable, : cloud.sh_rest.shape[1]] = cloud.sh_rest[usable]
        if cloud.sh_from_world is not None:
            sh_from_world[i] = cloud.sh_from_world
    fields = [means, quats, scales, opacities, colors, *([sh_rest, sh_from_world] if terms else [])]
    return GaussianBatch(*(torch.from_numpy(field).to(device, non_blocking=True) for field in fields))


def _usable(cloud: GaussianCloud) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The Gaussians of which every value is finite, and their quaternions at length 1."""
    columns = [cloud.means, cloud.quats, cloud.scales, cloud.opacities[:, None], cloud.colors]
    if cloud.sh_rest is not None:
        columns.append(cloud.sh_rest.reshape(len(cloud.means), -1))
    lengths = np.linalg.norm(cloud.quats.astype(np.float64), axis=1)
    usable = np.flatnonzero(np.all([np.isfinite(column).all(axis=1) for column in columns], axis=0) & (lengths > 0))
    return usable, cloud.quats[usable] / lengths[usable, None]


def draw(
    rasterization: Rasterization, batch: GaussianBatch, cameras: Sequence[Camera], backgrounds: Sequence[Background]
) -> Tensor:
    """[B, H, W, 3] float32 pictures on the batch's device, one of each peer, in one call of `rasterization`.

    Args:
        rasterization: what draws.
        batch: B peers.
        cameras: B views of the same width and height.
        backgrounds: B of them.

    Raises:
        ValueError: the numbers or the sizes differ, or a size is out of range.
    """
    width, height = _common_size(cameras, backgrounds, len(batch.means))
    device = batch.means.device
    # gsplat's bounds of the field of view take the focal length as positive: mirrored views are drawn unmirrored
    mirrored = [bool(camera.K[0, 0] < 0) for camera in cameras]
    straight = [camera.mirrored() if flip else camera for camera, flip in zip(cameras, mirrored, strict=True)]
    viewmats = torch.from_numpy(np.stack([camera.camera_from_world for camera in straight]).astype(np.float32))
    Ks = torch.from_numpy(np.stack([camera.K for camera in straight]).astype(np.float32))
    viewmats, Ks = viewmats.to(device, non_blocking=True), Ks.to(device, non_blocking=True)
    pictures, alphas, _ = rasterization(
        means=batch.means,
        quats=batch.quats,
        scales=batch.scales,
        opacities=batch.opacities,
        colors=seen_colors(batch, viewmats),
        viewmats=viewmats[:, None],
        Ks=Ks[:, None],
        width=width,
        height=height,
        near_plane=NEAR_M,
        eps2d=LOW_PASS_PX2,
        packed=False,
    )
    pictures, alphas = pictures[:, 0], alphas[:, 0]
    if any(mirrored):
        flip = torch.tensor(mirrored).to(device, non_blocking=True)[:, None, None, None]
        pictures = torch.where(flip, pictures.flip(2), pictures)
        alphas = torch.where(flip, alphas.flip(2), alphas)
    return torch.addcmul(pictures, 1 - alphas, _backgrounds(backgrounds, height, width, device))


def seen_colors(batch: GaussianBatch, camera_from_world: Tensor) -> Tensor:
    """[B, N, 3] colors as the B cameras [B, 4, 4] see them, not below 0 (renderer.gaussians)."""
    if batch.sh_rest is None or batch.sh_from_world is None:
        return batch.colors.clamp(min=0)
    rotation = camera_from_world[:, :3, :3]
    centers = -(rotation.transpose(1, 2) @ camera_from_world[:, :3, 3:]).transpose(1, 2)  # [B, 1, 3]
    directions = torch.nn.functional.normalize(batch.means - centers, dim=-1) @ batch.sh_from_world.transpose(1, 2)
    basis = sh_basis(directions)[..., : batch.sh_rest.shape[2]]
    return (batch.colors + torch.einsum("bnk,bnkc->bnc", basis, batch.sh_rest)).clamp(min=0)


def sh_basis(directions: Tensor) -> Tensor:
    """[..., 15]: renderer.spherical_harmonics.basis for tensors."""
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    values = [
        *(-C1 * y, C1 * z, -C1 * x),
        *(C2[0] * x * y, -C2[0] * y * z, C2[1] * (2 * zz - xx - yy), -C2[0] * x * z, C2[2] * (xx - yy)),
        *(-C3[0] * y * (3 * xx - yy), C3[1] * x * y * z, -C3[2] * y * (4 * zz - xx - yy)),
        *(C3[3] * z * (2 * zz - 3 * xx - 3 * yy), -C3[2] * x * (4 * zz - xx - yy)),
        *(C3[4] * z * (xx - yy), -C3[0] * x * (xx - 3 * yy)),
    ]
    return torch.stack(values, dim=-1)


def groups_by_size(cameras: Sequence[Camera]) -> list[list[int]]:
    """Numbers of the views that have the same width and height: one call of gsplat each."""
    groups: dict[tuple[int, int], list[int]] = {}
    for i, camera in enumerate(cameras):
        groups.setdefault((camera.width, camera.height), []).append(i)
    return list(groups.values())


def _common_size(cameras: Sequence[Camera], backgrounds: Sequence[Background], peers: int) -> tuple[int, int]:
    if not peers == len(cameras) == len(backgrounds):
        raise ValueError(f"{peers} peers, {len(cameras)} cameras and {len(backgrounds)} backgrounds")
    sizes = {(camera.width, camera.height) for camera in cameras}
    if len(sizes) != 1:
        raise ValueError(f"views of {len(sizes)} sizes, one call draws one size")
    width, height = sizes.pop()
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise ValueError(f"a picture of {width} x {height}, expected 1..{MAX_SIDE_PX} on each side")
    return width, height


def _backgrounds(backgrounds: Sequence[Background], height: int, width: int, device: torch.device) -> Tensor:
    """[B, 1, 1, 3] colors, or [B, H, W, 3] where one of them is a picture."""
    if not any(isinstance(background, np.ndarray) for background in backgrounds):
        return torch.tensor(backgrounds, dtype=torch.float32).to(device, non_blocking=True)[:, None, None]
    images = torch.empty(len(backgrounds), height, width, 3, device=device)
    for image, background in zip(images, backgrounds, strict=True):
        if not isinstance(background, np.ndarray):
            image[:] = torch.tensor(background, dtype=torch.float32).to(device, non_blocking=True)
            continue
        if background.shape != (height, width, 3):
            raise ValueError(f"a background of shape {background.shape} for a picture of {width} x {height}")
        image[:] = torch.from_numpy(background.copy()).to(device, non_blocking=True) / 255
    return images
