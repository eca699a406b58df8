"""Backward of the mixing of bases: how much more of each basis the picture wants."""

from __future__ import annotations

import numpy as np

from renderer.jit import reordering_kernel

f32 = np.float32


@reordering_kernel
def basis_gradients(grids, by_values, result):
    """dL/d(coefficients) [K] of a sum of `grids` [K, 9, P], from dL/d(sum) [>= P, 16]: points, then channels."""
    bases, channels, points = grids.shape
    for k in range(bases):
        total = f32(0)
        for c in range(channels):
            for p in range(points):
                total += grids[k, c, p] * by_values[p, c]
        result[k] = total
