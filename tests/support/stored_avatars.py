"""Small avatar files, each another face."""

from __future__ import annotations

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar


def avatar_bytes(seed: int = 0) -> bytes:
    """A file of version 0, named after its seed."""
    rng = np.random.default_rng(seed)
    n = 1500
    return pack_avatar(
        AvatarAsset(
            head_model_id="00" * 32,
            name=f"avatar {seed}",
            shape_offsets=np.zeros((3, 3), np.float32),
            faces_bound=np.zeros(n, np.int32),
            barycentrics=np.tile(np.array([1, 0, 0], np.float32), (n, 1)),
            local_means=rng.normal(0, 0.01, (n, 3)).astype(np.float32),
            local_quats=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
            log_scales=np.full((n, 3), -6, np.float32),
            logit_opacities=np.zeros(n, np.float32),
            sh0=np.zeros((n, 3), np.float32),
            rigid_to_skull=np.zeros(n, np.bool_),
            grid_uv=np.zeros((n, 2), np.float32),
            basis_grid=np.zeros((0, 9, 0, 0), np.float16),
            basis_weights=np.zeros((0, 65), np.float32),
        )
    )
