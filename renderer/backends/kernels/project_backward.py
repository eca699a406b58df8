"""Backward of stage 1: from the sums over pixels to the Gaussians and the camera, 16 Gaussians at a time.

ln alpha = ln opacity - u^2 / (2 k) - y^2 / (2 c_yy), where u = x - s y, s = c_xy / c_yy and k = c_xx - c_xy^2 / c_yy.
With the rows f_x, f_y of the footprint, and r = f_x - s f_y,

    dk/df_x = 2 r               dk/df_y = -2 s r
    ds/df_x = f_y / c_yy        ds/df_y = (r - s f_y) / c_yy        dc_yy/df_y = 2 f_y

which has none of the cancellation that a way over the inverse covariance has for needles; r itself is taken as
(f_y x (f_x x f_y) + 0.3 f_x) / c_yy for the same reason.

Gaussians that got no gradient from any pixel may hold anything, so their values are replaced before they are used.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.camera_backward import add_to, camera_column, camera_row
from renderer.backends.kernels.gradient_layout import (
    CAMERA_SUMS,
    LINE,
    VU,
    VUU,
    VUY,
    VY,
    VYY,
    WG_BLUE,
    WG_GREEN,
    WG_RED,
    V,
)
from renderer.backends.kernels.layout import (
    CAM_FX,
    CAM_FY,
    CAM_LOW_PASS,
    CAM_MARGIN_X,
    CAM_MARGIN_Y,
    P_XX,
    P_YY,
    RECORD,
    SLOPE,
)
from renderer.backends.kernels.project import TWO_LN_2, image_row, transform
from renderer.backends.kernels.sh_backward import colors_backward
from renderer.jit import inlined, kernel
from renderer.simd.blocks import load_transposed
from renderer.simd.math import fma, fnma, keep, less, mask_bits, select, splat, vmax
from renderer.simd.memory import vbroadcast, vload, vstore
from renderer.simd.vector3 import cross, dot3

f32 = np.float32

LN_2 = f32(0.6931471805599453)


@inlined
def larger_than(size, value):
    """The larger of `size` and |value|."""
    return vmax(size, vmax(value, splat(f32(0)) - value))


@inlined
def add_up_lines(state, gradient, i):
    """Adds the lines of all shares for Gaussians i..i + 15 into those of the first."""
    share_floats = (state.padded + 1) * LINE
    for row in range(i * LINE, (i + 16) * LINE, LINE):
        line = vload(gradient.lines_at, row)
        for share in range(1, gradient.shares):
            line = line + vload(gradient.lines_at, row + share * share_floats)
        vstore(gradient.lines_at, row, line)


@kernel
def store_zeros(state, gradient, i):
    """No gradient for Gaussians i..i + 15."""
    stride, zero = state.padded, splat(f32(0))
    for row in range(3):
        vstore(gradient.mean_gradients_at, row * stride + i, zero)
        vstore(gradient.color_gradients_at, row * stride + i, zero)
    for row in range(9):
        vstore(gradient.axis_gradients_at, row * stride + i, zero)
    vstore(gradient.log2_opacity_gradients_at, i, zero)
    for row in range(3 * state.sh_count):
        vstore(gradient.sh_gradients_at, 3 * i * state.sh_count + 16 * row, zero)


@kernel
def project_backward(state, gradient, i, camera_sums):
    """Gradients of Gaussians i..i + 15 from their lines; adds to the camera sums at `camera_sums`."""
    zero, one = splat(f32(0)), splat(f32(1))
    camera, stride = state.camera_at, state.padded
    if gradient.shares > 1:
        add_up_lines(state, gradient, i)
    line = load_transposed(gradient.lines_at, i * LINE)
    v, vu, vy, vuu, vuy, vyy = line[V], line[VU], line[VY], line[VUU], line[VUY], line[VYY]
    red, green, blue = line[WG_RED], line[WG_GREEN], line[WG_BLUE]
    size = larger_than(larger_than(larger_than(zero, v), vu), vy)
    size = larger_than(larger_than(larger_than(size, vuu), vuy), vyy)
    size = larger_than(larger_than(larger_than(size, red), green), blue)
    seen = less(zero, size)
    if mask_bits(seen) == 0:
        store_zeros(state, gradient, i)
        return

    # as in project, of which `record` is the result
    means, axes = state.means_at, state.axes_at
    x, y, z = (
        keep(seen, vload(means, i)),
        keep(seen, vload(means, stride + i)),
        keep(seen, vload(means, 2 * stride + i)),
    )
    x_cam, y_cam, depth = transform(camera, 0, x, y, z), transform(camera, 1, x, y, z), transform(camera, 2, x, y, z)
    depth = select(seen, depth, one)
    inverse_depth = one / depth
    slope_x, slope_y = x_cam * inverse_depth, y_cam * inverse_depth
    margin_x, margin_y = vbroadcast(camera, CAM_MARGIN_X), vbroadcast(camera, CAM_MARGIN_Y)
    left, right = less(slope_x, zero - margin_x), less(margin_x, slope_x)
    above, below = less(slope_y, zero - margin_y), less(margin_y, slope_y)
    slope_x = select(left, zero - margin_x, select(right, margin_x, slope_x))
    slope_y = select(above, zero - margin_y, select(below, margin_y, slope_y))
    focal_x, focal_y = vbroadcast(camera, CAM_FX), vbroadcast(camera, CAM_FY)
    scale_x, scale_y = focal_x * inverse_depth, focal_y * inverse_depth
    x0, x1, x2 = (
        image_row(camera, 0, scale_x, slope_x, 0),
        image_row(camera, 0, scale_x, slope_x, 1),
        image_row(camera, 0, scale_x, slope_x, 2),
    )
    y0, y1, y2 = (
        image_row(camera, 1, scale_y, slope_y, 0),
        image_row(camera, 1, scale_y, slope_y, 1),
        image_row(camera, 1, scale_y, slope_y, 2),
    )
    a00, a01, a02 = (
        keep(seen, vload(axes, i)),
        keep(seen, vload(axes, stride + i)),
        keep(seen, vload(axes, 2 * stride + i)),
    )
    a10, a11, a12 = (
        keep(seen, vload(axes, 3 * stride + i)),
        keep(seen, vload(axes, 4 * stride + i)),
        keep(seen, vload(axes, 5 * stride + i)),
    )
    a20, a21, a22 = (
        keep(seen, vload(axes, 6 * stride + i)),
        keep(seen, vload(axes, 7 * stride + i)),
        keep(seen, vload(axes, 8 * stride + i)),
    )
    fx0, fx1, fx2 = (
        dot3(x0, x1, x2, a00, a10, a20),
        dot3(x0, x1, x2, a01, a11, a21),
        dot3(x0, x1, x2, a02, a12, a22),
    )
    fy0, fy1, fy2 = (
        dot3(y0, y1, y2, a00, a10, a20),
        dot3(y0, y1, y2, a01, a11, a21),
        dot3(y0, y1, y2, a02, a12, a22),
    )
    record = load_transposed(state.records_at, i * RECORD)
    shear = keep(seen, record[SLOPE])
    inverse_k = splat(TWO_LN_2) * keep(seen, record[P_XX])
    inverse_yy = splat(TWO_LN_2) * keep(seen, record[P_YY])

    # footprint
    center_x = vu * inverse_k
    center_y = fnma(shear, center_x, vy * inverse_yy)
    by_k = vuu * inverse_k * inverse_k  # 2 dL/dk
    by_yy = vyy * inverse_yy * inverse_yy  # 2 dL/dc_yy
    by_shear = vuy * inverse_k * inverse_yy  # dL/ds / c_yy
    nx, ny, nz = cross(fx0, fx1, fx2, fy0, fy1, fy2)
    r0, r1, r2 = cross(fy0, fy1, fy2, nx, ny, nz)
    low_pass = vbroadcast(state.camera_at, CAM_LOW_PASS)
    r0, r1, r2 = (
        fma(low_pass, fx0, r0) * inverse_yy,
        fma(low_pass, fx1, r1) * inverse_yy,
        fma(low_pass, fx2, r2) * inverse_yy,
    )
    along_r, along_y = fnma(shear, by_k, by_shear), fnma(shear, by_shear, by_yy)
    gx0, gx1, gx2 = fma(by_k, r0, by_shear * fy0), fma(by_k, r1, by_shear * fy1), fma(by_k, r2, by_shear * fy2)
    gy0, gy1, gy2 = fma(along_r, r0, along_y * fy0), fma(along_r, r1, along_y * fy1), fma(along_r, r2, along_y * fy2)
    out = gradient.axis_gradients_at
    vstore(out, i, fma(x0, gx0, y0 * gy0))
    vstore(out, stride + i, fma(x0, gx1, y0 * gy1))
    vstore(out, 2 * stride + i, fma(x0, gx2, y0 * gy2))
    vstore(out, 3 * stride + i, fma(x1, gx0, y1 * gy0))
    vstore(out, 4 * stride + i, fma(x1, gx1, y1 * gy1))
    vstore(out, 5 * stride + i, fma(x1, gx2, y1 * gy2))
    vstore(out, 6 * stride + i, fma(x2, gx0, y2 * gy0))
    vstore(out, 7 * stride + i, fma(x2, gx1, y2 * gy1))
    vstore(out, 8 * stride + i, fma(x2, gx2, y2 * gy2))

    # J W, row by row
    x0, x1, x2 = (
        dot3(a00, a01, a02, gx0, gx1, gx2),
        dot3(a10, a11, a12, gx0, gx1, gx2),
        dot3(a20, a21, a22, gx0, gx1, gx2),
    )
    y0, y1, y2 = (
        dot3(a00, a01, a02, gy0, gy1, gy2),
        dot3(a10, a11, a12, gy0, gy1, gy2),
        dot3(a20, a21, a22, gy0, gy1, gy2),
    )
    add_to(camera_sums, 0, scale_x * x0)
    add_to(camera_sums, 1, scale_x * x1)
    add_to(camera_sums, 2, scale_x * x2)
    add_to(camera_sums, 4, scale_y * y0)
    add_to(camera_sums, 5, scale_y * y1)
    add_to(camera_sums, 6, scale_y * y2)
    third_x, third_y = zero - scale_x * slope_x, zero - scale_y * slope_y
    add_to(camera_sums, 8, fma(third_x, x0, third_y * y0))
    add_to(camera_sums, 9, fma(third_x, x1, third_y * y1))
    add_to(camera_sums, 10, fma(third_x, x2, third_y * y2))

    # centers
    third_x, third_y = camera_row(camera, 2, x0, x1, x2), camera_row(camera, 2, y0, y1, y2)
    by_scale_x = fnma(slope_x, third_x, camera_row(camera, 0, x0, x1, x2))
    by_scale_y = fnma(slope_y, third_y, camera_row(camera, 1, y0, y1, y2))
    # beyond the margin the Jacobian does not feel the slope
    by_slope_x = fnma(scale_x, select(left | right, zero, third_x), focal_x * center_x)
    by_slope_y = fnma(scale_y, select(above | below, zero, third_y), focal_y * center_y)
    by_inverse = fma(focal_x, by_scale_x, fma(focal_y, by_scale_y, fma(by_slope_x, x_cam, by_slope_y * y_cam)))
    g_x, g_y = by_slope_x * inverse_depth, by_slope_y * inverse_depth
    g_z = zero - by_inverse * inverse_depth * inverse_depth

    vstore(gradient.log2_opacity_gradients_at, i, splat(LN_2) * v)
    turn_x, turn_y, turn_z = colors_backward(
        state, gradient, i, record, seen, x_cam, y_cam, depth, red, green, blue, camera_sums
    )
    g_x, g_y, g_z = g_x + turn_x, g_y + turn_y, g_z + turn_z

    # camera_from_world @ mean
    out = gradient.mean_gradients_at
    vstore(out, i, camera_column(camera, 0, g_x, g_y, g_z))
    vstore(out, stride + i, camera_column(camera, 1, g_x, g_y, g_z))
    vstore(out, 2 * stride + i, camera_column(camera, 2, g_x, g_y, g_z))
    add_to(camera_sums, 0, g_x * x)
    add_to(camera_sums, 1, g_x * y)
    add_to(camera_sums, 2, g_x * z)
    add_to(camera_sums, 3, keep(seen, g_x))
    add_to(camera_sums, 4, g_y * x)
    add_to(camera_sums, 5, g_y * y)
    add_to(camera_sums, 6, g_y * z)
    add_to(camera_sums, 7, g_y)
    add_to(camera_sums, 8, g_z * x)
    add_to(camera_sums, 9, g_z * y)
    add_to(camera_sums, 10, g_z * z)
    add_to(camera_sums, 11, g_z)


@kernel
def project_share(state, gradient, share):
    """Fills the results of the Gaussians of one share and its camera sums."""
    groups = state.padded // 16
    camera_sums = gradient.camera_sums_at + 64 * CAMERA_SUMS * share
    zero = splat(f32(0))
    for row in range(CAMERA_SUMS):
        vstore(camera_sums, 16 * row, zero)
    for group in range(groups * share // gradient.shares, groups * (share + 1) // gradient.shares):
        project_backward(state, gradient, 16 * group, camera_sums)
