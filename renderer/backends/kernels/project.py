"""Stage 1: every Gaussian to an ellipse on the image plane, 16 at a time.

EWA splatting (Zwicker et al. 2001) as in 3DGS (Kerbl et al. 2023): with the rows of the Jacobian J at the center and
the camera's rotation W, the footprint is F = J W A, where A = R diag(scales) are the Gaussian's axes; its covariance
on the image plane is F F^T plus a low-pass of 0.3 px^2. The determinant is taken as |f_x x f_y|^2 + 0.3 trace + 0.09
instead of the difference of two large products.

Colors are those that the camera sees (renderer.backends.kernels.harmonics), not below 0.

Gaussians that cannot touch the picture, or hold a value that is not finite, leave no entry in the list of visible
ones; comparisons are written so that a NaN fails them.
"""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.harmonics import add_harmonics, sh_directions
from renderer.backends.kernels.layout import (
    CAM_CX,
    CAM_CY,
    CAM_FX,
    CAM_FY,
    CAM_HEIGHT,
    CAM_LOW_PASS,
    CAM_MARGIN_X,
    CAM_MARGIN_Y,
    CAM_WIDTH,
    PROJECT_CHUNK,
    RECORD,
)
from renderer.jit import inlined, kernel
from renderer.simd.blocks import store_transposed
from renderer.simd.math import (
    float_bits,
    fma,
    fnma,
    greater_equal,
    less,
    lowest_bit,
    mask_bits,
    splat,
    vmax,
    vmin,
    vsqrt,
)
from renderer.simd.memory import load_f32, store_i64, vbroadcast, vload, vstore
from renderer.simd.vector3 import cross, dot3

f32 = np.float32

NEAR = f32(0.01)
LOG2_E = f32(1.4426950408889634)
LOG2_255 = f32(7.994353436858858)
TWO_LN_2 = f32(1.3862943611198906)
ROUNDING_MARGIN = f32(2e-4)  # of the squared radius, so that no pixel at alpha = 1/255 is missed
COVARIANCE_MAX = f32(1e16)  # px^2; squares of it still fit a float


@inlined
def transform(camera, row, x, y, z):
    """One coordinate of camera_from_world @ (x, y, z, 1)."""
    at = 4 * row
    return fma(
        vbroadcast(camera, at),
        x,
        fma(vbroadcast(camera, at + 1), y, fma(vbroadcast(camera, at + 2), z, vbroadcast(camera, at + 3))),
    )


@inlined
def image_row(camera, row, scale, slope, column):
    """One element of J W: `scale` times (W[row] - slope * W[2]) at `column`."""
    return fnma(scale * slope, vbroadcast(camera, 8 + column), scale * vbroadcast(camera, 4 * row + column))


@kernel
def project(state, chunk):
    """Fills records, depths and pairs of one chunk of Gaussians and its element of `visible`."""
    camera, stride = state.camera_at, state.padded
    means, axes, colors = state.means_at, state.axes_at, state.colors_at
    zero, one = splat(f32(0)), splat(f32(1))
    low_pass, largest = vbroadcast(camera, CAM_LOW_PASS), splat(COVARIANCE_MAX)
    start = chunk * PROJECT_CHUNK
    visible = start
    for i in range(start, min(start + PROJECT_CHUNK, state.padded), 16):
        # centers
        x, y, z = vload(means, i), vload(means, stride + i), vload(means, 2 * stride + i)
        x_cam, y_cam, depth = (
            transform(camera, 0, x, y, z),
            transform(camera, 1, x, y, z),
            transform(camera, 2, x, y, z),
        )
        inverse_depth = one / depth
        slope_x, slope_y = x_cam * inverse_depth, y_cam * inverse_depth
        center_x = fma(vbroadcast(camera, CAM_FX), slope_x, vbroadcast(camera, CAM_CX))
        center_y = fma(vbroadcast(camera, CAM_FY), slope_y, vbroadcast(camera, CAM_CY))

        # footprint
        margin_x, margin_y = vbroadcast(camera, CAM_MARGIN_X), vbroadcast(camera, CAM_MARGIN_Y)
        slope_x = vmin(vmax(slope_x, zero - margin_x), margin_x)
        slope_y = vmin(vmax(slope_y, zero - margin_y), margin_y)
        scale_x, scale_y = vbroadcast(camera, CAM_FX) * inverse_depth, vbroadcast(camera, CAM_FY) * inverse_depth
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
        a00, a01, a02 = vload(axes, i), vload(axes, stride + i), vload(axes, 2 * stride + i)
        a10, a11, a12 = vload(axes, 3 * stride + i), vload(axes, 4 * stride + i), vload(axes, 5 * stride + i)
        a20, a21, a22 = vload(axes, 6 * stride + i), vload(axes, 7 * stride + i), vload(axes, 8 * stride + i)
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

        # covariance on the image plane, and its determinant
        sharp_xx, sharp_yy = dot3(fx0, fx1, fx2, fx0, fx1, fx2), dot3(fy0, fy1, fy2, fy0, fy1, fy2)
        c_xy = dot3(fx0, fx1, fx2, fy0, fy1, fy2)
        c_xx, c_yy = sharp_xx + low_pass, sharp_yy + low_pass
        nx, ny, nz = cross(fx0, fx1, fx2, fy0, fy1, fy2)
        trace = sharp_xx + sharp_yy
        determinant = fma(low_pass, trace, low_pass * low_pass) + dot3(nx, ny, nz, nx, ny, nz)

        # alpha >= 1/255 where d^T c^-1 d <= reach = 2 ln(255 opacity)
        log2_opacity = vload(state.log2_opacities_at, i)
        reach = fma(log2_opacity, splat(TWO_LN_2), splat(TWO_LN_2 * LOG2_255 + ROUNDING_MARGIN))
        usable = greater_equal(depth, splat(NEAR)) & greater_equal(reach, splat(ROUNDING_MARGIN))
        reach = vmax(reach, zero)
        half_width, half_height = vsqrt(reach * c_xx), vsqrt(reach * c_yy)
        slack = fma(half_width + vmax(center_x, zero - center_x), splat(f32(1e-6)), splat(f32(1e-3)))
        usable = usable & greater_equal(center_x + half_width, zero) & greater_equal(center_y + half_height, zero)
        usable = usable & less(center_x - half_width, vbroadcast(camera, CAM_WIDTH))
        usable = usable & less(center_y - half_height, vbroadcast(camera, CAM_HEIGHT))
        usable = usable & less(c_xx, largest) & less(c_yy, largest) & less(reach, largest)
        red, green, blue = vload(colors, i), vload(colors, stride + i), vload(colors, 2 * stride + i)
        if state.sh_count > 0:
            dir_x, dir_y, dir_z = sh_directions(camera, x_cam, y_cam, depth)
            coefficients = state.sh_at + 12 * i * state.sh_count
            red, green, blue = add_harmonics(coefficients, state.sh_count, dir_x, dir_y, dir_z, red, green, blue)
        usable = usable & less(dot3(red, green, blue, red, green, blue), largest)
        red, green, blue = vmax(red, zero), vmax(green, zero), vmax(blue, zero)
        bits = mask_bits(usable)
        if state.count - i < 16:
            bits &= (1 << (state.count - i)) - 1
        if bits == 0:
            continue

        inverse_yy = one / c_yy
        shear = c_xy * inverse_yy
        conditional_xx = determinant * inverse_yy  # c_xx - c_xy^2 / c_yy
        half_log2_e = splat(f32(0.5) * LOG2_E)
        store_transposed(
            state.records_at,
            i * RECORD,
            (
                center_x,
                center_y,
                half_log2_e / conditional_xx,
                shear,
                half_log2_e * inverse_yy,
                zero - splat(LOG2_255) - log2_opacity,
                red,
                green,
                blue,
                half_width,
                half_height,
                c_xy * vsqrt(reach / c_xx),
                reach * conditional_xx,
                conditional_xx * inverse_yy,
                slack,
                zero,
            ),
        )
        vstore(state.depths_at, i, depth)
        while bits != 0:
            number = i + lowest_bit(np.int32(bits))
            bits &= bits - 1
            key = np.int64(float_bits(load_f32(state.depths_at, number)))
            store_i64(state.pairs_at, visible, (key << 32) | number)
            visible += 1
    store_i64(state.visible_at, chunk, visible - start)
