"""An avatar of profile `linear` as tensors that can be trained: renderer.avatar.avatar_model with gradients."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.linear.bases import SHRINKAGE, SMOOTHNESS
from enrolment.linear.gaussians import (
    FLATTEST,
    LARGEST_FAR_M,
    LARGEST_LOGIT,
    LARGEST_M,
    SMALLEST_M,
    SPREADS,
    STIFFNESS,
)
from renderer.avatar.avatar_model import PARAMS_SIZE
from renderer.backends.cuda_batch import GaussianBatch
from renderer.backends.cuda_pose import (
    TorchMesh,
    quat_from_matrix,
    quat_from_rotation_vector,
    quat_multiply,
    triangle_frames,
)
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel

GRID_PARTS = {"grid_positions": slice(0, 3), "grid_turns": slice(3, 6), "grid_colors": slice(6, 9)}
"""Channels of the bases; apart, because Adam's steps have one length in each."""


class LinearSplats(nn.Module):
    """Gaussians and bases of an avatar; the head's shape is an input.

    Args:
        head: the head model.
        asset: where to begin; it has at least one basis.
        mask: [K, 9, G, G] bool: which values of the grids may differ from 0.
        device: where the work is done.
        pulled: [N] factors on the pull to where each Gaussian began (enrolment.linear.home).
    """

    def __init__(
        self,
        head: HeadModel,
        asset: AvatarAsset,
        mask: NDArray[np.bool_],
        device: torch.device,
        pulled: NDArray[np.float32],
    ) -> None:
        super().__init__()
        self._asset, self._mesh, self._device = asset, TorchMesh(head, device), device
        self._regressor = self._tensor(head.J_regressor)
        corners = head.faces[asset.faces_bound] + len(head.v_template) * asset.rigid_to_skull[:, None]
        self._corners = torch.from_numpy(corners.astype(np.int64)).to(device)
        self._barycentrics = self._tensor(asset.barycentrics)
        at, shares = grid_corners(asset.grid_uv, asset.basis_grid.shape[-1])
        self._grid_at, self._grid_shares = at.to(device), shares.to(device)
        self._grid_shares[self._tensor(asset.rigid_to_skull) > 0] = 0

        self.local_means = nn.Parameter(self._tensor(asset.local_means))
        self.local_quats: Tensor  # takes in `turns` after every step
        self.register_buffer("local_quats", self._tensor(asset.local_quats))
        self.turns = nn.Parameter(torch.zeros_like(self.local_means))
        self.log_scales = nn.Parameter(self._tensor(asset.log_scales))
        self.logit_opacities = nn.Parameter(self._tensor(asset.logit_opacities).clamp(max=LARGEST_LOGIT))
        self.colors = nn.Parameter(self._tensor(0.5 + SH_C0 * asset.sh0))
        for name, channels in GRID_PARTS.items():
            self.register_parameter(name, nn.Parameter(self._tensor(asset.basis_grid[:, channels])))
        used = asset.basis_weights != 0
        sizes = np.sqrt((asset.basis_weights**2).sum(axis=1) / used.sum(axis=1).clip(1))[:, None]
        self._weight_sizes = self._tensor(sizes.clip(1e-12)) * self._tensor(used)
        self.relative_weights = nn.Parameter(self._tensor(asset.basis_weights / sizes.clip(1e-12)))

        self._mask = self._tensor(mask)
        self._home = {name: getattr(self, name).detach().clone() for name in SPREADS}
        self._home_quats, self._pulled = self.local_quats.clone(), self._tensor(pulled)
        largest = np.minimum(
            np.maximum(math.log(LARGEST_M), asset.log_scales.max(axis=1) + 0.5), math.log(LARGEST_FAR_M)
        )
        self._largest = self._tensor(largest)[:, None]

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.array(array, np.float32, order="C")).to(self._device)

    def weights(self) -> Tensor:
        """[K, 65] the linear map that gives the bases' coefficients."""
        return self.relative_weights * self._weight_sizes

    def coefficients(self, faces: Tensor) -> Tensor:
        """[B, K] for faces [B, 71] (renderer.avatar.avatar_model.instant_vector)."""
        return faces[:, :PARAMS_SIZE] @ self.weights().T

    def pose(self, shaped: Tensor, faces: Tensor, coefficients: Tensor) -> GaussianBatch:
        """B instants in the camera frame.

        Args:
            shaped: [V, 3] the person's neutral head, metres.
            faces: [B, 71].
            coefficients: [B, K] of the bases.
        """
        size, count = len(faces), len(self.local_means)
        vertices = self._mesh.vertices(shaped[None], (self._regressor @ shaped)[None], faces)  # [B, 2 V, 3]
        triangles = vertices.index_select(1, self._corners.flatten()).view(size, count, 3, 3)
        frames = triangle_frames(triangles)
        grids = torch.cat([getattr(self, name) for name in GRID_PARTS], dim=1)  # [K, 9, G, G]
        mixed = (coefficients @ grids.flatten(1)).view(size, BASIS_CHANNELS, -1)
        samples = mixed.index_select(2, self._grid_at.flatten()).view(size, BASIS_CHANNELS, count, 4)
        offsets = (samples * self._grid_shares).sum(-1).transpose(1, 2)  # [B, N, 9]
        local_means = self.local_means + offsets[..., :3]
        turned = quat_multiply(quat_from_rotation_vector(self.turns), self.local_quats)
        local_quats = quat_multiply(quat_from_rotation_vector(offsets[..., 3:6]), turned.expand(size, -1, -1))
        return GaussianBatch(
            means=(self._barycentrics[..., None] * triangles).sum(2) + (frames * local_means[..., None, :]).sum(-1),
            quats=quat_multiply(quat_from_matrix(frames), local_quats),
            scales=self.log_scales.exp().expand(size, -1, -1),
            opacities=torch.sigmoid(self.logit_opacities).expand(size, -1),
            colors=(self.colors + SH_C0 * offsets[..., 6:9]).clamp(min=0),
        )

    @torch.no_grad()
    def pull_home(self, name: str, usual: Tensor) -> None:
        """Adds the pull to where it began to the gradient of one of `enrolment.linear.gaussians.SPREADS`.

        Args:
            name: which.
            usual: [] the mean strength of its gradients.
        """
        values = getattr(self, name)
        away = self._turned() if name == "turns" else values - self._home[name]
        pull = STIFFNESS / SPREADS[name] * usual * self._pulled
        values.grad += pull.view(-1, *[1] * (away.dim() - 1)) * away

    def _turned(self) -> Tensor:
        """[N, 3] small rotations, radians, that have led from the first orientations to these."""
        back = self._home_quats * self._home_quats.new_tensor([1, -1, -1, -1])
        turned = quat_multiply(self.local_quats, back)
        return 2 * turned[:, 1:] * torch.where(turned[:, :1] < 0, -1, 1)

    @torch.no_grad()
    def settle(self) -> None:
        """What follows a step of Adam: bounds.

        See enrolment.linear.gaussians and enrolment.linear.kernels.adam, which do the same.
        """
        self.local_quats = nn.functional.normalize(
            quat_multiply(quat_from_rotation_vector(self.turns), self.local_quats), dim=1
        )
        self.turns.zero_()
        self.logit_opacities.clamp_(max=LARGEST_LOGIT)
        widest = self.log_scales.max(dim=1, keepdim=True).values.minimum(self._largest)
        lowest = (widest - FLATTEST).clamp(min=math.log(SMALLEST_M))
        self.log_scales.copy_(self.log_scales.maximum(lowest).minimum(self._largest))

    @torch.no_grad()
    def settle_grids(self, rate: float, lengths: dict[str, float]) -> None:
        """What follows a step of the grids: soft thresholds, the mask, and a little smoothing.

        Args:
            rate: factor on the full length of a step.
            lengths: full length of a step of each part.
        """
        for name, channels in GRID_PARTS.items():
            grid, mask = getattr(self, name), self._mask[:, channels]
            least = SHRINKAGE * rate * lengths[name]
            grid.copy_((grid - grid.clamp(-least, least)) * mask)
            inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
            around, free = torch.zeros_like(grid[inner]), mask[inner].clone()
            for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
                rows, columns = (slice(k, k + around.shape[2]) for k in (y, x))
                around += 0.25 * grid[:, :, rows, columns]
                free *= mask[:, :, rows, columns]
            grid[inner] += rate * SMOOTHNESS * free * (around - grid[inner])

    def avatar(self, shape_offsets: NDArray[np.float32]) -> AvatarAsset:
        """A copy as arrays, with the head's shape [V, 3] metres."""

        def array(tensor: Tensor) -> NDArray[np.float32]:
            return tensor.detach().cpu().numpy().astype(np.float32).copy()

        grids = torch.cat([getattr(self, name) for name in GRID_PARTS], dim=1)
        return replace(
            self._asset,
            shape_offsets=shape_offsets.copy(),
            local_means=array(self.local_means),
            local_quats=array(self.local_quats),
            log_scales=array(self.log_scales),
            logit_opacities=array(self.logit_opacities),
            sh0=((array(self.colors) - 0.5) / SH_C0).astype(np.float32),
            basis_grid=array(grids).astype(np.float16),
            basis_weights=array(self.weights()),
        )


def grid_corners(uv: NDArray[np.float32], size: int) -> tuple[Tensor, Tensor]:
    """The four grid points around each place `uv` [N, 2] and their shares, both [N, 4]: avatar_model.sample_grid."""
    position = np.clip(uv, 0, 1) * (size - 1)
    low = np.minimum(position.astype(np.int64), max(size - 2, 0))  # [N, 2] column, row
    high = np.minimum(low + 1, size - 1)
    right, down = (position - low).T.astype(np.float32)
    at = [row * size + column for row in (low[:, 1], high[:, 1]) for column in (low[:, 0], high[:, 0])]
    shares = [a * b for a in (1 - down, down) for b in (1 - right, right)]
    return torch.from_numpy(np.stack(at, axis=1)), torch.from_numpy(np.stack(shares, axis=1).astype(np.float32))
