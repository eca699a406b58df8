"""Memory layout that the avatar kernels share.

All `*_at` fields are addresses (bytes) of buffers that renderer.avatar owns. Floats are float32 and integers int32
unless stated otherwise. Vertices come in blocks of 16, Gaussians are padded to S, a multiple of 16, as in
renderer.backends.kernels.layout.
"""

from __future__ import annotations

import numpy as np

JOINTS = 5
JOINT = 12
"""Floats of a joint's motion: rows of [rotation | translation]."""

BASIS_INPUTS = 65
"""Parameters that bases depend on: FaceParams.to_vector() with all 50 expression coefficients."""

FACE = BASIS_INPUTS + 6
"""Parameters of a frame: those, then the torso."""

EXPRESSION, ROTATION, TRANSLATION, JAW_POSE, EYELIDS, GAZE, TORSO = 0, 50, 53, 56, 59, 61, 65
"""Where each field starts."""

MESH_CHUNK = 16
"""Blocks of vertices, or of grid points, that are one piece of work."""

AVATAR_STATE = np.dtype(
    [
        # the head: D directions = expression 50, eyelids 2, pose correctives 36
        ("head_blocks", np.int64),  # blocks of posed vertices
        ("rest_at", np.int64),  # [head_blocks][3][16] shaped vertices, metres
        ("directions_at", np.int64),  # [P][3][16] metres per unit: P pairs (block, direction) that are not all zero
        ("numbers_at", np.int64),  # [P] which direction; D = none, whose coefficient stays 0
        ("starts_at", np.int64),  # [head_blocks + 1] first pair of each block; all are even
        ("weights_at", np.int64),  # [head_blocks][JOINTS][16]
        ("rigid_blocks", np.int64),  # blocks of vertices that only follow the skull
        ("rigid_rest_at", np.int64),  # [rigid_blocks][3][16]
        ("vertices_at", np.int64),  # [(head_blocks + rigid_blocks) * 16][4] world, written by `pose_mesh`
        # this instant
        ("face_at", np.int64),  # [FACE] parameters
        ("joint_positions_at", np.int64),  # [JOINTS][3] of the shaped head, metres
        ("coefficients_at", np.int64),  # [D + 1]
        ("joints_at", np.int64),  # [JOINTS][JOINT] head frame to world
        ("skull", np.int64),  # number of the joint that rigid vertices follow
        # bases: K of them, on a grid of G x G points
        ("bases", np.int64),  # K
        ("grid_blocks", np.int64),  # blocks of 16 grid points
        ("grid_at", np.int64),  # [grid_blocks][K][9][16] float16
        ("basis_weights_at", np.int64),  # [K][BASIS_INPUTS]
        ("basis_coefficients_at", np.int64),  # [K]
        ("grid_values_at", np.int64),  # [grid_blocks * 16][16] the 9 channels and 7 zeros, written by `mix_bases`
        ("samples_at", np.int64),  # [4][S] grid points around each Gaussian
        ("sample_weights_at", np.int64),  # [4][S]
        ("offsets_at", np.int64),  # [threads][16][16] scratch: offsets of 16 Gaussians; zeros without bases
        # Gaussians
        ("padded", np.int64),  # S
        ("corners_at", np.int64),  # [3][S] rows of `vertices`
        ("barycentrics_at", np.int64),  # [3][S]
        ("local_means_at", np.int64),  # [3][S]
        ("local_axes_at", np.int64),  # [9][S] local rotation times diag(scales), row by row
        ("base_colors_at", np.int64),  # [3][S] 0.5 + C0 * sh0
        # output: the rasterizer's input
        ("means_at", np.int64),  # [3][S]
        ("axes_at", np.int64),  # [9][S]
        ("colors_at", np.int64),  # [3][S]
    ],
    align=True,
)
