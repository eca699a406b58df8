"""The avatar as arrays: a head shape plus Gaussians bound to the triangles of a head model.

This is the decoded content of an avatar file (codec.avatar_file packs and unpacks it, docs/avatar-format.md). The
renderer turns it into posed Gaussians (renderer.avatar).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.motion_basis import MotionBasis

MAX_GAUSSIANS = 65_536
MAX_BASES = 64
BASIS_CHANNELS = 9
"""Per basis and Gaussian: position 3 (metres, triangle frame), rotation vector 3 (radians), color 3 (adds to sh0)."""


@dataclass(frozen=True, eq=False)
class AvatarAsset:
    """Profile `linear`, SH degree 0. N Gaussians, V head-model vertices, K bases on a G x G control grid.

    The triangle frame of a face (a, b, c): x along b - a, z along the normal, y = z cross x; its origin is the bound
    point sum(barycentrics * corners). A local point p sits at origin + frame @ p. The frame is rigid: Gaussians do not
    scale with their triangle.

    Args:
        head_model_id: hex SHA-256 of the head model that `faces_bound` and `shape_offsets` refer to.
        name: display name of the avatar, at most 64 characters.
        shape_offsets: [V, 3] float32 metres; the person's head = v_template + shape_offsets.
        faces_bound: [N] int32 index of the triangle each Gaussian is bound to.
        barycentrics: [N, 3] float32, non-negative, rows sum to 1.
        local_means: [N, 3] float32 metres, offset from the bound point in the triangle frame.
        local_quats: [N, 4] float32 wxyz, unit, rotation from Gaussian axes to the triangle frame.
        log_scales: [N, 3] float32, natural log of the standard deviation in metres.
        logit_opacities: [N] float32.
        sh0: [N, 3] float32; color = 0.5 + 0.28209479 * sh0 (sRGB values 0..1, blended as they are).
        rigid_to_skull: [N] bool; the Gaussian ignores expression and jaw and follows the skull (hair, glasses).
        grid_uv: [N, 2] float32 in 0..1, where the Gaussian samples the control grid (bilinear).
        basis_grid: [K, BASIS_CHANNELS, G, G] float16; K may be 0.
        basis_weights: [K, E + 15] float32; weight k = basis_weights[k] @ (expression, global_rotation, translation,
            jaw_pose, eyelids, gaze), a linear map of FaceParams.to_vector(); columns beyond the sender's E are zero.
        motion_basis: the person's own motions, for face streams of profile `range`; None: only the standard ones.
    """

    head_model_id: str
    name: str
    shape_offsets: NDArray[np.float32]
    faces_bound: NDArray[np.int32]
    barycentrics: NDArray[np.float32]
    local_means: NDArray[np.float32]
    local_quats: NDArray[np.float32]
    log_scales: NDArray[np.float32]
    logit_opacities: NDArray[np.float32]
    sh0: NDArray[np.float32]
    rigid_to_skull: NDArray[np.bool_]
    grid_uv: NDArray[np.float32]
    basis_grid: NDArray[np.float16]
    basis_weights: NDArray[np.float32]
    motion_basis: MotionBasis | None = None

    @property
    def count(self) -> int:
        """Number of Gaussians N."""
        return len(self.faces_bound)
