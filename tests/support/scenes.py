"""Clouds of Gaussians that are hard on a rasterizer, and a measure of how alike two pictures are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from renderer.gaussians import GaussianCloud

WHITE = (1.0, 1.0, 1.0)


def cloud_of(means, scales, opacities=0.7, colors=None, quats=None, seed: int = 0) -> GaussianCloud:
    """A cloud from [N, 3] means; what is left out is random, scalars count for all."""
    rng = np.random.default_rng(seed)
    means = np.asarray(means, np.float32)
    count = len(means)
    return GaussianCloud(
        means=means,
        quats=np.asarray(rng.normal(size=(count, 4)) if quats is None else quats, np.float32),
        scales=np.broadcast_to(np.asarray(scales, np.float32), (count, 3)).copy(),
        opacities=np.broadcast_to(np.asarray(opacities, np.float32), (count,)).copy(),
        colors=np.asarray(rng.uniform(size=(count, 3)) if colors is None else colors, np.float32),
    )


def ball(count: int, seed: int = 0, depth: float = 1.0) -> GaussianCloud:
    """Small splats of all opacities around a point in front of the lens."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.1, (count, 3)) + np.array([0, 0, depth])
    return cloud_of(means, np.exp(rng.normal(-5, 0.7, (count, 3))), rng.uniform(0, 1, count), seed=seed)


def needles(count: int = 120, seed: int = 1) -> GaussianCloud:
    """Splats a thousand times longer than wide."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.1, (count, 3)) + np.array([0, 0, 1])
    return cloud_of(means, [0.2, 1e-4, 1e-4], rng.uniform(0.2, 1, count), seed=seed)


def giants(count: int = 40, seed: int = 2) -> GaussianCloud:
    """Splats that cover the whole picture many times."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.5, (count, 3)) + np.array([0, 0, 2])
    return cloud_of(means, np.exp(rng.normal(1, 1.5, (count, 3))), rng.uniform(0.01, 0.3, count), seed=seed)


def around_the_camera_plane(count: int = 400, seed: int = 3) -> GaussianCloud:
    """Splats before, at and behind the lens."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(-0.3, 0.3, (count, 3))
    means[:20, 2] = 0
    means[20:40, 2] = 0.01 + rng.uniform(-1e-3, 1e-3, 20)
    return cloud_of(means, np.exp(rng.normal(-5, 0.5, (count, 3))), rng.uniform(0.05, 0.6, count), seed=seed)


def pile(count: int, seed: int = 4) -> GaussianCloud:
    """Faint splats on top of each other: the longest list that a tile can have."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.002, (count, 3)) + np.array([0, 0, 1])
    return cloud_of(means, 0.003, rng.uniform(0.004, 0.02, count), seed=seed)


def unusable(seed: int = 5) -> GaussianCloud:
    """Every kind of value that nothing can be drawn from, among splats that are fine."""
    cloud = ball(160, seed)
    for field, bad_values in (
        (cloud.means, (np.nan, np.inf, -np.inf, 1e30)),
        (cloud.quats, (np.nan, np.inf, -np.inf, 0.0)),
        (cloud.scales, (np.nan, np.inf, -np.inf, np.nan)),
        (cloud.opacities, (np.nan, np.inf, -1.0, 0.0)),
        (cloud.colors, (np.nan, np.inf, -np.inf, np.nan)),
    ):
        spoiled = np.random.default_rng(seed).choice(len(cloud.means), 4 * 4, replace=False).reshape(4, 4)
        for value, rows in zip(bad_values, spoiled, strict=True):
            field[rows] = value
    return cloud


def with_harmonics(cloud: GaussianCloud, degree: int, turned: bool = False, seed: int = 6) -> GaussianCloud:
    """The cloud with random coefficients up to `degree`, in axes of their own if `turned`."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32) if turned else None
    rest = rng.normal(0, 0.2, (len(cloud.means), (degree + 1) ** 2 - 1, 3)).astype(np.float32)
    return replace(cloud, sh_rest=rest, sh_from_world=axes)


def psnr(image: NDArray, expected: NDArray) -> float:
    """Peak signal-to-noise ratio of pictures in 0..1, dB."""
    error = float(np.mean((np.asarray(image, np.float64) - np.asarray(expected, np.float64)) ** 2))
    return 200.0 if error < 1e-20 else -10 * float(np.log10(error))
