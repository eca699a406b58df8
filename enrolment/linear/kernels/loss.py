"""Losses of a picture and their gradients: Huber on colors, structural similarity on luma (Wang et al. 2004).

Pictures are planes, targets bytes that are multiplied by their alpha: over a background, a target is
target + (1 - alpha) background. All gradients are of means over the pixels of a picture.
"""

from __future__ import annotations

import numpy as np

from renderer.jit import inlined, kernel, reordering_kernel
from renderer.simd.math import fma, splat
from renderer.simd.memory import load_f32, store_f32, vload, vstore

f32 = np.float32

C1, C2 = f32(1e-4), f32(9e-4)
_TAPS = np.exp(-0.5 * (np.arange(-3, 4) / 1.5) ** 2)
K0, K1, K2, K3 = (f32(value) for value in (_TAPS / _TAPS.sum())[3:])
"""Gaussian window of 1.5 pixels standard deviation, seven taps, from the middle outward."""

PAD = 16
"""Floats of padding on either side of a row."""

RING = 16
"""Rows of each map that are kept: what is more than twelve rows back is needed no more."""

LUMA, MOMENTS, ADJOINTS, BLURRED = 0, 2, 7, 10
"""First maps of: luma of picture and target; blurred x, y, x^2, y^2, x y; derivatives; scratch (one row each)."""

MAPS = 13


@reordering_kernel
def huber(planes, target, alpha, weights, background, delta, gradient):
    """Mean of weighted Huber losses, scaled to |d| for large d; sets `gradient` [3, >= H, >= W].

    Args:
        planes: [>= 3, >= H, >= W] float32 picture.
        target: [H, W, 3] uint8 times alpha.
        alpha: [H, W] uint8.
        weights: [H / step, W / step] uint8, sixteenths; step is a whole number.
        background: [3] float32.
        delta: where the loss turns from square to linear.
        gradient: written.
    """
    height, width = alpha.shape
    step = height // weights.shape[0]
    scale, total = f32(1) / f32(3 * height * width), 0.0
    for y in range(height):
        row = f32(0)
        for x in range(width):
            clear = f32(1) - f32(alpha[y, x]) * f32(1 / 255)
            weight = f32(weights[y // step, x // step]) * f32(1 / 16)
            for c in range(3):
                d = planes[c, y, x] - (f32(target[y, x, c]) * f32(1 / 255) + clear * background[c])
                bounded = min(max(d, -delta), delta)
                row += weight * bounded * (d - f32(0.5) * bounded)
                gradient[c, y, x] = scale * weight * bounded / delta
        total += row / delta
    return total * scale


@inlined
def row_of(maps, stride, number, y):
    """Address of the first pixel of row `y` of a map."""
    return maps + 4 * (stride * (RING * number + (y & (RING - 1))) + PAD)


@inlined
def across(v3, v2, v1, v0, w1, w2, w3):
    """The window over seven neighbors."""
    total = fma(splat(K0), v0, splat(K1) * (v1 + w1))
    return fma(splat(K3), v3 + w3, fma(splat(K2), v2 + w2, total))


@inlined
def blurred(row, x):
    """16 pixels of the horizontal blur of a padded row."""
    return across(
        *(vload(row, x - 3), vload(row, x - 2), vload(row, x - 1)),
        *(vload(row, x), vload(row, x + 1), vload(row, x + 2), vload(row, x + 3)),
    )


@inlined
def blurred_product(first, second, x):
    """16 pixels of the horizontal blur of the product of two padded rows."""
    return across(
        *(vload(first, x - 3) * vload(second, x - 3), vload(first, x - 2) * vload(second, x - 2)),
        *(vload(first, x - 1) * vload(second, x - 1), vload(first, x) * vload(second, x)),
        *(vload(first, x + 1) * vload(second, x + 1), vload(first, x + 2) * vload(second, x + 2)),
        vload(first, x + 3) * vload(second, x + 3),
    )


@inlined
def blurred_down(maps, stride, number, y, last, x):
    """16 pixels of the vertical blur of a map at row `y`; edges are repeated."""
    return across(
        *(vload(row_of(maps, stride, number, max(y - 3, 0)), x), vload(row_of(maps, stride, number, max(y - 2, 0)), x)),
        *(vload(row_of(maps, stride, number, max(y - 1, 0)), x), vload(row_of(maps, stride, number, y), x)),
        vload(row_of(maps, stride, number, min(y + 1, last)), x),
        vload(row_of(maps, stride, number, min(y + 2, last)), x),
        vload(row_of(maps, stride, number, min(y + 3, last)), x),
    )


@reordering_kernel
def luma_row(planes, target, alpha, behind, y, picture_row, target_row):
    """Luma of one row of picture and target, into padded rows [W + 2 PAD]; edges are repeated."""
    width = alpha.shape[1]
    for x in range(width):
        picture_row[x + PAD] = (
            f32(0.299) * planes[0, y, x] + f32(0.587) * planes[1, y, x] + f32(0.114) * planes[2, y, x]
        )
        target_row[x + PAD] = (
            f32(0.299 / 255) * target[y, x, 0]
            + f32(0.587 / 255) * target[y, x, 1]
            + f32(0.114 / 255) * target[y, x, 2]
            + (f32(1) - f32(alpha[y, x]) * f32(1 / 255)) * behind
        )
    for x in range(PAD):
        picture_row[x], picture_row[width + PAD + x] = picture_row[PAD], picture_row[width + PAD - 1]
        target_row[x], target_row[width + PAD + x] = target_row[PAD], target_row[width + PAD - 1]


@kernel
def moment_row(maps, stride, y, width):
    """Horizontally blurred moments of row `y`."""
    a, b = row_of(maps, stride, LUMA, y), row_of(maps, stride, LUMA + 1, y)
    for x in range(0, width, 16):
        vstore(row_of(maps, stride, MOMENTS, y), x, blurred(a, x))
        vstore(row_of(maps, stride, MOMENTS + 1, y), x, blurred(b, x))
        vstore(row_of(maps, stride, MOMENTS + 2, y), x, blurred_product(a, a, x))
        vstore(row_of(maps, stride, MOMENTS + 3, y), x, blurred_product(b, b, x))
        vstore(row_of(maps, stride, MOMENTS + 4, y), x, blurred_product(a, b, x))


@kernel
def similarity_row(maps, stride, y, width, last):
    """Sum of SSIM over row `y`; keeps its derivatives by the blurred x, x^2 and x y."""
    two, one, c1, c2 = splat(f32(2)), splat(f32(1)), splat(C1), splat(C2)
    total = splat(f32(0))
    for x in range(0, width, 16):
        mean_x = blurred_down(maps, stride, MOMENTS, y, last, x)
        mean_y = blurred_down(maps, stride, MOMENTS + 1, y, last, x)
        square_x = blurred_down(maps, stride, MOMENTS + 2, y, last, x)
        square_y = blurred_down(maps, stride, MOMENTS + 3, y, last, x)
        product = blurred_down(maps, stride, MOMENTS + 4, y, last, x)
        means, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
        a1, a2 = two * means + c1, two * (product - means) + c2
        b1, b2 = squares + c1, square_x + square_y - squares + c2
        inverse = one / (b1 * b2)
        ssim = a1 * a2 * inverse
        by_product, by_square = two * a1 * inverse, (splat(f32(0)) - ssim) * b1 * inverse
        by_mean = two * mean_y * a2 * inverse - two * mean_x * ssim * b2 * inverse
        by_mean = by_mean - by_product * mean_y - two * by_square * mean_x
        vstore(row_of(maps, stride, ADJOINTS, y), x, by_mean)
        vstore(row_of(maps, stride, ADJOINTS + 1, y), x, by_square)
        vstore(row_of(maps, stride, ADJOINTS + 2, y), x, by_product)
        total = total + ssim
    vstore(row_of(maps, stride, BLURRED, 0), 0, total)
    result = f32(0)
    for lane in range(16):
        result += load_f32(row_of(maps, stride, BLURRED, 0), lane)
    return result


@kernel
def adjoint_row(maps, stride, y, width, last, scale, gradient, row_step, plane_step):
    """Adds scale * d(sum of SSIM)/d(picture) of row `y`, less three pixels on either side, to its gradient."""
    zero = splat(f32(0))
    for m in range(3):
        row = row_of(maps, stride, BLURRED + m, 0)
        vstore(row, -PAD, zero)
        vstore(row, width, zero)
        for x in range(0, width, 16):
            vstore(row, x, blurred_down(maps, stride, ADJOINTS + m, y, last, x))
    a, b = row_of(maps, stride, LUMA, y), row_of(maps, stride, LUMA + 1, y)
    by_mean, by_square = row_of(maps, stride, BLURRED, 0), row_of(maps, stride, BLURRED + 1, 0)
    by_product, change = row_of(maps, stride, BLURRED + 2, 0), row_of(maps, stride, BLURRED, 1)
    for x in range(0, width, 16):
        squares = splat(f32(2)) * vload(a, x) * blurred(by_square, x)
        value = blurred(by_mean, x) + squares + vload(b, x) * blurred(by_product, x)
        vstore(change, x, splat(scale) * value)
    for margin in range(3):
        store_f32(change, margin, f32(0))
        store_f32(change, width - 1 - margin, f32(0))
    red, green, blue = gradient + 4 * row_step * y, plane_step, 2 * plane_step
    for x in range(0, width, 16):
        value = vload(change, x)
        vstore(red, x, fma(splat(f32(0.299)), value, vload(red, x)))
        vstore(red, green + x, fma(splat(f32(0.587)), value, vload(red, green + x)))
        vstore(red, blue + x, fma(splat(f32(0.114)), value, vload(red, blue + x)))


@kernel
def picture_loss(planes, target, alpha, weights, background, delta, dissimilarity, maps, gradient):
    """Huber loss plus `dissimilarity` * (1 - mean SSIM); sets `gradient`.

    Args:
        planes, target, alpha, weights, background, delta: see `huber`; H and W are multiples of 16.
        dissimilarity: weight of the second term, which has no gradient within three pixels of the edge.
        maps: [MAPS, RING, W + 2 PAD] float32 scratch.
        gradient: [>= 3, >= H, >= W] float32, contiguous.
    """
    height, width = alpha.shape
    loss = huber(planes, target, alpha, weights, background, delta, gradient)
    if dissimilarity <= 0:
        return loss
    behind = f32(0.299) * background[0] + f32(0.587) * background[1] + f32(0.114) * background[2]
    at, stride, last, total = maps.ctypes.data, maps.shape[2], height - 1, 0.0
    gradient_at, row_step, plane_step = gradient.ctypes.data, gradient.shape[2], gradient.shape[1] * gradient.shape[2]
    scale = f32(-dissimilarity / (height * width))
    for y in range(height + 6):
        if y < height:
            ring = y & (RING - 1)
            luma_row(planes, target, alpha, behind, y, maps[LUMA, ring], maps[LUMA + 1, ring])
            moment_row(at, stride, y, width)
        if 3 <= y < height + 3:
            total += similarity_row(at, stride, y - 3, width, last)
        if 9 <= y < height + 3:
            adjoint_row(at, stride, y - 6, width, last, scale, gradient_at, row_step, plane_step)
    return loss + dissimilarity * (1 - total / (height * width))
