"""The stages in sequence, as one call that keeps the GIL released, and the way in for clouds of quaternions."""

from __future__ import annotations

import numpy as np

from renderer.backends.kernels.bin import bin_gaussians
from renderer.backends.kernels.blend import blend_tiles
from renderer.backends.kernels.project import project
from renderer.backends.kernels.sort import sort_by_depth
from renderer.jit import kernel


@kernel
def draw(states):
    """Draws the Gaussians of `states[0]` (layout.RASTER_STATE).

    Returns whether the picture is complete. If not, a tile's list was too short: `longest` says what it needs.
    """
    state = states[0]
    project(state)
    sort_by_depth(state)
    bin_gaussians(state)
    if state.longest > state.capacity:
        return False
    blend_tiles(state)
    return True


@kernel
def axes_from_quats(quats, scales, axes):
    """Rotation times diag(scales), structure of arrays.

    Args:
        quats: [N, 4] float32 wxyz, not necessarily unit.
        scales: [N, 3] float32.
        axes: [9, S] float32, written.
    """
    for i in range(len(quats)):
        w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        double = np.float32(2) / (w * w + x * x + y * y + z * z)
        one = np.float32(1)
        sx, sy, sz = scales[i, 0], scales[i, 1], scales[i, 2]
        axes[0, i] = (one - double * (y * y + z * z)) * sx
        axes[1, i] = double * (x * y - w * z) * sy
        axes[2, i] = double * (x * z + w * y) * sz
        axes[3, i] = double * (x * y + w * z) * sx
        axes[4, i] = (one - double * (x * x + z * z)) * sy
        axes[5, i] = double * (y * z - w * x) * sz
        axes[6, i] = double * (x * z - w * y) * sx
        axes[7, i] = double * (y * z + w * x) * sy
        axes[8, i] = (one - double * (x * x + y * y)) * sz


@kernel
def run_project(states):
    """Stage 1 alone."""
    project(states[0])


@kernel
def run_sort(states):
    """Stage 2 alone."""
    sort_by_depth(states[0])


@kernel
def run_bin(states):
    """Stage 3 alone."""
    bin_gaussians(states[0])


@kernel
def run_blend(states):
    """Stages 4 and 5 alone."""
    blend_tiles(states[0])
