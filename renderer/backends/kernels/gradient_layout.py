"""Memory layout of the backward pass, beside renderer.backends.kernels.layout, whose conventions hold here too.

Work is divided into shares: a share is a range of tiles that follow each other, and a range of Gaussians. Each share
adds up sums of its own, so that nothing depends on which thread works on it, or when.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.layout import RECORD

LINE = RECORD
"""Floats per Gaussian and share, one cache line, sums over pixels. With v = alpha * dL/dalpha, the weight w = alpha *
transmittance, g = dL/dpixel, y the offset from the center and u = x - slope * y (layout.RECORD):

0, 1, 2     v, v u, v u u
4, 5        v y, v u y
8           v y y
3, 12, 13   w g, red, green, blue

The other elements hold sums that nobody needs.
"""

V, VU, VUU, VY, VUY, VYY = 0, 1, 2, 4, 5, 8
WG_RED, WG_GREEN, WG_BLUE = 3, 12, 13

CAMERA_SUMS = 21
"""Vectors whose lanes add up to: dL/dcamera_from_world, rows 0..2 (12), without what the axes of the harmonics bring;
and the outer product of dL/d(direction in these axes) with the unit direction in the camera frame (9)."""

CAMERA_SUMS_SH = 12

GRADIENT_STATE = np.dtype(
    [
        ("shares", np.int64),
        ("first_tiles_at", np.int64),  # [shares + 1] int64: first of tiles_x * tiles_y, row by row
        ("sync_at", np.int64),  # renderer.backends.kernels.parallel
        ("planes_at", np.int64),  # the picture that was drawn, as layout.OUTPUT_PLANAR
        ("gradient_planes_at", np.int64),  # dL/d each of these planes; 0 outside of the picture
        # sums
        ("lines_at", np.int64),  # [shares][S + 1][LINE]; line S is that of the null record
        ("background_sums_at", np.int64),  # [shares][3][16], to be added up over lanes and shares
        ("camera_sums_at", np.int64),  # [shares][CAMERA_SUMS][16]
        # result, structure of arrays as the input in layout.RASTER_STATE
        ("mean_gradients_at", np.int64),  # [3][S]
        ("axis_gradients_at", np.int64),  # [9][S]
        ("log2_opacity_gradients_at", np.int64),  # [S]
        ("color_gradients_at", np.int64),  # [3][S]
        ("sh_gradients_at", np.int64),  # [S / 16][K][3][16]
    ],
    align=True,
)
