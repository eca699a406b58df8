"""The avatar's linear bases: mixed on their coarse grid, then sampled at the Gaussians.

Mixing commutes with bilinear sampling and is done on the grid because that has far fewer points than there are
Gaussians: K bases cost K * 9 * G^2 operations and stay in the cache as float16.
"""

from __future__ import annotations

import numpy as np

from renderer.jit import inlined, kernel
from renderer.simd.blocks import store_transposed
from renderer.simd.math import fma, splat
from renderer.simd.memory import load_i32, vbroadcast, vload, vload_half, vstore

f32 = np.float32
CHANNELS = 9


@kernel
def mix_bases(state, first, last):
    """Fills `grid_values` of blocks first .. last - 1 with the sum of all bases times their coefficients."""
    zero = splat(f32(0))
    for block in range(first, last):
        c0, c1, c2, c3, c4, c5, c6, c7, c8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
        for k in range(state.bases):
            grid = state.grid_at + (block * state.bases + k) * CHANNELS * 32
            weight = vbroadcast(state.basis_coefficients_at, k)
            c0, c1, c2 = (
                fma(weight, vload_half(grid, 0), c0),
                fma(weight, vload_half(grid, 16), c1),
                fma(weight, vload_half(grid, 32), c2),
            )
            c3, c4, c5 = (
                fma(weight, vload_half(grid, 48), c3),
                fma(weight, vload_half(grid, 64), c4),
                fma(weight, vload_half(grid, 80), c5),
            )
            c6, c7, c8 = (
                fma(weight, vload_half(grid, 96), c6),
                fma(weight, vload_half(grid, 112), c7),
                fma(weight, vload_half(grid, 128), c8),
            )
        columns = (c0, c1, c2, c3, c4, c5, c6, c7, c8, zero, zero, zero, zero, zero, zero, zero)
        store_transposed(state.grid_values_at, 256 * block, columns)


@inlined
def sample_offsets(state, offsets, first):
    """Fills `offsets` (address of [16][16] floats) with the grid's values at the 16 Gaussians from `first` on."""
    values, samples, weights, stride = (
        state.grid_values_at,
        state.samples_at,
        state.sample_weights_at,
        state.padded,
    )
    for lane in range(16):
        at = first + lane
        row = vbroadcast(weights, at) * vload(values, 16 * np.int64(load_i32(samples, at)))
        for _corner in range(1, 4):
            at += stride
            row = fma(vbroadcast(weights, at), vload(values, 16 * np.int64(load_i32(samples, at))), row)
        vstore(offsets, 16 * lane, row)
