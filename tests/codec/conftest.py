from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from codec.avatar_asset import AvatarAsset

# Machines that run the suite may be busy: how long an example takes says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def make_asset(gaussians: int = 40, vertices: int = 12, bases: int = 2, grid: int = 3, seed: int = 0) -> AvatarAsset:
    """A small avatar of plausible magnitudes with every feature in use."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(gaussians, 4))
    kinds = np.repeat([0.002, 0.05, 0.05], 3)[None, :, None, None]
    return AvatarAsset(
        head_model_id="0f" * 32,
        name="Ada Łovelace",
        shape_offsets=rng.normal(0, 0.01, (vertices, 3)).astype(np.float32),
        faces_bound=np.sort(rng.integers(0, 9_000, gaussians)).astype(np.int32),
        barycentrics=rng.dirichlet([1, 1, 1], gaussians).astype(np.float32),
        local_means=rng.normal(0, 0.002, (gaussians, 3)).astype(np.float32),
        local_quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=rng.normal(-6, 1, (gaussians, 3)).astype(np.float32),
        logit_opacities=rng.normal(2, 2, gaussians).astype(np.float32),
        sh0=rng.uniform(-1.8, 1.8, (gaussians, 3)).astype(np.float32),
        rigid_to_skull=rng.random(gaussians) < 0.5,
        grid_uv=rng.random((gaussians, 2)).astype(np.float32),
        basis_grid=(rng.normal(size=(bases, 9, grid, grid)) * kinds).astype(np.float16),
        basis_weights=rng.normal(0, 0.1, (bases, 65)).astype(np.float32),
    )


@pytest.fixture
def asset_factory() -> Callable[..., AvatarAsset]:
    return make_asset
