"""Steps of Adam (Kingma and Ba 2015), for rows of Gaussians and for the bases' grids.

Rates and corrections for the young averages come ready-made from Python.
"""

from __future__ import annotations

import math

import numpy as np

from renderer.jit import reordering_kernel

f32 = np.float32

BETA1, BETA2 = f32(0.9), f32(0.99)
EPSILON = f32(1e-12)
LN_2 = f32(0.6931471805599453)


@reordering_kernel
def adam_row(values, gradients, home, pulled, mean, square, rate, correction, least, pull, start, end):
    """One step for values[start : end], down the sum of two gradients and a pull home; rate 0 leaves them alone.

    Args:
        values, mean, square: [S] float32.
        gradients: the two, [S] each.
        home: [S] where values began.
        pulled: [S] factors on the pull.
        rate: length of a step.
        correction: square root of what young averages of squares lack, over what those of gradients lack.
        least: root of a mean square that weaker gradients are taken to have, so that they lead to shorter steps.
        pull: gradient by the distance from home.
    """
    first, second = gradients
    for i in range(start, end):
        gradient = first[i] + second[i] + pull * pulled[i] * (values[i] - home[i])
        mean[i] = BETA1 * mean[i] + (f32(1) - BETA1) * gradient
        square[i] = BETA2 * square[i] + (f32(1) - BETA2) * gradient * gradient
        values[i] -= rate * correction * mean[i] / (math.sqrt(square[i]) + least)


@reordering_kernel
def bound_scales(log_scales, lowest, highest, flattest, start, end):
    """Keeps log_scales[:, start : end] within bounds, and each within `flattest` of the largest of its Gaussian."""
    for i in range(start, end):
        largest = max(log_scales[0, i], log_scales[1, i], log_scales[2, i])
        largest = min(largest, highest[i])
        for axis in range(3):
            log_scales[axis, i] = min(max(log_scales[axis, i], lowest, largest - flattest), highest[i])


@reordering_kernel
def opacity_gradients(gradients, logits, start, end):
    """Turns gradients by log2 of opacities into those by logits, in place."""
    for i in range(start, end):
        gradients[i] *= (f32(1) - f32(1) / (f32(1) + math.exp(-logits[i]))) / LN_2


@reordering_kernel
def shown_gradients(gradients, colors, start, end):
    """Removes gradients by colors that are cut off at 0."""
    for i in range(start, end):
        if not colors[i] > f32(0):
            gradients[i] = f32(0)


@reordering_kernel
def turn(quats, turns, start, end):
    """Applies small rotations [3, S] after unit quaternions [4, S], wxyz, and resets them."""
    for i in range(start, end):
        x, y, z = f32(0.5) * turns[0, i], f32(0.5) * turns[1, i], f32(0.5) * turns[2, i]
        w, a, b, c = quats[0, i], quats[1, i], quats[2, i], quats[3, i]
        new_w, new_a = w - x * a - y * b - z * c, a + x * w + y * c - z * b
        new_b, new_c = b + y * w + z * a - x * c, c + z * w + x * b - y * a
        norm = f32(1) / math.sqrt(new_w * new_w + new_a * new_a + new_b * new_b + new_c * new_c)
        quats[0, i], quats[1, i], quats[2, i], quats[3, i] = new_w * norm, new_a * norm, new_b * norm, new_c * norm
        turns[0, i] = turns[1, i] = turns[2, i] = f32(0)


@reordering_kernel
def turned(quats, home, turns, start, end):
    """Fills turns [3, S] with minus the rotations that have led from `home` to `quats` [4, S], radians: small ones."""
    for i in range(start, end):
        w, a, b, c = quats[0, i], quats[1, i], quats[2, i], quats[3, i]
        s, x, y, z = home[0, i], home[1, i], home[2, i], home[3, i]
        twice = f32(-2) if w * s + a * x + b * y + c * z > f32(0) else f32(2)
        turns[0, i] = twice * (s * a - w * x - b * z + c * y)
        turns[1, i] = twice * (s * b - w * y - c * x + a * z)
        turns[2, i] = twice * (s * c - w * z - a * y + b * x)


@reordering_kernel
def derive(quats, log_scales, logits, axes, log2_opacities, start, end):
    """Fills the posers' axes [9, S] = rotation times diag(scales), and log2 of opacities [S]."""
    for i in range(start, end):
        w, x, y, z = quats[0, i], quats[1, i], quats[2, i], quats[3, i]
        s0, s1, s2 = math.exp(log_scales[0, i]), math.exp(log_scales[1, i]), math.exp(log_scales[2, i])
        axes[0, i] = s0 * (f32(1) - f32(2) * (y * y + z * z))
        axes[1, i] = s1 * f32(2) * (x * y - w * z)
        axes[2, i] = s2 * f32(2) * (x * z + w * y)
        axes[3, i] = s0 * f32(2) * (x * y + w * z)
        axes[4, i] = s1 * (f32(1) - f32(2) * (x * x + z * z))
        axes[5, i] = s2 * f32(2) * (y * z - w * x)
        axes[6, i] = s0 * f32(2) * (x * z - w * y)
        axes[7, i] = s1 * f32(2) * (y * z + w * x)
        axes[8, i] = s2 * (f32(1) - f32(2) * (x * x + y * y))
        log2_opacities[i] = -math.log(f32(1) + math.exp(-logits[i])) / LN_2


@reordering_kernel
def mix(grids, weights, values):
    """Sum of bases `grids` [K, 9, P] times `weights` [K], as the posers' rows: values [>= P, 16]."""
    bases, channels, points = grids.shape
    for c in range(channels):
        for p in range(points):
            values[p, c] = f32(0)
        for k in range(bases):
            weight = weights[k]
            for p in range(points):
                values[p, c] += weight * grids[k, c, p]


@reordering_kernel
def grid_step(grid, mask, weights, by_values, mean, square, rates, correction, smoothness, shrinkage, row):
    """One step of Adam for one basis, then a little smoothing and soft thresholding.

    Args:
        grid: [9, P] of one basis, P = G * G.
        mask: [9, P] uint8: which of them may differ from 0.
        weights: [M] this basis' coefficient in each of M pictures.
        by_values: [M, 9, P] dL/d(mixed grid) of these pictures.
        mean, square: [9, P].
        rates: [9] float32.
        correction: as in `adam_row`.
        smoothness: share of the way to the mean of the four neighbors that each point goes.
        shrinkage: share of a rate that each value loses.
        row: [P] float32 scratch.
    """
    channels, points = grid.shape
    side = int(math.sqrt(points))
    for c in range(channels):
        for p in range(points):
            row[p] = f32(0)
        for m in range(len(weights)):
            weight = weights[m]
            for p in range(points):
                row[p] += weight * by_values[m, c, p]
        rate, least = rates[c], shrinkage * rates[c]
        for p in range(points):
            gradient = row[p]
            mean[c, p] = BETA1 * mean[c, p] + (f32(1) - BETA1) * gradient
            square[c, p] = BETA2 * square[c, p] + (f32(1) - BETA2) * gradient * gradient
            value = grid[c, p] - rate * correction * mean[c, p] / (math.sqrt(square[c, p]) + EPSILON)
            value = max(value - least, f32(0)) + min(value + least, f32(0))
            grid[c, p] = value if mask[c, p] else f32(0)
        for p in range(points):
            row[p] = grid[c, p]
        for y in range(1, side - 1):
            for x in range(1, side - 1):
                p = y * side + x
                if mask[c, p] and mask[c, p - 1] and mask[c, p + 1] and mask[c, p - side] and mask[c, p + side]:
                    around = f32(0.25) * (row[p - 1] + row[p + 1] + row[p - side] + row[p + side])
                    grid[c, p] += smoothness * (around - row[p])
