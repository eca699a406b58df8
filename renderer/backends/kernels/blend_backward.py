"""Backward of stage 4: what each Gaussian's record did to the loss, tile by tile, block by block.

A second pass, front to back, over the lists of the first one. With c_i the colors, w_i = alpha_i T_i the weights and g
the gradient of the loss with respect to a pixel,

    dL/dalpha_i = T_i (g c_i) - owed_i / (1 - alpha_i),    owed_i = sum over j > i of w_j (g c_j) + T_end (g background)

so that a pixel needs only two running values: transmittance and what is owed to the Gaussians behind, which begins as
g times the finished pixel. Nothing has to be kept from the first pass but the picture.

Decisions (which pixels a Gaussian draws, where a pixel stops) repeat those of renderer.backends.kernels.blend bit by
bit, because the same functions make them. Sums over a block's pixels are added to the Gaussian's line in the order of
the lists; see gradient_layout.LINE.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.bin import segment_counts, segment_entries
from renderer.backends.kernels.blend import (
    ALPHA_MAX,
    TRANSMITTANCE_MIN,
    alphas,
    exponents,
    order_of_segment,
    pad_list,
    spread_over_blocks,
)
from renderer.backends.kernels.gradient_layout import LINE
from renderer.backends.kernels.layout import (
    ACCUMULATOR,
    BLOCK_LIST_STRIDE,
    BLUE,
    CENTER_X,
    CENTER_Y,
    CHUNK,
    GREEN,
    RECORD,
    RED,
    SCRATCH_ACCUMULATORS,
    SCRATCH_ALIVE,
    SCRATCH_ENDS,
    SCRATCH_LISTS,
    SLOPE,
    TILE_PX,
)
from renderer.jit import inlined, kernel
from renderer.simd.blocks import load_4x4
from renderer.simd.lanes import add_lane_pairs, lane_numbers
from renderer.simd.math import fma, fnma, greater_equal, keep, less, mask_bits, splat, splat_int, to_float, vmax
from renderer.simd.memory import load_i32, load_i64, store_i32, vbroadcast, vload, vstore
from renderer.simd.reduce import add_halves

f32 = np.float32

OWED = ACCUMULATOR
"""The accumulators of a thread hold transmittance and what is owed to the Gaussians behind, block by block."""


@inlined
def record_backward(records, at, alpha, x, y, running, owed, g_red, g_green, g_blue):
    """One Gaussian's sums over a block (gradient_layout.LINE), and the state of the pixels behind it."""
    y = y - vbroadcast(records, at + CENTER_Y)
    u = fnma(vbroadcast(records, at + SLOPE), y, x - vbroadcast(records, at + CENTER_X))
    shade = fma(
        g_red,
        vbroadcast(records, at + RED),
        fma(g_green, vbroadcast(records, at + GREEN), g_blue * vbroadcast(records, at + BLUE)),
    )
    after = fnma(alpha, running, running)
    alpha = keep(greater_equal(after, splat(TRANSMITTANCE_MIN)), alpha)
    weight = alpha * running
    owed = fnma(shade, weight, owed)
    v = fnma(alpha / (splat(f32(1)) - alpha), owed, shade * weight)
    v = keep(less(alpha, splat(ALPHA_MAX)), v)  # nothing changes where alpha is cut off
    # y is the same along a row of four lanes: sums along rows first
    vu = v * u
    rows = add_halves(add_halves(v, vu, 1), add_halves(vu * u, weight * g_red, 1), 2)
    colors = add_lane_pairs(add_halves(weight * g_green, weight * g_blue, 1), 2)
    rows_y = rows * y
    sums = add_halves(add_halves(rows, rows_y, 4), add_halves(rows_y * y, colors, 4), 8)
    return sums, after, owed


@kernel
def blend_block_backward(state, gradient, scratch, lines, block, start, count, left, top):
    """Adds the sums of `count` Gaussians of a block list over one block to their lines.

    Args:
        state: layout.RASTER_STATE.
        gradient: gradient_layout.GRADIENT_STATE.
        scratch: of this thread.
        lines: address of the lines of this share.
        block: number of the block in its tile.
        start: place of the list's first Gaussian in the block lists.
        count: a multiple of four.
        left, top: the block's first pixel.

    Returns the bits of the pixels that still take light.
    """
    records, numbers, sums = state.records_at, scratch + SCRATCH_LISTS, scratch + SCRATCH_ACCUMULATORS
    lanes = lane_numbers()
    x = to_float(lanes & splat_int(3)) + splat(f32(left) + f32(0.5))
    y = to_float(lanes >> splat_int(2)) + splat(f32(top) + f32(0.5))
    stride = state.stride0
    plane, at = stride * state.tiles_y * TILE_PX, top * stride + left
    red, green, blue = (
        load_4x4(gradient.gradient_planes_at, at, stride),
        load_4x4(gradient.gradient_planes_at, plane + at, stride),
        load_4x4(gradient.gradient_planes_at, 2 * plane + at, stride),
    )
    running, owed = vload(sums, 16 * block), vload(sums, OWED + 16 * block)
    alive = 0
    for i in range(start, start + count, 4):
        q0, q1 = np.int64(load_i32(numbers, i)) * RECORD, np.int64(load_i32(numbers, i + 1)) * RECORD
        q2, q3 = np.int64(load_i32(numbers, i + 2)) * RECORD, np.int64(load_i32(numbers, i + 3)) * RECORD
        p0, p1, p2, p3 = exponents(records, q0, q1, q2, q3, x, y)
        a0, a1, a2, a3 = alphas(p0, p1, p2, p3)
        s0, running, owed = record_backward(records, q0, a0, x, y, running, owed, red, green, blue)
        s1, running, owed = record_backward(records, q1, a1, x, y, running, owed, red, green, blue)
        s2, running, owed = record_backward(records, q2, a2, x, y, running, owed, red, green, blue)
        s3, running, owed = record_backward(records, q3, a3, x, y, running, owed, red, green, blue)
        vstore(lines, q0, vload(lines, q0) + s0)
        vstore(lines, q1, vload(lines, q1) + s1)
        vstore(lines, q2, vload(lines, q2) + s2)
        vstore(lines, q3, vload(lines, q3) + s3)
        alive = mask_bits(greater_equal(running, splat(TRANSMITTANCE_MIN)))
        if alive == 0:
            break
    vstore(sums, 16 * block, running)
    vstore(sums, OWED + 16 * block, owed)
    return alive


@inlined
def larger_size(a, b):
    """The larger of |a| and |b|."""
    zero = splat(f32(0))
    return vmax(vmax(a, zero - a), vmax(b, zero - b))


@kernel
def begin_block(state, gradient, scratch, background, block, left, top):
    """Sets the state of a block's pixels before the first Gaussian; returns the bits of those that matter to the loss.

    Args:
        state, gradient, scratch, block, left, top: as for `blend_block_backward`.
        background: address of the sums [3][16] for dL/dbackground.
    """
    stride = state.stride0
    plane, at = stride * state.tiles_y * TILE_PX, top * stride + left
    picture, loss = gradient.planes_at, gradient.gradient_planes_at
    zero, one = splat(f32(0)), splat(f32(1))
    g_red, g_green, g_blue, g_alpha = (
        load_4x4(loss, at, stride),
        load_4x4(loss, plane + at, stride),
        load_4x4(loss, 2 * plane + at, stride),
        load_4x4(loss, 3 * plane + at, stride),
    )
    red, green, blue, through = (
        load_4x4(picture, at, stride),
        load_4x4(picture, plane + at, stride),
        load_4x4(picture, 2 * plane + at, stride),
        one - load_4x4(picture, 3 * plane + at, stride),
    )
    vstore(background, 0, fma(g_red, through, vload(background, 0)))
    vstore(background, 16, fma(g_green, through, vload(background, 16)))
    vstore(background, 32, fma(g_blue, through, vload(background, 32)))
    owed = fnma(g_alpha, through, fma(g_red, red, fma(g_green, green, g_blue * blue)))
    matters = less(zero, vmax(larger_size(g_red, g_green), larger_size(g_blue, g_alpha)))
    sums = scratch + SCRATCH_ACCUMULATORS
    vstore(sums, 16 * block, keep(matters, one))  # no light reaches the others
    vstore(sums, OWED + 16 * block, owed)
    alive = mask_bits(matters)
    store_i32(scratch + SCRATCH_ALIVE, block, alive)
    return alive


@kernel
def blend_tile_backward(state, gradient, scratch, lines, background, tile_x, tile_y):
    """Adds the sums of one tile to `lines` and `background`, the addresses of those of a share."""
    tile = tile_y * state.grid_x + tile_x
    tile_left, tile_top = tile_x * TILE_PX, tile_y * TILE_PX
    blocks_alive = 0
    for block in range(16):
        left, top = tile_left + (block & 3) * 4, tile_top + (block >> 2) * 4
        alive = begin_block(state, gradient, scratch, background, block, left, top)
        blocks_alive += np.int64(alive != 0)
    for segment in range(state.segments):
        count = np.int64(load_i32(segment_counts(state, segment), tile))
        entries = segment_entries(state, segment) + 4 * tile * state.capacity
        order = order_of_segment(state, segment)
        for taken in range(0, count, CHUNK):
            if blocks_alive == 0:
                return
            spread_over_blocks(scratch, entries + 4 * taken, min(np.int64(CHUNK), count - taken), order)
            for block in range(16):
                start = block * BLOCK_LIST_STRIDE
                end = np.int64(load_i32(scratch + SCRATCH_ENDS, block))
                if end == start or load_i32(scratch + SCRATCH_ALIVE, block) == 0:
                    continue
                pad_list(scratch, end, state.padded)
                left, top = tile_left + (block & 3) * 4, tile_top + (block >> 2) * 4
                alive = blend_block_backward(state, gradient, scratch, lines, block, start, end - start, left, top)
                store_i32(scratch + SCRATCH_ALIVE, block, alive)
                blocks_alive -= np.int64(alive == 0)


@kernel
def blend_share(state, gradient, scratch, share):
    """Fills the lines and the background sums of one share."""
    line_floats = (state.padded + 1) * LINE
    lines = gradient.lines_at + 4 * line_floats * share
    background = gradient.background_sums_at + 4 * 48 * share
    zero = splat(f32(0))
    for i in range(0, line_floats, 16):
        vstore(lines, i, zero)
    for i in range(0, 48, 16):
        vstore(background, i, zero)
    for tile in range(load_i64(gradient.first_tiles_at, share), load_i64(gradient.first_tiles_at, share + 1)):
        tile_x, tile_y = tile % state.tiles_x, tile // state.tiles_x
        blend_tile_backward(state, gradient, scratch, lines, background, tile_x, tile_y)
