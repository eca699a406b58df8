"""Stage 4: colors, tile by tile, block by block.

The list of a tile is taken in chunks. A chunk is spread over the 16 blocks of the tile by testing one bit of all
entries at a time and compressing the numbers that have it to the front of that block's own short list. A block then
keeps transmittance and color of its 16 pixels in registers while it goes through its list, four Gaussians at a time:
the four are independent until the last step, which hides the latency of each. A block whose pixels are all opaque is
left alone from then on.

Exactness: a pixel stops where the next transmittance would fall under 1e-4. Transmittance only falls, so the running
value simply keeps decaying, and "still above 1e-4" is both the test of this Gaussian and of all before it. No state
has to be carried from test to test.
"""

from __future__ import annotations

import numpy as np
from numba import literal_unroll

from renderer.backends.kernels.bin import segment_counts, segment_entries, segment_start
from renderer.backends.kernels.layout import (
    ACCUMULATOR,
    BLOCK_LIST_STRIDE,
    BLUE,
    CENTER_X,
    CENTER_Y,
    CHUNK,
    GREEN,
    P_0,
    P_XX,
    P_YY,
    RECORD,
    RED,
    SCRATCH_ACCUMULATORS,
    SCRATCH_ALIVE,
    SCRATCH_ENDS,
    SCRATCH_LISTS,
    SLOPE,
    SMALL_CLOUD,
    TILE_PX,
    TILES_CHUNK,
)
from renderer.backends.kernels.resolve import fill_tile, resolve_tile
from renderer.jit import inlined, kernel
from renderer.simd.lanes import compress, lane_numbers
from renderer.simd.math import (
    count_bits,
    fma,
    fnma,
    greater_equal,
    keep,
    keep_int,
    less_equal_int,
    mask_bits,
    mask_from_bits,
    minimum_where_negative,
    nonzero_int,
    scale_by_power,
    select,
    splat,
    splat_int,
    to_float,
)
from renderer.simd.memory import gather_int, load_i32, store_i32, vbroadcast, vload, vload_int, vstore, vstore_int

f32 = np.float32

ALPHA_MAX = f32(0.99)
TRANSMITTANCE_MIN = f32(1e-4)
ROUNDING = f32(12582912.0)
"""1.5 * 2^23: adding it leaves the nearest integer in the lowest bits of the float."""

# 2^-r / 255 for r in -0.5..0.5, minimax of degree 4; relative error 4e-6
EXP2_4, EXP2_3, EXP2_2, EXP2_1, EXP2_0 = (
    f32(coefficient / 255) for coefficient in (0.0095701017, -0.0559178603, 0.240247448, -0.693121815, 0.999999261)
)
BLOCKS = tuple(range(16))


@inlined
def exponents(records, q0, q1, q2, q3, x, y):
    """-log2(255 alpha) of four Gaussians at the pixels (x, y); layout.RECORD has the formula."""
    y0, y1 = y - vbroadcast(records, q0 + CENTER_Y), y - vbroadcast(records, q1 + CENTER_Y)
    y2, y3 = y - vbroadcast(records, q2 + CENTER_Y), y - vbroadcast(records, q3 + CENTER_Y)
    x0, x1 = x - vbroadcast(records, q0 + CENTER_X), x - vbroadcast(records, q1 + CENTER_X)
    x2, x3 = x - vbroadcast(records, q2 + CENTER_X), x - vbroadcast(records, q3 + CENTER_X)
    x0, x1 = fnma(vbroadcast(records, q0 + SLOPE), y0, x0), fnma(vbroadcast(records, q1 + SLOPE), y1, x1)
    x2, x3 = fnma(vbroadcast(records, q2 + SLOPE), y2, x2), fnma(vbroadcast(records, q3 + SLOPE), y3, x3)
    p0, p1 = vbroadcast(records, q0 + P_YY) * y0, vbroadcast(records, q1 + P_YY) * y1
    p2, p3 = vbroadcast(records, q2 + P_YY) * y2, vbroadcast(records, q3 + P_YY) * y3
    p0, p1 = fma(p0, y0, vbroadcast(records, q0 + P_0)), fma(p1, y1, vbroadcast(records, q1 + P_0))
    p2, p3 = fma(p2, y2, vbroadcast(records, q2 + P_0)), fma(p3, y3, vbroadcast(records, q3 + P_0))
    y0, y1 = vbroadcast(records, q0 + P_XX) * x0, vbroadcast(records, q1 + P_XX) * x1
    y2, y3 = vbroadcast(records, q2 + P_XX) * x2, vbroadcast(records, q3 + P_XX) * x3
    return fma(y0, x0, p0), fma(y1, x1, p1), fma(y2, x2, p2), fma(y3, x3, p3)


@inlined
def alphas(p0, p1, p2, p3):
    """Four alphas from -log2(255 alpha); 0 where alpha < 1/255, at most 0.99.

    2^-p = 2^n 2^-r with n the integer nearest to -p and r = p + n.
    """
    rounding, limit = splat(ROUNDING), splat(ALPHA_MAX)
    n0, n1, n2, n3 = rounding - p0, rounding - p1, rounding - p2, rounding - p3
    r0, r1, r2, r3 = p0 + (n0 - rounding), p1 + (n1 - rounding), p2 + (n2 - rounding), p3 + (n3 - rounding)
    c4, c3, c2, c1, c0 = splat(EXP2_4), splat(EXP2_3), splat(EXP2_2), splat(EXP2_1), splat(EXP2_0)
    a0, a1, a2, a3 = fma(c4, r0, c3), fma(c4, r1, c3), fma(c4, r2, c3), fma(c4, r3, c3)
    a0, a1, a2, a3 = fma(a0, r0, c2), fma(a1, r1, c2), fma(a2, r2, c2), fma(a3, r3, c2)
    a0, a1, a2, a3 = fma(a0, r0, c1), fma(a1, r1, c1), fma(a2, r2, c1), fma(a3, r3, c1)
    a0, a1, a2, a3 = fma(a0, r0, c0), fma(a1, r1, c0), fma(a2, r2, c0), fma(a3, r3, c0)
    return (
        minimum_where_negative(p0, scale_by_power(a0, n0), limit),
        minimum_where_negative(p1, scale_by_power(a1, n1), limit),
        minimum_where_negative(p2, scale_by_power(a2, n2), limit),
        minimum_where_negative(p3, scale_by_power(a3, n3), limit),
    )


@inlined
def blend(records, at, alpha, running, final, red, green, blue):
    """Puts one Gaussian behind what is there. `running` decays without end, `final` stops at 1e-4."""
    after = fnma(alpha, running, running)
    drawn = greater_equal(after, splat(TRANSMITTANCE_MIN))
    weight = keep(drawn, alpha * running)
    return (
        after,
        select(drawn, after, final),
        fma(weight, vbroadcast(records, at + RED), red),
        fma(weight, vbroadcast(records, at + GREEN), green),
        fma(weight, vbroadcast(records, at + BLUE), blue),
    )


@kernel
def blend_block(records, scratch, block, start, count, left, top):
    """Blends `count` Gaussians of a block list into the accumulators of a block; `left`, `top` in pixels."""
    numbers, sums = scratch + SCRATCH_LISTS, scratch + SCRATCH_ACCUMULATORS
    lanes = lane_numbers()
    x = to_float(lanes & splat_int(3)) + splat(left + f32(0.5))
    y = to_float(lanes >> splat_int(2)) + splat(top + f32(0.5))
    at = 16 * block
    final = vload(sums, at)
    red, green, blue = (
        vload(sums, ACCUMULATOR + at),
        vload(sums, 2 * ACCUMULATOR + at),
        vload(sums, 3 * ACCUMULATOR + at),
    )
    alive = load_i32(scratch + SCRATCH_ALIVE, block)
    running = keep(mask_from_bits(alive), final)
    for i in range(start, start + count, 4):
        q0, q1 = np.int64(load_i32(numbers, i)) * RECORD, np.int64(load_i32(numbers, i + 1)) * RECORD
        q2, q3 = np.int64(load_i32(numbers, i + 2)) * RECORD, np.int64(load_i32(numbers, i + 3)) * RECORD
        p0, p1, p2, p3 = exponents(records, q0, q1, q2, q3, x, y)
        a0, a1, a2, a3 = alphas(p0, p1, p2, p3)
        running, final, red, green, blue = blend(records, q0, a0, running, final, red, green, blue)
        running, final, red, green, blue = blend(records, q1, a1, running, final, red, green, blue)
        running, final, red, green, blue = blend(records, q2, a2, running, final, red, green, blue)
        running, final, red, green, blue = blend(records, q3, a3, running, final, red, green, blue)
        alive = mask_bits(greater_equal(running, splat(TRANSMITTANCE_MIN)))
        if alive == 0:
            break
    vstore(sums, at, final)
    vstore(sums, ACCUMULATOR + at, red)
    vstore(sums, 2 * ACCUMULATOR + at, green)
    vstore(sums, 3 * ACCUMULATOR + at, blue)
    store_i32(scratch + SCRATCH_ALIVE, block, alive)
    return alive


@inlined
def spread_over_blocks(scratch, entries, count, order):
    """Fills the block lists from `count` (at most CHUNK) entries at address `entries`.

    Args:
        scratch: of this thread.
        entries: address of the entries.
        count: how many.
        order: 0 if entries name Gaussians, else the address in the depth order from which they count places.
    """
    lists, ends = scratch + SCRATCH_LISTS, scratch + SCRATCH_ENDS
    for block in range(16):
        store_i32(ends, block, block * BLOCK_LIST_STRIDE)
    for i in range(0, count, 16):
        entry = vload_int(entries, i)
        valid = less_equal_int(lane_numbers(), splat_int(count - i - 1))
        entry = keep_int(valid, entry)
        number = entry & splat_int(0xFFFF)
        if order != 0:
            number = gather_int(order, number)
        for block in literal_unroll(BLOCKS):
            chosen = nonzero_int(entry & splat_int(0x10000 << block))
            end = np.int64(load_i32(ends, block))
            vstore_int(lists, end, compress(chosen, number))
            store_i32(ends, block, end + count_bits(mask_bits(chosen)))


@inlined
def order_of_segment(state, segment):
    """The last argument of `spread_over_blocks` for a segment."""
    if state.padded <= SMALL_CLOUD:
        return np.int64(0)
    return state.order_at + 4 * segment_start(state, segment)


@inlined
def tile_entries(state, tile):
    """How many entries the lists of a tile hold in all segments."""
    total = np.int64(0)
    for segment in range(state.segments):
        total += np.int64(load_i32(segment_counts(state, segment), tile))
    return total


@inlined
def pad_list(scratch, end, null_record):
    """Fills a block list up to a multiple of four with invisible records."""
    for i in range(3):
        store_i32(scratch + SCRATCH_LISTS, end + i, null_record)


@kernel
def blend_tile(state, scratch, tile_x, tile_y):
    """Blends one tile and writes its pixels to the output."""
    tile = tile_y * state.grid_x + tile_x
    if tile_entries(state, tile) == 0 and state.background_at == 0:
        fill_tile(state, tile_x, tile_y)
        return
    sums = scratch + SCRATCH_ACCUMULATORS
    for block in range(16):
        vstore(sums, 16 * block, splat(f32(1)))
        for channel in range(1, 4):
            vstore(sums, channel * ACCUMULATOR + 16 * block, splat(f32(0)))
        store_i32(scratch + SCRATCH_ALIVE, block, 0xFFFF)
    blocks_alive = 16
    for segment in range(state.segments):
        count = np.int64(load_i32(segment_counts(state, segment), tile))
        entries = segment_entries(state, segment) + 4 * tile * state.capacity
        order = order_of_segment(state, segment)
        for taken in range(0, count, CHUNK):
            spread_over_blocks(scratch, entries + 4 * taken, min(np.int64(CHUNK), count - taken), order)
            for block in range(16):
                start = block * BLOCK_LIST_STRIDE
                end = np.int64(load_i32(scratch + SCRATCH_ENDS, block))
                if end == start or load_i32(scratch + SCRATCH_ALIVE, block) == 0:
                    continue
                pad_list(scratch, end, state.padded)
                left = f32(tile_x * TILE_PX + (block & 3) * 4)
                top = f32(tile_y * TILE_PX + (block >> 2) * 4)
                if blend_block(state.records_at, scratch, block, start, end - start, left, top) == 0:
                    blocks_alive -= 1
            if blocks_alive == 0:
                break
        if blocks_alive == 0:
            break
    resolve_tile(state, scratch, tile_x, tile_y)


@kernel
def blend_chunk(state, scratch, chunk):
    """Draws some neighboring tiles from counts, entries and records."""
    first = chunk * TILES_CHUNK
    for tile in range(first, min(first + TILES_CHUNK, state.tiles_x * state.tiles_y)):
        blend_tile(state, scratch, tile % state.tiles_x, tile // state.tiles_x)
