"""Stage 3: which 4 x 4 blocks does each Gaussian touch?

Every tile of 16 x 16 pixels has a list of entries `block mask << 16 | number`, appended nearest first, so that the
lists need no sorting. One vector handles 16 rows of blocks (4 rows of tiles) at once: each lane takes the exact span of
the ellipse alpha = 1/255 over the pixel centers of its row of blocks. Its end points are those of the ellipse at the
row's edges, or its extreme point if that lies between them. This leaves a quarter fewer blocks than the bounding box.

A Gaussian within 2 x 2 or 3 x 3 tiles, almost every one, takes a path without branches: all four or nine entries are
written, and a tile's count advances only where the mask is not empty. Guard tiles beyond the right and bottom edges
catch the surplus. A full list keeps counting without storing, and the caller makes room and draws again.

The depth order is cut into segments with lists of their own, so that several threads can fill them; a tile's whole list
is that of the first segment, followed by those of the others.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import (
    CENTER_X,
    CENTER_Y,
    ELLIPSE_0,
    ELLIPSE_2,
    HALF_HEIGHT,
    HALF_WIDTH,
    RECORD,
    RIGHTMOST_Y,
    SLACK,
    SLOPE,
    SMALL_CLOUD,
)
from renderer.jit import inlined, kernel
from renderer.simd.lanes import lane_numbers, or_lane_groups
from renderer.simd.math import (
    fma,
    fnma,
    greater_equal,
    keep_int,
    less_equal_int,
    splat,
    splat_int,
    to_float,
    to_int,
    vceil,
    vfloor,
    vmax,
    vmax_int,
    vmin,
    vmin_int,
    vsqrt,
)
from renderer.simd.memory import load_f32, load_i32, prefetch, store_i32, store_i64, vbroadcast, vstore_int

f32 = np.float32


@inlined
def append(counts, entries, capacity, tile, mask, number):
    """Adds an entry to the list of `tile` unless the mask is empty."""
    count = load_i32(counts, tile)
    place = min(np.int64(count), capacity - 1)
    store_i32(entries, tile * capacity + place, (mask << 16) | number)
    store_i32(counts, tile, count + np.int32(mask != 0))


@inlined
def segment_start(state, segment):
    """Place in the depth order where a segment begins."""
    return state.visible * segment // state.segments


@inlined
def segment_counts(state, segment):
    """Address of the segment's counts."""
    return state.counts_at + 4 * segment * state.grid


@inlined
def segment_entries(state, segment):
    """Address of the segment's entries."""
    return state.entries_at + 4 * segment * state.grid * state.capacity


@inlined
def store_column_masks(target, first, last, touched, shifts):
    """Block masks of the four tiles of one column, at elements 0, 4, 8 and 12 of `target`.

    Args:
        target: address of 16 integers.
        first: i32x16, first block of the span in each row of blocks, counted from the column's left edge.
        last: i32x16, last block of the span.
        touched: mask16, rows of blocks that the ellipse reaches.
        shifts: i32x16, 4 * (lane % 4), where a row of blocks sits in its tile's mask.
    """
    zero, four, all_blocks = splat_int(0), splat_int(4), splat_int(15)
    from_first = all_blocks << vmin_int(vmax_int(first, zero), four)
    to_last = all_blocks >> vmin_int(vmax_int(splat_int(3) - last, zero), four)
    row_bits = keep_int(touched, from_first & to_last & all_blocks) << shifts
    vstore_int(target, 0, or_lane_groups(row_bits))


@inlined
def tile_range(center, radius, tiles):
    """First and last tile, clamped to the picture, whose pixel centers are within `radius` of `center`."""
    limit = f32(tiles * 16)
    low = min(max(center - radius - f32(0.5), f32(0)), limit)
    high = min(max(center + radius + f32(15.5), f32(0)), limit + f32(15))  # of pixels counted from -16
    return np.int64(low) >> 4, (np.int64(high) >> 4) - 1


@kernel
def bin_segment(state, segment, masks):
    """Fills counts and entries of one segment from order and records; sets its element of `longest`.

    Args:
        state: layout.RASTER_STATE.
        segment: its number.
        masks: address of [3][16] integers of this thread.
    """
    grid_x, records, capacity = state.grid_x, state.records_at, state.capacity
    counts, entries = segment_counts(state, segment), segment_entries(state, segment)
    for tile in range(state.grid):
        store_i32(counts, tile, 0)
    zero, quarter, three = splat(f32(0)), splat(f32(0.25)), splat(f32(3))
    four, rows = splat_int(4), lane_numbers()
    row_tops = to_float(rows << splat_int(2))
    shifts = (rows & splat_int(3)) << splat_int(2)
    leftmost, rightmost = splat(f32(-8)), splat(f32(state.width // 4 + 8))
    start = segment_start(state, segment)
    by_place = state.padded > SMALL_CLOUD
    for j in range(start, segment_start(state, segment + 1)):
        number = load_i32(state.order_at, j)
        at = np.int64(number) * RECORD
        prefetch(records, np.int64(load_i32(state.order_at, j + 8)) * RECORD)
        if by_place:
            number = np.int32(j - start)
        center_x, center_y = load_f32(records, at + CENTER_X), load_f32(records, at + CENTER_Y)
        half_height = load_f32(records, at + HALF_HEIGHT)
        slack = load_f32(records, at + SLACK)
        tile_left, tile_right = tile_range(center_x, load_f32(records, at + HALF_WIDTH) + slack, state.tiles_x)
        tile_top, tile_bottom = tile_range(center_y, half_height, state.tiles_y)
        left = center_x - f32(0.5) - f32(tile_left * 16)
        shear, extreme = vbroadcast(records, at + SLOPE), vbroadcast(records, at + RIGHTMOST_Y)
        ellipse_0, ellipse_2 = vbroadcast(records, at + ELLIPSE_0), vbroadcast(records, at + ELLIPSE_2)
        while tile_top <= tile_bottom:
            # pixel centers of each row of blocks, from `top` to `bottom`, relative to the center and cut to the ellipse
            top = row_tops + splat(f32(tile_top * 16) + f32(0.5) - center_y)
            bottom = vmin(top + three, splat(half_height))
            top = vmax(top, splat(-half_height))
            y_right = vmin(vmax(extreme, top), bottom)
            y_left = vmin(vmax(zero - extreme, top), bottom)
            reach_right = vsqrt(vmax(fnma(ellipse_2 * y_right, y_right, ellipse_0), zero))
            reach_left = vsqrt(vmax(fnma(ellipse_2 * y_left, y_left, ellipse_0), zero))
            x_right = fma(shear, y_right, reach_right) + splat(left + slack)
            x_left = fma(shear, y_left, zero - reach_left) + splat(left - slack)
            last = to_int(vmin(vmax(vfloor(x_right * quarter), leftmost), rightmost))
            first = to_int(vmin(vmax(vceil((x_left - three) * quarter), leftmost), rightmost))
            touched = greater_equal(bottom, top) & less_equal_int(first, last)
            base = tile_top * grid_x + tile_left
            if tile_right - tile_left <= 1 and tile_bottom - tile_top <= 1:
                store_column_masks(masks, first, last, touched, shifts)
                store_column_masks(masks + 64, first - four, last - four, touched, shifts)
                for column in range(2):
                    tile = base + column
                    append(counts, entries, capacity, tile, load_i32(masks, 16 * column), number)
                    append(counts, entries, capacity, tile + grid_x, load_i32(masks, 16 * column + 4), number)
                break
            if tile_right - tile_left <= 2 and tile_bottom - tile_top <= 2:
                store_column_masks(masks, first, last, touched, shifts)
                store_column_masks(masks + 64, first - four, last - four, touched, shifts)
                store_column_masks(masks + 128, first - four - four, last - four - four, touched, shifts)
                for column in range(3):
                    tile = base + column
                    append(counts, entries, capacity, tile, load_i32(masks, 16 * column), number)
                    append(counts, entries, capacity, tile + grid_x, load_i32(masks, 16 * column + 4), number)
                    append(counts, entries, capacity, tile + 2 * grid_x, load_i32(masks, 16 * column + 8), number)
                break
            for tile_x in range(tile_left, tile_right + 1):
                store_column_masks(masks, first, last, touched, shifts)
                first, last = first - four, last - four
                for row in range(min(np.int64(4), tile_bottom - tile_top + 1)):
                    tile = (tile_top + row) * grid_x + tile_x
                    append(counts, entries, capacity, tile, load_i32(masks, 4 * row), number)
            tile_top += 4
    longest = 0
    for tile in range(state.grid):
        longest = max(longest, np.int64(load_i32(counts, tile)))
    store_i64(state.longest_at, segment, longest)
