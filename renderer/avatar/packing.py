"""A head model and an avatar in the layout of the SIMD kernels (renderer.avatar.kernels.layout)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.kernels.layout import AVATAR_STATE, FACE, JOINT, JOINTS
from renderer.backends.buffers import AddressedBuffers
from renderer.backends.reference import rotation_matrices
from renderer.gaussians import SH_C0
from renderer.head.model import HeadModel

LANES = 16
SKULL_JOINT = 1

Floats = NDArray[np.float32]


def blocks_of_16(rows: NDArray) -> NDArray:
    """[ceil(n / 16), ..., 16] rows [n, ...], the last block padded with zeros."""
    count = -(-len(rows) // LANES)
    padded = np.zeros((count * LANES, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return np.moveaxis(padded.reshape(count, LANES, *rows.shape[1:]), 1, -1)


def padded_columns(rows: NDArray, padded: int) -> NDArray:
    """[C, padded] rows [N, C] as structure of arrays."""
    columns = np.zeros((rows.shape[1], padded), rows.dtype)
    columns[:, : len(rows)] = rows.T
    return columns


@dataclass(frozen=True, eq=False)
class HeadDirections:
    """How a head model's vertices move: D = expression, eyelids, pose correctives; see AVATAR_STATE.

    Half of all pairs (block of 16 vertices, direction) are zero and left out.

    Args:
        count: D.
        directions: [P, 3, 16] float32.
        numbers: [P] int32.
        starts: [blocks + 1] int32.
    """

    count: int
    directions: Floats
    numbers: NDArray[np.int32]
    starts: NDArray[np.int32]


@lru_cache(maxsize=4)
def head_directions(head: HeadModel) -> HeadDirections:
    """The directions of a head model, shared by all avatars on it."""
    parts = [np.moveaxis(head.expressiondirs, 2, 0), head.eyelid_dirs, head.posedirs]
    stacked = np.concatenate(parts).astype(np.float32)  # [D, V, 3]
    blocks = blocks_of_16(np.ascontiguousarray(stacked.transpose(1, 0, 2)))  # [blocks, D, 3, 16]
    directions: list[Floats] = []
    numbers: list[int] = []
    starts = [0]
    for block in blocks:
        moving = np.flatnonzero(block.any(axis=(1, 2)))
        directions.append(block[moving])
        numbers += moving.tolist()
        if len(moving) % 2:
            directions.append(np.zeros((1, 3, LANES), np.float32))
            numbers.append(len(stacked))
        starts.append(len(numbers))
    return HeadDirections(
        len(stacked), np.concatenate(directions), np.array(numbers, np.int32), np.array(starts, np.int32)
    )


class PackedAvatar(AddressedBuffers):
    """The state of the avatar kernels and the buffers behind it.

    `face` [FACE] is the input of a frame.

    Args:
        avatar: the avatar.
        padded: its number of Gaussians, padded as in the rasterizer's workspace.
        threads: how many threads may pose it together.
    """

    def __init__(self, avatar: AvatarModel, padded: int, threads: int = 1) -> None:
        super().__init__(AVATAR_STATE)
        self.states["padded"] = padded
        first_rigid, rigid_row = self._pack_head(avatar)
        self._pack_gaussians(avatar, padded, first_rigid, rigid_row)
        self._pack_bases(avatar, padded)
        self.add_copy("offsets", np.zeros((threads, LANES, LANES), np.float32))
        self.face = self.add_copy("face", np.zeros(FACE, np.float32))

    def _pack_head(self, avatar: AvatarModel) -> tuple[int, NDArray[np.int64]]:
        head, asset = avatar.head, avatar.asset
        shaped = head.v_template + asset.shape_offsets
        shared = head_directions(head)
        self.share("directions", shared.directions)
        self.share("numbers", shared.numbers)
        self.share("starts", shared.starts)
        self.add_copy("rest", blocks_of_16(shaped))
        self.add_copy("weights", blocks_of_16(head.lbs_weights))
        self.add_copy("joint_positions", (head.J_regressor @ shaped).astype(np.float32))
        self.add_copy("coefficients", np.zeros(shared.count + 1, np.float32))
        self.add_copy("joints", np.zeros((JOINTS, JOINT), np.float32))
        rigid = np.unique(avatar.corners[asset.rigid_to_skull])  # vertices that rigid Gaussians need
        self.add_copy("rigid_rest", blocks_of_16(shaped[rigid]))
        row = np.zeros(len(shaped), np.int64)
        row[rigid] = np.arange(len(rigid))
        head_blocks, rigid_blocks = len(shared.starts) - 1, -(-len(rigid) // LANES)
        self.add_copy("vertices", np.zeros(((head_blocks + rigid_blocks) * LANES, 4), np.float32))
        self.states["head_blocks"], self.states["rigid_blocks"] = head_blocks, rigid_blocks
        self.states["skull"] = SKULL_JOINT
        return head_blocks * LANES, row

    def _pack_gaussians(self, avatar: AvatarModel, padded: int, first_rigid: int, rigid_row: NDArray) -> None:
        asset = avatar.asset
        rows = np.where(asset.rigid_to_skull[:, None], first_rigid + rigid_row[avatar.corners], avatar.corners)
        axes = rotation_matrices(asset.local_quats.astype(np.float64)) * avatar.scales[:, None, :]
        self.add_copy("corners", padded_columns(rows.astype(np.int32), padded))
        self.add_copy("barycentrics", padded_columns(asset.barycentrics.astype(np.float32), padded))
        self.add_copy("local_means", padded_columns(asset.local_means.astype(np.float32), padded))
        self.add_copy("local_axes", padded_columns(axes.reshape(-1, 9).astype(np.float32), padded))
        self.add_copy("base_colors", padded_columns((0.5 + SH_C0 * asset.sh0).astype(np.float32), padded))

    def _pack_bases(self, avatar: AvatarModel, padded: int) -> None:
        asset = avatar.asset
        bases, size = len(asset.basis_grid), asset.basis_grid.shape[-1]
        self.add_copy("basis_coefficients", np.zeros(bases, np.float32))
        self.add_copy("basis_weights", asset.basis_weights.astype(np.float32))
        self.states["bases"] = bases
        if not bases:
            return
        points = asset.basis_grid.reshape(bases, BASIS_CHANNELS, size * size)
        blocks = blocks_of_16(np.ascontiguousarray(points.transpose(2, 0, 1)))  # [blocks, K, 9, 16]
        self.add_copy("grid", np.ascontiguousarray(blocks))
        self.add_copy("grid_values", np.zeros((len(blocks) * LANES, LANES), np.float32))
        self.states["grid_blocks"] = len(blocks)
        position = np.clip(asset.grid_uv, 0, 1) * (size - 1)
        low = np.minimum(position.astype(np.int64), max(size - 2, 0))  # column, row
        high = np.minimum(low + 1, size - 1)
        right, down = (position - low).T
        samples = [low[:, 1] * size + low[:, 0], low[:, 1] * size + high[:, 0]]
        samples += [high[:, 1] * size + low[:, 0], high[:, 1] * size + high[:, 0]]
        weights = np.stack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down], axis=1)
        weights[asset.rigid_to_skull] = 0  # bases do not act on them
        self.add_copy("samples", padded_columns(np.stack(samples, axis=1).astype(np.int32), padded))
        self.add_copy("sample_weights", padded_columns(weights.astype(np.float32), padded))
