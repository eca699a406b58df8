"""The backward pass in sequence, alone or shared with helpers, and the way back to quaternions.

Chunks of work are shares (gradient_layout), so that which thread does what changes no result.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.blend import tile_entries
from renderer.backends.kernels.blend_backward import blend_share
from renderer.backends.kernels.draw import scratch_of
from renderer.backends.kernels.parallel import FRAME_END, begin_phase, help_phases, share_phase
from renderer.backends.kernels.project_backward import project_share
from renderer.jit import kernel
from renderer.simd.memory import store_i64

f32 = np.float32

BLEND, PROJECT = 1, 2

TILE_COST = 16
"""What a tile costs beside its entries, in entries."""


@kernel
def divide_tiles(state, gradient):
    """Cuts the tiles into shares of about equal cost."""
    shares, tiles = gradient.shares, state.tiles_x * state.tiles_y
    total = np.int64(0)
    for tile in range(tiles):
        total += TILE_COST + tile_entries(state, tile // state.tiles_x * state.grid_x + tile % state.tiles_x)
    share, before = 0, np.int64(0)
    for tile in range(tiles):
        while share < shares and before * shares >= total * share:
            store_i64(gradient.first_tiles_at, share, tile)
            share += 1
        before += TILE_COST + tile_entries(state, tile // state.tiles_x * state.grid_x + tile % state.tiles_x)
    for rest in range(share, shares + 1):
        store_i64(gradient.first_tiles_at, rest, tiles)


@kernel
def do_share(state, gradient, worker, kind, share):
    """One share of BLEND or PROJECT."""
    if kind == BLEND:
        blend_share(state, gradient, scratch_of(state, worker), share)
    else:
        project_share(state, gradient, share)


@kernel
def run_shares(state, gradient, kind):
    """The owner's part of a phase; returns when all of it is done."""
    share_phase(gradient.sync_at, state.threads, kind, gradient.shares, do_share, state, gradient)


@kernel
def backward(states, gradients):
    """Fills the results of `gradients[0]` for the picture that `states[0]` was drawn to last."""
    state, gradient = states[0], gradients[0]
    divide_tiles(state, gradient)
    run_shares(state, gradient, BLEND)
    run_shares(state, gradient, PROJECT)
    begin_phase(gradient.sync_at, FRAME_END, 0)


@kernel
def help_backward(states, gradients, worker):
    """A helper's part of `backward`."""
    state, gradient = states[0], gradients[0]
    help_phases(gradient.sync_at, worker, do_share, state, gradient)


@kernel
def quats_backward(quats, scales, axis_gradients, quat_gradients, scale_gradients):
    """Backward of renderer.backends.kernels.draw.axes_from_quats.

    Args:
        quats: [N, 4] float32 wxyz, not necessarily unit.
        scales: [N, 3] float32.
        axis_gradients: [9, S] float32.
        quat_gradients: [N, 4] float32, written.
        scale_gradients: [N, 3] float32, written. Both are 0 where the axes have no gradient.
    """
    one, two = f32(1), f32(2)
    for i in range(len(quats)):
        g00, g01, g02 = axis_gradients[0, i], axis_gradients[1, i], axis_gradients[2, i]
        g10, g11, g12 = axis_gradients[3, i], axis_gradients[4, i], axis_gradients[5, i]
        g20, g21, g22 = axis_gradients[6, i], axis_gradients[7, i], axis_gradients[8, i]
        size = abs(g00) + abs(g01) + abs(g02) + abs(g10) + abs(g11) + abs(g12) + abs(g20) + abs(g21) + abs(g22)
        if not size > 0:
            quat_gradients[i] = 0
            scale_gradients[i] = 0
            continue
        w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        per_norm = one / np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w * per_norm, x * per_norm, y * per_norm, z * per_norm
        scale_gradients[i, 0] = (
            g00 * (one - two * (y * y + z * z)) + g10 * two * (x * y + w * z) + g20 * two * (x * z - w * y)
        )
        scale_gradients[i, 1] = (
            g01 * two * (x * y - w * z) + g11 * (one - two * (x * x + z * z)) + g21 * two * (y * z + w * x)
        )
        scale_gradients[i, 2] = (
            g02 * two * (x * z + w * y) + g12 * two * (y * z - w * x) + g22 * (one - two * (x * x + y * y))
        )
        s0, s1, s2 = scales[i, 0], scales[i, 1], scales[i, 2]
        g00, g10, g20, g01, g11, g21 = g00 * s0, g10 * s0, g20 * s0, g01 * s1, g11 * s1, g21 * s1
        g02, g12, g22 = g02 * s2, g12 * s2, g22 * s2
        gw = two * (x * (g21 - g12) + y * (g02 - g20) + z * (g10 - g01))
        gx = two * (y * (g01 + g10) + z * (g02 + g20) + w * (g21 - g12) - two * x * (g11 + g22))
        gy = two * (x * (g01 + g10) + z * (g12 + g21) + w * (g02 - g20) - two * y * (g00 + g22))
        gz = two * (x * (g02 + g20) + y * (g12 + g21) + w * (g10 - g01) - two * z * (g00 + g11))
        radial = gw * w + gx * x + gy * y + gz * z
        quat_gradients[i, 0] = (gw - radial * w) * per_norm
        quat_gradients[i, 1] = (gx - radial * x) * per_norm
        quat_gradients[i, 2] = (gy - radial * y) * per_norm
        quat_gradients[i, 3] = (gz - radial * z) * per_norm
