"""Draws the golden pictures anew: python -m tests.renderer.backends.regenerate_golden (only after a change on purpose).

golden.npz holds one [48, 48, 3] uint8 picture per scene, drawn by the oracle. The scenes are made of sines instead of
random numbers, so that they do not depend on a generator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud


def waves(rows: int, columns: int, pitch: float) -> NDArray[np.float64]:
    """[rows, columns] numbers in -1..1 that look random."""
    value = 43758.5453 * np.sin(pitch * np.arange(1, rows * columns + 1))
    return (2 * (value - np.floor(value)) - 1).reshape(rows, columns)


def _scene(scale: float, stretch: float) -> GaussianCloud:
    count = 90
    return GaussianCloud(
        means=(0.25 * waves(count, 3, 12.9898) + [0, 0, 1]).astype(np.float32),
        quats=waves(count, 4, 78.233).astype(np.float32),
        scales=(scale * stretch ** waves(count, 3, 37.719)).astype(np.float32),
        opacities=(0.5 + 0.5 * waves(count, 1, 4.1414)[:, 0]).astype(np.float32),
        colors=(0.5 + 0.5 * waves(count, 3, 9.7531)).astype(np.float32),
    )


GOLDEN_SCENES = {
    "round": (_scene(0.02, 1.0), Camera.orbit(np.array([0.0, 0.0, 1.0]), 1.0, -0.4, 0.2, 48, 45.0)),
    "stretched": (_scene(0.015, 5.0), Camera.orbit(np.array([0.0, 0.0, 1.0]), 0.8, 0.5, -0.3, 48, 45.0)),
    "close": (_scene(0.05, 2.0), Camera.orbit(np.array([0.1, 0.0, 1.0]), 0.15, -0.9, 0.4, 48, 80.0)),
}


def draw_golden(name: str) -> NDArray[np.uint8]:
    """[48, 48, 3] picture of a scene."""
    cloud, camera = GOLDEN_SCENES[name]
    image = ReferenceRasterizer().rasterize(cloud, camera, (0.9, 0.9, 0.9))
    return np.floor(255 * np.clip(image, 0, 1) + 0.5).astype(np.uint8)


if __name__ == "__main__":
    np.savez_compressed(
        Path(__file__).parent / "golden.npz", **{name: draw_golden(name) for name in sorted(GOLDEN_SCENES)}
    )
