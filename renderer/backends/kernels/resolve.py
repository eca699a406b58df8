"""Stage 5: the finished tile over the background, in the format that the caller wants.

YUV is BT.601, limited range, 4:2:0: chroma is that of the mean of 2 x 2 pixels. The matrix acts on sRGB values as they
are. Tiles that reach over the right or bottom edge are written pixel by pixel.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import (
    ACCUMULATOR,
    OUTPUT_PLANAR,
    OUTPUT_RGB8,
    OUTPUT_RGBA8,
    SCRATCH_ACCUMULATORS,
    TILE_PX,
)
from renderer.jit import inlined, kernel
from renderer.simd.blocks import load_4x4, store_16x4, store_bytes_2x2, store_bytes_4x4
from renderer.simd.lanes import add_lane_pairs
from renderer.simd.math import fma, splat, to_int, vmax, vmin
from renderer.simd.memory import load_f32, store_u8, vload, vstore

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
def background_at(state, x, y):
    """Red, green, blue behind pixel (x, y) of the picture."""
    if state.background_at == 0:
        return state.red, state.green, state.blue
    stride = state.tiles_x * TILE_PX
    plane, at = stride * state.tiles_y * TILE_PX, y * stride + x
    background = state.background_at
    return load_f32(background, at), load_f32(background, plane + at), load_f32(background, 2 * plane + at)


@inlined
def sums_of_pixel(sums, x, y):
    """Transmittance, red, green and blue of pixel (x, y) of the tile in the accumulators."""
    at = 16 * ((y >> 2) * 4 + (x >> 2)) + 4 * (y & 3) + (x & 3)
    return (
        load_f32(sums, at),
        load_f32(sums, ACCUMULATOR + at),
        load_f32(sums, 2 * ACCUMULATOR + at),
        load_f32(sums, 3 * ACCUMULATOR + at),
    )


@inlined
def pixel(state, sums, left, top, x, y):
    """Red, green, blue of pixel (x, y) of the tile at (left, top), over the background."""
    through, red, green, blue = sums_of_pixel(sums, x, y)
    back_red, back_green, back_blue = background_at(state, left + x, top + y)
    return red + through * back_red, green + through * back_green, blue + through * back_blue


@inlined
def block_over_background(state, sums, block, left, top):
    """Transmittance, red, green, blue (f32x16) of a block whose first pixel is (left, top), over the background."""
    at = 16 * block
    through = vload(sums, at)
    back_red, back_green, back_blue = splat(state.red), splat(state.green), splat(state.blue)
    if state.background_at != 0:
        stride = state.tiles_x * TILE_PX
        plane, corner = stride * state.tiles_y * TILE_PX, top * stride + left
        back_red = load_4x4(state.background_at, corner, stride)
        back_green = load_4x4(state.background_at, plane + corner, stride)
        back_blue = load_4x4(state.background_at, 2 * plane + corner, stride)
    return (
        through,
        fma(through, back_red, vload(sums, ACCUMULATOR + at)),
        fma(through, back_green, vload(sums, 2 * ACCUMULATOR + at)),
        fma(through, back_blue, vload(sums, 3 * ACCUMULATOR + at)),
    )


@inlined
def rows_of_tile(tile, size):
    """Pixels of a tile number that lie inside a picture of `size`."""
    return min(np.int64(TILE_PX), size - tile * TILE_PX)


@kernel
def resolve_planar(state, sums, tile_x, tile_y):
    """Writes the tile to four float planes: red, green, blue, alpha."""
    stride, left = state.stride0, tile_x * TILE_PX
    plane = stride * state.tiles_y * TILE_PX
    one = splat(f32(1))
    for row in range(4):
        top = tile_y * TILE_PX + 4 * row
        t0, r0, g0, b0 = block_over_background(state, sums, 4 * row, left, top)
        t1, r1, g1, b1 = block_over_background(state, sums, 4 * row + 1, left + 4, top)
        t2, r2, g2, b2 = block_over_background(state, sums, 4 * row + 2, left + 8, top)
        t3, r3, g3, b3 = block_over_background(state, sums, 4 * row + 3, left + 12, top)
        at = top * stride + left
        store_16x4(state.plane0_at, at, stride, r0, r1, r2, r3)
        store_16x4(state.plane0_at, plane + at, stride, g0, g1, g2, g3)
        store_16x4(state.plane0_at, 2 * plane + at, stride, b0, b1, b2, b3)
        store_16x4(state.plane0_at, 3 * plane + at, stride, one - t0, one - t1, one - t2, one - t3)


@inlined
def byte(value):
    """0..1 to 0..255."""
    return np.uint8(unit(value) * f32(255) + f32(0.5))


@kernel
def resolve_rgb8(state, sums, tile_x, tile_y):
    """Writes the tile to a byte image, rows of (red, green, blue)."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    for y in range(rows_of_tile(tile_y, state.height)):
        at = (top + y) * state.stride0 + 3 * left
        for x in range(rows_of_tile(tile_x, state.width)):
            red, green, blue = pixel(state, sums, left, top, x, y)
            store_u8(state.plane0_at, at + 3 * x, byte(red))
            store_u8(state.plane0_at, at + 3 * x + 1, byte(green))
            store_u8(state.plane0_at, at + 3 * x + 2, byte(blue))


@kernel
def resolve_rgba8(state, sums, tile_x, tile_y):
    """Writes the tile to a byte image, rows of (red, green, blue, alpha), colors not multiplied by alpha."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    for y in range(rows_of_tile(tile_y, state.height)):
        at = (top + y) * state.stride0 + 4 * left
        for x in range(rows_of_tile(tile_x, state.width)):
            through, red, green, blue = sums_of_pixel(sums, x, y)
            alpha = f32(1) - through
            scale = f32(1) / max(alpha, f32(1e-6))
            store_u8(state.plane0_at, at + 4 * x, byte(red * scale))
            store_u8(state.plane0_at, at + 4 * x + 1, byte(green * scale))
            store_u8(state.plane0_at, at + 4 * x + 2, byte(blue * scale))
            store_u8(state.plane0_at, at + 4 * x + 3, byte(alpha))


@kernel
def resolve_yuv(state, sums, tile_x, tile_y):
    """Writes a tile that lies inside the picture to three planes."""
    zero, one, quarter = splat(f32(0)), splat(f32(1)), splat(f32(0.25))
    for block in range(16):
        left, top = tile_x * TILE_PX + (block & 3) * 4, tile_y * TILE_PX + (block >> 2) * 4
        _, red, green, blue = block_over_background(state, sums, block, left, top)
        red, green, blue = vmin(vmax(red, zero), one), vmin(vmax(green, zero), one), vmin(vmax(blue, zero), one)
        y = fma(splat(Y_RED), red, fma(splat(Y_GREEN), green, fma(splat(Y_BLUE), blue, splat(Y_ZERO))))
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
def resolve_yuv_edge(state, sums, tile_x, tile_y):
    """Writes a tile that reaches over an edge; chroma there is the mean of the pixels that exist."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    columns, rows = rows_of_tile(tile_x, state.width), rows_of_tile(tile_y, state.height)
    for y in range(0, rows, 2):
        for x in range(0, columns, 2):
            red_sum, green_sum, blue_sum, weight = f32(0), f32(0), f32(0), f32(0)
            for dy in range(min(np.int64(2), rows - y)):
                for dx in range(min(np.int64(2), columns - x)):
                    red, green, blue = pixel(state, sums, left, top, x + dx, y + dy)
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
    """Writes a tile that shows only a background of one color."""
    left, top = tile_x * TILE_PX, tile_y * TILE_PX
    columns, rows = rows_of_tile(tile_x, state.width), rows_of_tile(tile_y, state.height)
    red, green, blue = state.red, state.green, state.blue
    if state.output == OUTPUT_PLANAR:
        stride = state.stride0
        plane = stride * state.tiles_y * TILE_PX
        for y in range(top, top + TILE_PX):
            at = y * stride + left
            vstore(state.plane0_at, at, splat(red))
            vstore(state.plane0_at, plane + at, splat(green))
            vstore(state.plane0_at, 2 * plane + at, splat(blue))
            vstore(state.plane0_at, 3 * plane + at, splat(f32(0)))
        return
    if state.output == OUTPUT_RGBA8:
        for y in range(top, top + rows):
            for x in range(4 * left, 4 * (left + columns)):
                store_u8(state.plane0_at, y * state.stride0 + x, np.uint8(0))
        return
    red, green, blue = unit(red), unit(green), unit(blue)
    if state.output == OUTPUT_RGB8:
        red8, green8, blue8 = byte(red), byte(green), byte(blue)
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
def resolve_tile(state, scratch, tile_x, tile_y):
    """Writes the accumulated tile in the state's output format."""
    sums = scratch + SCRATCH_ACCUMULATORS
    if state.output == OUTPUT_PLANAR:
        resolve_planar(state, sums, tile_x, tile_y)
    elif state.output == OUTPUT_RGB8:
        resolve_rgb8(state, sums, tile_x, tile_y)
    elif state.output == OUTPUT_RGBA8:
        resolve_rgba8(state, sums, tile_x, tile_y)
    elif rows_of_tile(tile_x, state.width) == TILE_PX and rows_of_tile(tile_y, state.height) == TILE_PX:
        resolve_yuv(state, sums, tile_x, tile_y)
    else:
        resolve_yuv_edge(state, sums, tile_x, tile_y)
