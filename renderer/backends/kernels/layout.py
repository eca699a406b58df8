"""Memory layout that the raster kernels share: constants and the record that carries addresses and sizes.

All `*_at` fields are addresses (bytes) of buffers that renderer.backends.workspace owns. Floats are float32 and
integers int32 unless stated otherwise. N Gaussians are padded to S, a multiple of 16.
"""

from __future__ import annotations

import numpy as np

TILE_PX = 16
"""A tile is 16 x 16 pixels: the unit of binning, of one list of Gaussians."""

BLOCK_PX = 4
"""A block is 4 x 4 pixels = one vector; a tile has 16 of them, numbered row by row. Small blocks waste fewer lanes on
small splats than rows of 16 pixels do."""

GUARD_TILES = 4
"""Columns and rows of tiles beyond the right and bottom edge that binning may write to without asking."""

MAX_CLOUD = 1 << 22
"""Memory is the limit: some 200 bytes for each."""

SMALL_CLOUD = 65_536
"""A list entry holds 16 bits: a Gaussian's number in clouds up to this size, in larger ones its place in the depth
order, counted from the start of its segment."""

PROJECT_CHUNK = 1024
"""Gaussians that are projected as one piece of work."""

TILES_CHUNK = 8
"""Tiles that are blended as one piece of work."""

CHUNK = 128
"""List entries of a tile that are spread over its blocks at a time."""

BLOCK_LIST_STRIDE = CHUNK + 16
"""Room for a block's share of a chunk, with space for a whole vector after the last entry."""

SCRATCH_ACCUMULATORS = 0
SCRATCH_LISTS = 4096
SCRATCH_ENDS = SCRATCH_LISTS + 4 * (16 * BLOCK_LIST_STRIDE + 16)
SCRATCH_ALIVE = SCRATCH_ENDS + 64
SCRATCH_MASKS = SCRATCH_ALIVE + 64
SCRATCH = SCRATCH_MASKS + 256
"""Bytes that each thread has for itself, and what is where in them: [4][ACCUMULATOR] floats of the tile being blended,
[16][BLOCK_LIST_STRIDE] + 16 integers, the ends of these lists [16], the pixels of each block that still take light as
bits [16], and [3][16] integers for binning."""

RECORD = 16
"""Floats per projected Gaussian, one cache line:

0, 1     center x, y, pixels
2        p_xx = log2(e) / (2 * (c_xx - c_xy^2 / c_yy)), where c is the covariance on the image plane, px^2
3        slope = c_xy / c_yy
4        p_yy = log2(e) / (2 * c_yy)
5        p_0 = -log2(255 * opacity)
6, 7, 8  color
9, 10    half width and half height of the ellipse alpha = 1/255, pixels
11       y offset of the ellipse's rightmost point, pixels
12, 13   e_0, e_2: at y offset d the ellipse spans x = slope * d -+ sqrt(e_0 - e_2 * d^2)
14       slack: how much wider the span is taken against rounding, pixels
15       unused

At an offset (x, y) from the center, p = p_xx * (x - slope * y)^2 + p_yy * y^2 + p_0 = -log2(255 * alpha); the sum of
squares keeps its accuracy for needles, which the textbook form a x^2 + 2 b x y + c y^2 does not.
"""

CENTER_X, CENTER_Y, P_XX, SLOPE, P_YY, P_0, RED, GREEN, BLUE = range(9)
HALF_WIDTH, HALF_HEIGHT, RIGHTMOST_Y, ELLIPSE_0, ELLIPSE_2, SLACK = range(9, 15)

CAMERA = 30
"""Floats of the camera: camera_from_world rows 0..2 (12), fx, fy, cx, cy, width, height, field margin x, y, the
variance in px^2 by which every Gaussian is widened, and the rotation of directions from the camera's axes to those of
the spherical harmonics (9)."""

CAM_FX, CAM_FY, CAM_CX, CAM_CY, CAM_WIDTH, CAM_HEIGHT, CAM_MARGIN_X, CAM_MARGIN_Y, CAM_LOW_PASS, CAM_SH = range(12, 22)

OUTPUT_PLANAR, OUTPUT_RGB8, OUTPUT_YUV, OUTPUT_RGBA8 = range(4)
"""PLANAR: four float planes (red, green, blue over the background; alpha = 1 - transmittance), padded to whole tiles.
RGB8: bytes. YUV: 4:2:0. RGBA8: bytes, straight alpha, without background."""

NULL_P_0 = 100.0
"""p_0 of the record that pads lists: invisible everywhere."""

ACCUMULATOR = TILE_PX * TILE_PX
"""Floats per channel of the tile being blended, block by block; channels: transmittance, red, green, blue."""

RADIX_BITS = 11
RADIX_PASSES = 3

RASTER_STATE = np.dtype(
    [
        # input, structure of arrays
        ("count", np.int64),  # N
        ("padded", np.int64),  # S
        ("means_at", np.int64),  # [3][S] world, metres
        ("axes_at", np.int64),  # [9][S] rotation times diag(scales), row by row
        ("log2_opacities_at", np.int64),  # [S]
        ("colors_at", np.int64),  # [3][S]
        ("camera_at", np.int64),  # [CAMERA]
        ("sh_count", np.int64),  # K: 0, 3, 8 or 15 coefficients beyond degree 0
        ("sh_at", np.int64),  # [S / 16][K][3][16]
        # projected
        ("records_at", np.int64),  # [S + 1][RECORD]; record S is the null record
        ("depths_at", np.int64),  # [S]
        ("visible_at", np.int64),  # [chunks] int64: Gaussians of each chunk that can touch the picture
        ("visible", np.int64),  # all of them
        ("pairs_at", np.int64),  # [S] int64: depth bits << 32 | number; each chunk begins at its own first Gaussian
        ("spare_pairs_at", np.int64),  # [S] int64
        ("histograms_at", np.int64),  # [RADIX_PASSES][2 ** RADIX_BITS]
        ("order_at", np.int64),  # [S + 16] numbers, nearest first
        # tiles
        ("width", np.int64),
        ("height", np.int64),
        ("tiles_x", np.int64),
        ("tiles_y", np.int64),
        ("grid_x", np.int64),  # tiles_x + GUARD_TILES
        ("grid", np.int64),  # tiles with guards
        ("segments", np.int64),  # parts of the depth order, with lists of their own
        ("counts_at", np.int64),  # [segments][grid] entries that each tile wants
        ("entries_at", np.int64),  # [segments][grid][capacity] block mask << 16 | 16 bits, nearest first
        ("capacity", np.int64),
        ("longest_at", np.int64),  # [segments] int64: longest list; beyond `capacity` the frame is incomplete
        # threads
        ("threads", np.int64),
        ("sync_at", np.int64),  # renderer.backends.kernels.parallel
        ("scratch_at", np.int64),  # [threads][SCRATCH] bytes
        # output
        ("output", np.int64),  # OUTPUT_*
        ("red", np.float32),  # background
        ("green", np.float32),
        ("blue", np.float32),
        ("background_at", np.int64),  # [3][tiles_y * 16][tiles_x * 16] floats 0..1, or 0: one color
        ("plane0_at", np.int64),  # float planes, RGB image or Y
        ("plane1_at", np.int64),  # U
        ("plane2_at", np.int64),  # V
        ("stride0", np.int64),  # elements per row of each plane
        ("stride1", np.int64),
        ("stride2", np.int64),
    ],
    align=True,
)
