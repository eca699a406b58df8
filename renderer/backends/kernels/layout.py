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

MAX_CLOUD = 65_536
"""A list entry holds a Gaussian's number in 16 bits."""

CHUNK = 128
"""List entries of a tile that are spread over its blocks at a time."""

BLOCK_LIST_STRIDE = CHUNK + 16
"""Room for a block's share of a chunk, with space for a whole vector after the last entry."""

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

CAMERA = 20
"""Floats of the camera: camera_from_world rows 0..2 (12), fx, fy, cx, cy, width, height, field margin x, y."""

CAM_FX, CAM_FY, CAM_CX, CAM_CY, CAM_WIDTH, CAM_HEIGHT, CAM_MARGIN_X, CAM_MARGIN_Y = range(12, 20)

OUTPUT_FLOAT, OUTPUT_RGB8, OUTPUT_YUV = range(3)

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
        # projected
        ("records_at", np.int64),  # [S + 1][RECORD]; record S is the null record
        ("depths_at", np.int64),  # [S]
        ("visible", np.int64),  # Gaussians that can touch the picture
        ("pairs_at", np.int64),  # [S] int64: depth bits << 32 | number
        ("spare_pairs_at", np.int64),  # [S] int64
        ("histograms_at", np.int64),  # [RADIX_PASSES][2 ** RADIX_BITS]
        ("order_at", np.int64),  # [S + 16] numbers, nearest first
        # tiles
        ("width", np.int64),
        ("height", np.int64),
        ("tiles_x", np.int64),
        ("tiles_y", np.int64),
        ("grid_x", np.int64),  # tiles_x + GUARD_TILES
        ("counts_at", np.int64),  # [grid] entries that each tile wants
        ("entries_at", np.int64),  # [grid][capacity] block mask << 16 | number, nearest first
        ("capacity", np.int64),
        ("longest", np.int64),  # longest list; beyond `capacity` the frame is incomplete
        ("column_masks_at", np.int64),  # [3][16] scratch
        # blending scratch
        ("accumulators_at", np.int64),  # [4][ACCUMULATOR]
        ("block_lists_at", np.int64),  # [16][BLOCK_LIST_STRIDE] + 16
        ("block_ends_at", np.int64),  # [16]
        ("alive_at", np.int64),  # [16] bits of pixels that still take light
        # output
        ("output", np.int64),  # OUTPUT_*
        ("red", np.float32),  # background
        ("green", np.float32),
        ("blue", np.float32),
        ("plane0_at", np.int64),  # float image, RGB image or Y
        ("plane1_at", np.int64),  # U
        ("plane2_at", np.int64),  # V
        ("stride0", np.int64),  # elements per row of each plane
        ("stride1", np.int64),
        ("stride2", np.int64),
    ],
    align=True,
)
