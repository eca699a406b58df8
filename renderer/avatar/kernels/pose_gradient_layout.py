"""Memory layout of the way back from posed Gaussians to avatar and face, beside renderer.avatar.kernels.layout."""

from __future__ import annotations

import numpy as np

POSE_GRADIENT = np.dtype(
    [
        # given: what renderer.backends.gradient_workspace says of the rasterizer's input
        ("mean_gradients_at", np.int64),  # [3][S]
        ("axis_gradients_at", np.int64),  # [9][S]
        ("color_gradients_at", np.int64),  # [3][S]
        # result, of the avatar: each Gaussian's own
        ("local_means_at", np.int64),  # [3][S] per metre, triangle frame
        ("turns_at", np.int64),  # [3][S] per radian, of a rotation applied after the local one, triangle frame
        ("log_scales_at", np.int64),  # [3][S]
        # result, of the avatar: sums, added to what is there
        ("vertices_at", np.int64),  # [(head_blocks + rigid_blocks) * 16][4] of the posed vertices, world
        ("grid_at", np.int64),  # [grid_blocks * 16][16] of `grid_values`
        # result, of the face
        ("rest_at", np.int64),  # [(head_blocks + rigid_blocks)][3][16] of the vertices before skinning, head frame
        ("coefficients_at", np.int64),  # [D + 1][16] sums over lanes are those of `coefficients`
        ("joints_at", np.int64),  # [JOINTS][JOINT][16] sums over lanes are those of `joints`
        ("scratch_at", np.int64),  # [10][16][4] and [16][16]
    ],
    align=True,
)

SCRATCH = 10 * 64 + 256
"""Floats of `scratch`."""
