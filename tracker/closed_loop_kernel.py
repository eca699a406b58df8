"""The loss of the closed loop: the avatar in front of what may be behind the person, against the camera's picture."""

from __future__ import annotations

import numpy as np

from renderer.jit import reordering_kernel

f32 = np.float32


@reordering_kernel
def robust_loss(planes, picture, behind, weights, limit, gradient):
    """Half the weighted mean of squared differences, which grow only linearly beyond a limit; sets `gradient`.

    Args:
        planes: [4, >= H, >= W] float32: the avatar over black, and its alpha.
        picture: [H, W, 3] float32 0..1.
        behind: [H, W, 3] float32 0..1: the background.
        weights: [H, W] float32 whose sum is 1.
        limit: the difference of a color from which on the loss is linear.
        gradient: [4, >= H, >= W] float32, dL/d(planes), written.
    """
    height, width, _ = picture.shape
    total, third = 0.0, f32(1 / 3)
    for y in range(height):
        row = f32(0)
        for x in range(width):
            clear = f32(1) - planes[3, y, x]
            weight = third * weights[y, x]
            by_alpha = f32(0)
            for c in range(3):
                d = planes[c, y, x] + clear * behind[y, x, c] - picture[y, x, c]
                bounded = min(max(d, -limit), limit)
                row += weight * bounded * (d - f32(0.5) * bounded)
                gradient[c, y, x] = weight * bounded
                by_alpha -= weight * bounded * behind[y, x, c]
            gradient[3, y, x] = by_alpha
        total += row
    return total
