"""A tile rasterizer in Numba as one usually writes it: scalar loops, one pixel at a time, no explicit vectors.

This is what `visavis bench render` compares the SIMD kernels with. Its rules are those of renderer.backends.base.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numba
import numpy as np
from numba import prange
from numpy.typing import NDArray

from renderer.backends.reference import ALPHA_MAX, ALPHA_MIN, FIELD_MARGIN, LOW_PASS_PX2, NEAR_M, TRANSMITTANCE_MIN
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud

TILE_PX = 16

F = np.float32
_ALPHA_MAX, _ALPHA_MIN, _LOW_PASS = F(ALPHA_MAX), F(ALPHA_MIN), F(LOW_PASS_PX2)
_NEAR, _TRANSMITTANCE_MIN = F(NEAR_M), F(TRANSMITTANCE_MIN)
_ONE, _TWO, _HALF = F(1), F(2), F(0.5)

# Columns of a projected Gaussian: center, half box, shear, factors of q (tests/bench/torch_rasterizer.py), opacity,
# the largest q that is not invisible, color.
_X, _Y, _REACH_X, _REACH_Y, _SHEAR, _SCALE_X, _SCALE_Y, _OPACITY, _Q_MAX, _RED = range(10)
_COLUMNS = _RED + 3


class ScalarRasterizer:
    """Draws clouds with finite values and without `sh_rest`.

    Args:
        parallel: Numba spreads tiles over `numba.get_num_threads()` threads; otherwise everything runs on one.
    """

    name = "scalar"

    def __init__(self, parallel: bool = False) -> None:
        self._project, self._bin, self._blend = _compiled(parallel)

    def rasterize(
        self, cloud: GaussianCloud, camera: Camera, background: tuple[float, float, float]
    ) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`."""
        count = len(cloud.means)
        splats, depths = np.empty((count, _COLUMNS), F), np.empty(count, F)
        K = camera.K.astype(F)
        lens = np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2], camera.width, camera.height, FIELD_MARGIN], F)
        self._project(
            *(cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.colors),
            *(camera.camera_from_world.astype(F), lens, splats, depths),
        )
        order = np.argsort(depths, kind="stable")
        columns, rows = -(-camera.width // TILE_PX), -(-camera.height // TILE_PX)
        starts, entries = self._bin(splats, order, columns, rows)
        image = np.empty((camera.height, camera.width, 3), F)
        self._blend(splats, starts, entries, columns, np.array(background, F), image)
        return image


@functools.cache
def _compiled(parallel: bool) -> tuple[Any, Any, Any]:
    parts = numba.njit(parallel=parallel, fastmath=True, error_model="numpy")
    serial = numba.njit(fastmath=True, error_model="numpy")
    return parts(_project), serial(_bin), parts(_blend)


def _project(means, quats, scales, opacities, colors, view, lens, splats, depths):
    """EWA projection; what cannot be seen gets a negative reach."""
    fx, fy, cx, cy, width, height, margin = lens
    limit_x, limit_y = margin * _HALF * width / abs(fx), margin * _HALF * height / abs(fy)
    for i in prange(len(means)):
        px, py, pz = means[i, 0], means[i, 1], means[i, 2]
        depth = view[2, 0] * px + view[2, 1] * py + view[2, 2] * pz + view[2, 3]
        depths[i] = depth
        splats[i, _REACH_X] = -_ONE
        opacity = opacities[i]
        if depth < _NEAR or opacity < _ALPHA_MIN:
            continue
        slope_x = (view[0, 0] * px + view[0, 1] * py + view[0, 2] * pz + view[0, 3]) / depth
        slope_y = (view[1, 0] * px + view[1, 1] * py + view[1, 2] * pz + view[1, 3]) / depth
        inside_x = min(max(slope_x, -limit_x), limit_x)
        inside_y = min(max(slope_y, -limit_y), limit_y)

        w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        inverse = _ONE / math.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w * inverse, x * inverse, y * inverse, z * inverse
        sx, sy, sz = scales[i, 0], scales[i, 1], scales[i, 2]
        r00, r01, r02 = sx * (_ONE - _TWO * (y * y + z * z)), sy * _TWO * (x * y - w * z), sz * _TWO * (x * z + w * y)
        r10, r11, r12 = sx * _TWO * (x * y + w * z), sy * (_ONE - _TWO * (x * x + z * z)), sz * _TWO * (y * z - w * x)
        r20, r21, r22 = sx * _TWO * (x * z - w * y), sy * _TWO * (y * z + w * x), sz * (_ONE - _TWO * (x * x + y * y))

        # rows of the Jacobian times the view, then the footprint (u0, u1, u2), (v0, v1, v2)
        jx, jy = fx / depth, fy / depth
        a0, a1 = jx * (view[0, 0] - inside_x * view[2, 0]), jx * (view[0, 1] - inside_x * view[2, 1])
        b0, b1 = jy * (view[1, 0] - inside_y * view[2, 0]), jy * (view[1, 1] - inside_y * view[2, 1])
        a2, b2 = jx * (view[0, 2] - inside_x * view[2, 2]), jy * (view[1, 2] - inside_y * view[2, 2])
        u0, u1, u2 = a0 * r00 + a1 * r10 + a2 * r20, a0 * r01 + a1 * r11 + a2 * r21, a0 * r02 + a1 * r12 + a2 * r22
        v0, v1, v2 = b0 * r00 + b1 * r10 + b2 * r20, b0 * r01 + b1 * r11 + b2 * r21, b0 * r02 + b1 * r12 + b2 * r22
        a = u0 * u0 + u1 * u1 + u2 * u2 + _LOW_PASS
        b = u0 * v0 + u1 * v1 + u2 * v2
        c = v0 * v0 + v1 * v1 + v2 * v2 + _LOW_PASS
        d0, d1, d2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
        determinant = d0 * d0 + d1 * d1 + d2 * d2 + _LOW_PASS * (a + c - _LOW_PASS)

        q_max = _TWO * math.log(opacity / _ALPHA_MIN)
        splats[i, _X], splats[i, _Y] = fx * slope_x + cx, fy * slope_y + cy
        splats[i, _REACH_X], splats[i, _REACH_Y] = math.sqrt(q_max * a), math.sqrt(q_max * c)
        splats[i, _SHEAR], splats[i, _SCALE_X], splats[i, _SCALE_Y] = b / c, c / determinant, _ONE / c
        splats[i, _OPACITY], splats[i, _Q_MAX] = opacity, q_max
        for k in range(3):
            splats[i, _RED + k] = max(colors[i, k], F(0))


def _tiles_touched(splat, columns, rows):
    """First and last column and row of the tiles that a splat may touch; the last is before the first if none."""
    if splat[_REACH_X] < 0:
        return 0, -1, 0, -1
    left, right = splat[_X] - splat[_REACH_X] - _ONE, splat[_X] + splat[_REACH_X] + _ONE
    top, bottom = splat[_Y] - splat[_REACH_Y] - _ONE, splat[_Y] + splat[_REACH_Y] + _ONE
    if right < 0 or bottom < 0 or left >= columns * TILE_PX or top >= rows * TILE_PX:
        return 0, -1, 0, -1
    first_column, first_row = int(max(left, F(0))) // TILE_PX, int(max(top, F(0))) // TILE_PX
    last_column = int(min(right, F(columns * TILE_PX - 1))) // TILE_PX
    last_row = int(min(bottom, F(rows * TILE_PX - 1))) // TILE_PX
    return first_column, last_column, first_row, last_row


_tiles_touched = numba.njit(fastmath=True, error_model="numpy")(_tiles_touched)


def _bin(splats, order, columns, rows):
    """(starts [tiles + 1], entries): what may touch each tile, nearest first."""
    starts = np.zeros(columns * rows + 1, np.int64)
    for i in range(len(splats)):
        first_column, last_column, first_row, last_row = _tiles_touched(splats[i], columns, rows)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                starts[row * columns + column + 1] += 1
    starts = np.cumsum(starts)
    ends, entries = starts[:-1].copy(), np.empty(starts[-1], np.int32)
    for i in order:
        first_column, last_column, first_row, last_row = _tiles_touched(splats[i], columns, rows)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                tile = row * columns + column
                entries[ends[tile]] = i
                ends[tile] += 1
    return starts, entries


def _blend(splats, starts, entries, columns, background, image):
    """Tile by tile, pixel by pixel, nearest first."""
    height, width = image.shape[0], image.shape[1]
    for tile in prange(len(starts) - 1):
        top, left = tile // columns * TILE_PX, tile % columns * TILE_PX
        for row in range(top, min(top + TILE_PX, height)):
            for column in range(left, min(left + TILE_PX, width)):
                red, green, blue, transmittance = F(0), F(0), F(0), _ONE
                for k in range(starts[tile], starts[tile + 1]):
                    i = entries[k]
                    dx = F(column) + _HALF - splats[i, _X]
                    dy = F(row) + _HALF - splats[i, _Y]
                    u = dx - splats[i, _SHEAR] * dy
                    q = splats[i, _SCALE_X] * u * u + splats[i, _SCALE_Y] * dy * dy
                    if q > splats[i, _Q_MAX]:  # alpha below 1/255
                        continue
                    alpha = min(_ALPHA_MAX, splats[i, _OPACITY] * math.exp(-_HALF * q))
                    after = transmittance * (_ONE - alpha)
                    if after < _TRANSMITTANCE_MIN:
                        break
                    weight = alpha * transmittance
                    red += weight * splats[i, _RED]
                    green += weight * splats[i, _RED + 1]
                    blue += weight * splats[i, _RED + 2]
                    transmittance = after
                image[row, column, 0] = red + transmittance * background[0]
                image[row, column, 1] = green + transmittance * background[1]
                image[row, column, 2] = blue + transmittance * background[2]
