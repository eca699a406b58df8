"""The BASE section of avatar files, version 1: linear bases as a transformed and quantized control grid.

Blocks of 4 x 4 grid points are transformed (docs/avatar-format.md has the integer matrix); how large coefficients
usually are is told per basis, kind of channel and frequency, and per block.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS
from codec.avatar_layout import MAX_BASIS_WEIGHT, AvatarHeader
from codec.avatar_plan import KINDS, SKIPPED_BLOCK, AvatarPlan, AvatarSteps
from codec.errors import AvatarFileError
from codec.planes import Integers
from codec.symbol_stream import pack_symbols, unpack_symbols, unzigzag, zigzag

Array = NDArray[np.float64]

SIDE = 4
TRANSFORM = np.array([[64, 64, 64, 64], [83, 36, -36, -83], [64, -64, -64, 64], [36, -83, 83, -36]], np.float64)
GRID_UNIT = 2.0**-30
_LENGTHS = struct.Struct("<III")
_ZONES = np.add.outer(np.arange(SIDE), np.arange(SIDE)).ravel()
_ZONE_COUNT = 2 * SIDE - 1
_LEVELS = 32
_LEVEL_ZERO = 10
"""The level of a mean magnitude of one; two levels are a factor of two."""
_FILL_ROUNDS = 6
_WEIGHT_SYMBOLS = 4095
_KIND_OF_CHANNEL = np.repeat(np.arange(KINDS), BASIS_CHANNELS // KINDS)


def pack_bases(grid: NDArray[np.floating], weights: NDArray[np.float32], plan: AvatarPlan) -> bytes:
    """The content of the section.

    Args:
        grid: [K, BASIS_CHANNELS, G, G], K > 0.
        weights: [K, E + 15].
        plan: how to write them.

    Raises:
        AvatarFileError: a value is not finite or too large for its step.
    """
    if not np.isfinite(grid).all() or not np.abs(weights).max() <= MAX_BASIS_WEIGHT:
        raise AvatarFileError("The avatar's bases hold a number that is not finite or too large")
    bases = len(grid)
    symbols = _grid_symbols(grid.astype(np.float64), plan)
    exponents = plan.block_exponents.reshape(KINDS, -1).astype(np.int64)
    by_band, by_block = _magnitudes(symbols, exponents)
    layout = np.concatenate([exponents.ravel(), by_band.ravel(), zigzag(by_block).ravel()])
    written = (exponents < SKIPPED_BLOCK)[_KIND_OF_CHANNEL]
    coefficients = zigzag(symbols[:, written].ravel())
    parts = (
        _pack_weights(weights),
        pack_symbols(layout, _layout_contexts(bases, exponents.shape[1]), KINDS + 2),
        pack_symbols(coefficients, _coefficient_contexts(exponents, by_band, by_block), _LEVELS),
    )
    return _LENGTHS.pack(*(len(part) for part in parts)) + b"".join(parts)


def unpack_bases(
    data: bytes, header: AvatarHeader, steps: AvatarSteps
) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """Inverse of `pack_bases`: grid and weights.

    Raises:
        AvatarFileError: the data are damaged, or a number is out of its range.
    """
    if len(data) < _LENGTHS.size:
        raise AvatarFileError("The avatar file's BASE section is too short")
    lengths = _LENGTHS.unpack_from(data)
    ends = np.cumsum([_LENGTHS.size, *lengths]).tolist()
    if ends[-1] != len(data):
        raise AvatarFileError("The avatar file's BASE section has the wrong length")
    weight_data, layout_data, coefficient_data = (data[a:b] for a, b in pairwise(ends))
    bases, side = header.bases, -(-header.grid_size // SIDE)
    weights = _unpack_weights(weight_data, bases, header.expression_dims + 15)
    layout = unpack_symbols(layout_data, _layout_contexts(bases, side**2), KINDS + 2)
    exponents, by_band, by_block = np.split(layout, [KINDS * side**2, KINDS * side**2 + bases * KINDS * _ZONE_COUNT])
    exponents = exponents.reshape(KINDS, -1)
    if exponents.max() > SKIPPED_BLOCK or by_band.max() > 2 * _LEVELS or by_block.max() > 4 * _LEVELS:
        raise AvatarFileError("The avatar file's BASE section holds a number out of its range")
    by_band, by_block = by_band.reshape(bases, KINDS, _ZONE_COUNT), unzigzag(by_block).reshape(KINDS, -1)
    contexts = _coefficient_contexts(exponents, by_band, by_block)
    symbols = np.zeros((bases, BASIS_CHANNELS, side**2, SIDE**2), np.int64)
    written = (exponents < SKIPPED_BLOCK)[_KIND_OF_CHANNEL]
    symbols[:, written] = unzigzag(unpack_symbols(coefficient_data, contexts, _LEVELS)).reshape(bases, -1, SIDE**2)
    values = symbols.astype(np.float64) @ _BOTH * _block_steps(exponents, steps)[..., None]
    if np.abs(values).max(initial=0) > 65_000:
        raise AvatarFileError("The avatar's bases hold a value out of its range")
    size = header.grid_size
    return np.ascontiguousarray(_from_blocks(values)[..., :size, :size], np.float16), weights


def rounded_grid(grid: NDArray[np.floating], plan: AvatarPlan) -> Array:
    """What comes back from a file: [K, BASIS_CHANNELS, G, G] to the same, multiples of the steps."""
    symbols = _grid_symbols(np.asarray(grid, np.float64), plan)
    exponents = plan.block_exponents.reshape(KINDS, -1).astype(np.int64)
    values = symbols.astype(np.float64) @ _BOTH * _block_steps(exponents, plan.steps)[..., None]
    size = grid.shape[-1]
    return _from_blocks(values)[..., :size, :size]


def _grid_symbols(grid: Array, plan: AvatarPlan) -> Integers:
    """[K, channels, blocks, SIDE^2]; what no Gaussian looks at becomes whatever takes the fewest bits."""
    size = grid.shape[-1]
    side = -(-size // SIDE) * SIDE
    padding = ((0, side - size), (0, side - size))
    grid = np.pad(grid, ((0, 0), (0, 0), *padding), mode="edge")
    used = _to_blocks(np.pad(plan.used_cells, padding)[None, None])
    exponents = plan.block_exponents.reshape(KINDS, -1).astype(np.int64)
    steps = _block_steps(exponents, plan.steps)[..., None]
    wanted = _to_blocks(grid)
    skipped = (exponents == SKIPPED_BLOCK)[_KIND_OF_CHANNEL]
    filled, symbols = np.where(used, wanted, 0), np.zeros(wanted.shape)
    for _ in range(1 if used.all() else _FILL_ROUNDS):
        levels = filled @ _BOTH.T / (steps * 2**28)
        symbols = np.sign(levels) * np.floor(np.abs(levels) + (1 - plan.dead_zone))
        symbols[:, skipped] = 0
        filled = np.where(used, wanted, symbols @ _BOTH * steps)
    return symbols.astype(np.int64)


def _block_steps(exponents: Integers, steps: AvatarSteps) -> Array:
    """[channels, blocks] what one coefficient of 1 adds per unit of the inverse transform."""
    base = np.array(steps.grid, np.float64) * (GRID_UNIT / 2**14)
    return np.ldexp(base[:, None], exponents)[_KIND_OF_CHANNEL]


def _to_blocks(grid: NDArray[Any]) -> NDArray[Any]:
    """[K, C, side, side] to [K, C, blocks, SIDE^2]."""
    bases, channels, side, _ = grid.shape
    count = side // SIDE
    split = grid.reshape(bases, channels, count, SIDE, count, SIDE).swapaxes(3, 4)
    return split.reshape(bases, channels, count**2, SIDE**2)


def _from_blocks(blocks: Array) -> Array:
    bases, channels, squared, _ = blocks.shape
    count = int(np.sqrt(squared) + 0.5)
    split = blocks.reshape(bases, channels, count, count, SIDE, SIDE).swapaxes(3, 4)
    return split.reshape(bases, channels, count * SIDE, count * SIDE)


_BOTH = np.kron(TRANSFORM, TRANSFORM)
"""[SIDE^2, SIDE^2] the transform of a whole block times 2^14; sums of integers are exact in float64."""


def _magnitudes(symbols: Integers, exponents: Integers) -> tuple[Integers, Integers]:
    """Levels of what is usual: [K, KINDS, zones] of bands, and [KINDS, blocks] how blocks differ from that."""
    bases, channels, blocks, _ = symbols.shape
    size = np.abs(symbols).reshape(bases, KINDS, channels // KINDS, blocks, SIDE**2)
    size = size.mean(axis=2) * (exponents < SKIPPED_BLOCK)[None, :, :, None]  # [K, KINDS, blocks, SIDE^2]
    share = np.maximum((exponents < SKIPPED_BLOCK).mean(axis=1), 1e-9)[None, :]
    bands = [size[..., zone == _ZONES].mean(axis=(2, 3)) / share for zone in range(_ZONE_COUNT)]
    by_band = np.stack(bands, axis=-1)
    expected = by_band.mean(axis=(0, 2))[:, None]
    by_block = size.mean(axis=(0, 3)) / np.maximum(expected, 1e-9)
    return (
        np.clip(np.rint(2 * np.log2(by_band + 0.03)) + _LEVEL_ZERO, 0, _LEVELS - 1).astype(np.int64),
        np.clip(np.rint(2 * np.log2(by_block + 0.06)), -_LEVELS, _LEVELS).astype(np.int64),
    )


def _layout_contexts(bases: int, blocks: int) -> Integers:
    counts = [*[blocks] * KINDS, bases * KINDS * _ZONE_COUNT, KINDS * blocks]
    return np.repeat(np.arange(KINDS + 2), counts)


def _coefficient_contexts(exponents: Integers, by_band: Integers, by_block: Integers) -> Integers:
    levels = by_band[:, :, None, :] + by_block[None, :, :, None]  # [K, KINDS, blocks, zones]
    levels = np.clip(levels, 0, _LEVELS - 1)[..., _ZONES][:, _KIND_OF_CHANNEL]
    return levels[:, (exponents < SKIPPED_BLOCK)[_KIND_OF_CHANNEL]].ravel()


def _pack_weights(weights: NDArray[np.float32]) -> bytes:
    largest = np.abs(weights.astype(np.float64)).max(axis=1)
    exponents = np.clip(np.ceil(np.log2(np.maximum(largest, 2.0**-40) / _WEIGHT_SYMBOLS)), -64, 63).astype(np.int64)
    symbols = np.rint(np.ldexp(weights.astype(np.float64), -exponents[:, None])).astype(np.int64)
    return exponents.astype("i1").tobytes() + pack_symbols(zigzag(symbols).ravel(), np.zeros(symbols.size, np.int64), 1)


def _unpack_weights(data: bytes, bases: int, columns: int) -> NDArray[np.float32]:
    if len(data) < bases:
        raise AvatarFileError("The avatar file's BASE section is too short")
    exponents = np.frombuffer(data[:bases], "i1").astype(np.int64)
    symbols = unzigzag(unpack_symbols(data[bases:], np.zeros(bases * columns, np.int64), 1))
    weights = np.ldexp(symbols.reshape(bases, columns).astype(np.float64), exponents[:, None])
    if np.abs(weights).max() > MAX_BASIS_WEIGHT:
        raise AvatarFileError("The avatar's bases hold a weight out of its range")
    return weights.astype(np.float32)
