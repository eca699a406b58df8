"""Scenes and measures for the tests of the backward pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from renderer.camera import Camera
from renderer.gaussians import GaussianCloud

BACKGROUND = (0.2, 0.5, 0.9)


def soft_ball(count: int = 200, sh_count: int = 0, seed: int = 1) -> GaussianCloud:
    """Gaussians of all shapes and opacities around a point one metre before the lens, some brighter than white.

    A quarter of the colors are so dark that the harmonics push them below 0.
    """
    rng = np.random.default_rng(seed)
    return GaussianCloud(
        means=(rng.normal(size=(count, 3)) * [0.07, 0.09, 0.05] + [0, 0, 1]).astype(np.float32),
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        scales=np.exp(rng.normal(-4.2, 0.5, (count, 3))).astype(np.float32),
        opacities=rng.uniform(0.05, 0.97, count).astype(np.float32),
        colors=rng.uniform(0.0, 1.2, (count, 3)).astype(np.float32),
        sh_rest=(0.3 * rng.normal(size=(count, sh_count, 3))).astype(np.float32) if sh_count else None,
    )


def with_strays(cloud: GaussianCloud, seed: int = 2) -> GaussianCloud:
    """The cloud with one Gaussian in twenty made a needle, and as many put where no camera sees them or made clear."""
    rng = np.random.default_rng(seed)
    count = len(cloud.means)
    needles, hidden = np.split(rng.permutation(count)[: 2 * (count // 20)], 2)
    means, scales, opacities = cloud.means.copy(), cloud.scales.copy(), cloud.opacities.copy()
    scales[needles] = np.array([0.1, 1e-4, 1e-4], np.float32)
    means[hidden[::3], 2] *= -1
    means[hidden[1::3], 0] += 50
    opacities[hidden[2::3]] = 0
    return replace(cloud, means=means, scales=scales, opacities=opacities)


def oblique_camera(width: int = 72, height: int = 64) -> Camera:
    """A camera at an angle, with its principal point off the middle."""
    camera = Camera.orbit(np.array([0.01, 0.0, 1.0]), 0.9, 0.3, -0.2, 64, fov_deg=25.0)
    K = camera.K.copy()
    K[0, 2] += 3.25
    K[1, 1] *= 1.1
    return Camera(camera.camera_from_world, K, width, height)


def turned(angle: float = 0.7) -> NDArray[np.float32]:
    """A rotation for harmonics that do not stand in world axes."""
    c, s = np.cos(angle), np.sin(angle)
    return (np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])).astype(
        np.float32
    )


def relative_error(value: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """|value - expected| / |expected| over all numbers (L2); 0 if there are none."""
    size = float(np.linalg.norm(np.asarray(expected, np.float64)))
    error = float(np.linalg.norm(np.asarray(value, np.float64) - np.asarray(expected, np.float64)))
    return error / size if size else error
