"""The bases of an avatar, rearranged so that few of them matter, and how finely each block of their grid is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.avatar_bases import GRID_UNIT, SIDE
from codec.avatar_plan import KINDS, SKIPPED_BLOCK

Array = NDArray[np.float64]

_USUAL = np.concatenate([np.ones(50), np.repeat([0.2, 0.05, 0.15, 0.5, 0.15], [3, 3, 3, 2, 4])])
"""What face parameters differ by in a call: expression, rotation, translation (m), jaw, eyelids, gaze."""
_ROTATION = slice(50, 53)
_USUAL_SHARE = 0.06
"""Of the variance; the rest is as recorded. A recording knows little about faces that are not in it."""
_LEAST_VISIBLE = 0.01
"""Blocks count as visible as this share of the mean, at least."""


def used_points(asset: AvatarAsset) -> NDArray[np.bool_]:
    """[G, G] the points of the control grid that Gaussians take values from."""
    size = asset.basis_grid.shape[-1]
    used = np.zeros((size, size), np.bool_)
    if not len(asset.basis_grid):
        return used
    position = np.clip(asset.grid_uv[~asset.rigid_to_skull].astype(np.float64), 0, 1) * (size - 1)
    low, high = np.floor(position - 0.02).astype(int).clip(0), np.ceil(position + 0.02).astype(int).clip(max=size - 1)
    for u in (low, high):
        for v in (low, high):
            used[v[:, 1], u[:, 0]] = True
    middle = np.rint(position).astype(int)
    used[middle[:, 1], middle[:, 0]] = True
    return used


def principal_bases(asset: AvatarAsset, visible: Array, vectors: NDArray[np.floating]) -> AvatarAsset:
    """The same motions as sums of other bases: of unit coefficients, those that are seen most first.

    Bases that rotations of the head drive stay apart from the others: they move other parts of the grid. They come
    last.

    Args:
        asset: the avatar.
        visible: [BASIS_CHANNELS, G, G] see Visibility.
        vectors: [n, 65 or more] face parameters as they occur.
    """
    turning = (asset.basis_weights[:, _ROTATION] != 0).any(axis=1)
    groups = [
        _principal(asset.basis_grid[group], asset.basis_weights[group], visible, vectors)
        for group in (~turning, turning)
        if group.any()
    ]
    grids, weights = zip(*groups, strict=True)
    return replace(asset, basis_grid=np.concatenate(grids), basis_weights=np.concatenate(weights))


def _principal(
    grid: NDArray[np.floating], weights: NDArray[np.floating], visible: Array, vectors: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grid and weights of `principal_bases`, of bases of one sort."""
    weights = weights.astype(np.float64)
    columns = weights.shape[1]
    coefficients = vectors[:, :columns].astype(np.float64) @ weights.T
    usual = weights * _USUAL[-columns:]
    moment = coefficients.T @ coefficients / max(len(coefficients), 1) + _USUAL_SHARE * usual @ usual.T
    values, directions = np.linalg.eigh(moment)
    spreads = np.sqrt(np.maximum(values, 1e-6 * values.max() + 1e-12))
    mixed = np.einsum("kj,kcyx->jcyx", directions * spreads, grid.astype(np.float64))
    per_kind = np.repeat(_by_kind(visible), BASIS_CHANNELS // KINDS, axis=0)
    seen = (mixed * np.sqrt(per_kind)).reshape(len(mixed), -1)
    order = np.linalg.eigh(seen @ seen.T)[1][:, ::-1]
    rotated = np.einsum("jk,jcyx->kcyx", order, mixed)
    return rotated.astype(np.float32), (order.T @ (directions / spreads).T @ weights).astype(np.float32)


def plan_blocks(
    visible: Array, used: NDArray[np.bool_], error: float
) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """Exponents [KINDS, B, B] and the steps of the kinds, for errors that are equally visible everywhere.

    Args:
        visible: [BASIS_CHANNELS, G, G] see Visibility.
        used: [G, G] what must be written.
        error: that one coefficient of a basis with unit coefficients may make, gray levels.
    """
    size = used.shape[0]
    side = -(-size // SIDE) * SIDE
    padding = (0, side - size)
    seen = _block_means(np.pad(_by_kind(visible), ((0, 0), padding, padding)))
    seen = np.maximum(seen, _LEAST_VISIBLE * seen.mean(axis=(1, 2), keepdims=True) + 1e-30)
    wanted = np.sqrt(12) * error / np.sqrt(seen) / GRID_UNIT
    base = np.clip(wanted.min(axis=(1, 2)), 1, 2**31)
    exponents = np.clip(np.rint(np.log2(wanted / base[:, None, None])), 0, SKIPPED_BLOCK - 1)
    skipped = _block_means(np.pad(used, padding)[None].astype(np.float64))[0] == 0
    exponents[:, skipped] = SKIPPED_BLOCK
    steps = [int(step) for step in np.rint(base)]
    return exponents.astype(np.uint8), (steps[0], steps[1], steps[2])


def _by_kind(values: Array) -> Array:
    """[KINDS, G, G] means over the channels of a kind."""
    return values.reshape(KINDS, BASIS_CHANNELS // KINDS, *values.shape[1:]).mean(axis=1)


def _block_means(values: Array) -> Array:
    kinds, side, _ = values.shape
    return values.reshape(kinds, side // SIDE, SIDE, side // SIDE, SIDE).mean(axis=(2, 4))
