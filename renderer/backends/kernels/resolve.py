"""Stage 5: the finished tile over the background, in the format that the caller wants.

YUV is BT.601, limited range, 4:2:0: chroma is that of the mean of 2 x 2 pixels. The matrix acts on sRGB values as they
are. Tiles that reach over the right or bottom edge are written pixel by pixel.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import ACCUMULATOR, OUTPUT_FLOAT, OUTPUT_RGB8, TILE_PX
from renderer.jit import inlined, kernel
from renderer.simd.blocks import store_bytes_2x2, store_bytes_4x4
from renderer.simd.lanes import add_lane_pairs
from renderer.simd.math import fma, splat, to_int, vmax, vmin
from renderer.simd.memory import load_f32, store_f32, store_u8, vload

f32 = np.float32

# ITU-R BT.601: 219 steps of luma above 16, 224 steps of chroma around 128
Y_RED, Y_GREEN, Y_BLUE = f32(219 * 0.299), f32(219 * 0.587), f32(219 * 0.114)
U_RED, U_GREEN, U_BLUE = f32(-112 * 0.299 / 0.886), f32(-112 * 0.587 / 0.886), f32(112)
V_RED, V_GREEN, V_BLUE = f32(112), f32(-112 * 0.587 / 0.701), f32(-112 * 0.114 / 0.701)
Y_ZERO, UV_ZERO = f32(16.5), f32(128.5)  # with the half that rounds


@inlined
def luma(red, green, blue):
    """Y of one color, 0..255."""
    return np.uint8(Y_ZERO + Y_RED * red + Y_GREEN * green + Y_BLUE * blue)


@inlined
def chroma_u(red, green, blue):
    """U of one color."""
    return np.uint8(UV_ZERO + U_RED * red + U_GREEN * green + U_BLUE * blue)


@inlined
def chroma_v(red, green, blue):
    """V of one color."""
    return np.uint8(UV_ZERO + V_RED * red + V_GREEN * green + V_BLUE * blue)


@inlined
def unit(value):
    """Clamped to 0..1."""
    return min(max(value, f32(0)), f32(1))


@inlined
def pixel(state, x, y):
    """Red, green, blue of pixel (x, y) of the tile in the accumulators, over the background."""
    at = 16 * ((y >> 2) * 4 + (x >> 2)) + 4 * (y & 3) + (x & 3)
    sums = state.accumulators_at
    through = load_f32(sums, at)
    return (
        load_f32(sums, ACCUMULATOR + at) + through * state.red,
        load_f32(sums, 2 * ACCUMULATOR + at) + through * state.green,
        load_f32(sums, 3 * ACCUMULATOR + at) + through * state.blue,
    )


@inlined
def rows_of_tile(tile, size):
    """Pixels of a tile number that lie inside a picture of `size`."""
    return min(np.int64(TILE_PX), size - tile * TILE_PX)


@kernel
def resolve_float(state, tile_x, tile_y):
    """Writes the tile to a float image, rows of (red, green, blue)."""
    for y in range(rows_of_tile(tile_y, state.height)):
        at = (tile_y * TILE_PX + y) * state.stride0 + 3 * tile_x * TILE_PX
        for x in range(rows_of_tile(tile_x, state.width)):
            red, green, blue = pixel(state, x, y)
            store_f32(state.plane0_at, at + 3 * x, red)
            store_f32(state.plane0_at, at + 3 * x + 1, green)
            store_f32(state.plane0_at, at + 3 * x + 2, blue)


@kernel
def resolve_rgb8(state, tile_x, tile_y):
    """Writes the tile to a byte image, rows of (red, green, blue)."""
    for y in range(rows_of_tile(tile_y, state.height)):
        at = (tile_y * TILE_PX + y) * state.stride0 + 3 * tile_x * TILE_PX
        for x in range(rows_of_tile(tile_x, state.width)):
            red, green, blue = pixel(state, x, y)
            store_u8(state.plane0_at, at + 3 * x, np.uint8(unit(red) * f32(255) + f32(0.5)))
            store_u8(state.plane0_at, at + 3 * x + 1, np.uint8(unit(green) * f32(255) + f32(0.5)))
            store_u8(state.plane0_at, at + 3 * x + 2, np.uint8(unit(blue) * f32(255) + f32(0.5)))


@kernel
def resolve_yuv(state, tile_x, tile_y):
    """Writes a tile that lies inside the picture to three planes."""
    sums = state.accumulators_at
    zero, one, quarter = splat(f32(0)), splat(f32(1)), splat(f32(0.25))
    for block in range(16):
        at = 16 * block
        through = vload(sums, at)
        red = fma(through, splat(state.red), vload(sums, ACCUMULATOR + at))
        green = fma(through, splat(state.green), vload(sums, 2 * ACCUMULATOR + at))
        blue = fma(through, splat(state.blue), vload(sums, 3 * ACCUMULATOR + at))
        red, green, blue = vmin(vmax(red, zero), one), vmin(vmax(green, zero), one), vmin(vmax(blue, zero), one)
        y = fma(splat(Y_RED), red, fma(splat(Y_GREEN), green, fma(splat(Y_BLUE), blue, splat(Y_ZERO))))
        left, top = tile_x * TILE_PX + (block & 3) * 4, tile_y * TILE_PX + (block >> 2) * 4
        store_bytes_4x4(state.plane0_at, top * state.stride0 + left, state.stride0, to_int(y))
        red = add_lane_pairs(add_lane_pairs(red, 1), 4) * quarter
        green = add_lane_pairs(add_lane_pairs(green, 1), 4) * quarter
        blue = add_lane_pairs(add_lane_pairs(blue, 1), 4) * quarter
        u = fma(splat(U_RED), red, fma(splat(U_GREEN), green, fma(splat(U_BLUE), blue, splat(UV_ZERO))))
        v = fma(splat(V_RED), red, fma(splat(V_GREEN), green, fma(splat(V_BLUE), blue, splat(UV_ZERO))))
        left, top = left >> 1, top >> 1
        store_bytes_2x2(state.plane1_at, top * state.stride1 + left, state.stride1, to_int(u))
        store_bytes_2x2(state.plane2_at, top * state.stride2 + left, state.stride2, to_int(v))


@kernel
def resolve_yuv_edge(state, tile_x, tile_y):
    """Writes a tile that reaches over an edge; chroma there is the mean of the pixels that exist."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    columns, rows = rows_of_tile(tile_x, state.width), rows_of_tile(tile_y, state.height)
    for y in range(0, rows, 2):
        for x in range(0, columns, 2):
            red_sum, green_sum, blue_sum, weight = f32(0), f32(0), f32(0), f32(0)
            for dy in range(min(np.int64(2), rows - y)):
                for dx in range(min(np.int64(2), columns - x)):
                    red, green, blue = pixel(state, x + dx, y + dy)
                    red, green, blue = unit(red), unit(green), unit(blue)
                    at = (top + y + dy) * state.stride0 + left + x + dx
                    store_u8(state.plane0_at, at, luma(red, green, blue))
                    red_sum, green_sum, blue_sum, weight = (
                        red_sum + red,
                        green_sum + green,
                        blue_sum + blue,
                        weight + f32(1),
                    )
            red, green, blue = red_sum / weight, green_sum / weight, blue_sum / weight
            row, column = (top + y) >> 1, (left + x) >> 1
            store_u8(state.plane1_at, row * state.stride1 + column, chroma_u(red, green, blue))
            store_u8(state.plane2_at, row * state.stride2 + column, chroma_v(red, green, blue))


@kernel
def fill_tile(state, tile_x, tile_y):
    """Writes a tile that shows only the background."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    columns, rows = rows_of_tile(tile_x, state.width), rows_of_tile(tile_y, state.height)
    red, green, blue = state.red, state.green, state.blue
    if state.output == OUTPUT_FLOAT:
        for y in range(top, top + rows):
            for x in range(left, left + columns):
                at = y * state.stride0 + 3 * x
                store_f32(state.plane0_at, at, red)
                store_f32(state.plane0_at, at + 1, green)
                store_f32(state.plane0_at, at + 2, blue)
        return
    red, green, blue = unit(red), unit(green), unit(blue)
    if state.output == OUTPUT_RGB8:
        red8, green8, blue8 = (
            np.uint8(red * f32(255) + f32(0.5)),
            np.uint8(green * f32(255) + f32(0.5)),
            np.uint8(blue * f32(255) + f32(0.5)),
        )
        for y in range(top, top + rows):
            for x in range(left, left + columns):
                at = y * state.stride0 + 3 * x
                store_u8(state.plane0_at, at, red8)
                store_u8(state.plane0_at, at + 1, green8)
                store_u8(state.plane0_at, at + 2, blue8)
        return
    y8, u8, v8 = luma(red, green, blue), chroma_u(red, green, blue), chroma_v(red, green, blue)
    for y in range(top, top + rows):
        for x in range(left, left + columns):
            store_u8(state.plane0_at, y * state.stride0 + x, y8)
    for y in range(top >> 1, (top + rows + 1) >> 1):
        for x in range(left >> 1, (left + columns + 1) >> 1):
            store_u8(state.plane1_at, y * state.stride1 + x, u8)
            store_u8(state.plane2_at, y * state.stride2 + x, v8)


@kernel
def resolve_tile(state, tile_x, tile_y):
    """Writes the accumulated tile in the state's output format."""
    if state.output == OUTPUT_FLOAT:
        resolve_float(state, tile_x, tile_y)
    elif state.output == OUTPUT_RGB8:
        resolve_rgb8(state, tile_x, tile_y)
    elif rows_of_tile(tile_x, state.width) == TILE_PX and rows_of_tile(tile_y, state.height) == TILE_PX:
        resolve_yuv(state, tile_x, tile_y)
    else:
        resolve_yuv_edge(state, tile_x, tile_y)
