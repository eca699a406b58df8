"""Posed Gaussians: what a rasterizer eats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.spherical_harmonics import COEFFICIENTS

SH_C0 = 0.28209479177387814
"""Y_0^0, the constant spherical harmonic (3DGS, Kerbl et al. 2023)."""


@dataclass(frozen=True, eq=False)
class GaussianCloud:
    """N Gaussians in the world frame, after activation.

    Args:
        means: [N, 3] float32, metres.
        quats: [N, 4] float32 wxyz, not necessarily unit.
        scales: [N, 3] float32 standard deviations, metres.
        opacities: [N] float32 in 0..1.
        colors: [N, 3] float32, sRGB 0..1 (may exceed 1): what spherical harmonics of degree 0 give.
        sh_rest: [N, K, 3] float32, K = 0, 3, 8 or 15, coefficients of degrees 1 to 3 (renderer.spherical_harmonics).
            The color that is seen is max(0, colors + sum of sh_rest * basis(direction)), where the direction leads from
            the camera's center to the mean.
        sh_from_world: [3, 3] float32 rotation of directions before they enter the harmonics, for Gaussians whose
            harmonics turn with a head; None: they stand in world axes.

    Raises:
        ValueError: `sh_rest` has no such shape.
    """

    means: NDArray[np.float32]
    quats: NDArray[np.float32]
    scales: NDArray[np.float32]
    opacities: NDArray[np.float32]
    colors: NDArray[np.float32]
    sh_rest: NDArray[np.float32] | None = None
    sh_from_world: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.sh_rest is None:
            return
        shape, count = self.sh_rest.shape, len(self.means)
        if len(shape) != 3 or shape[0] != count or shape[1] not in COEFFICIENTS.values() or shape[2] != 3:
            raise ValueError(f"sh_rest has shape {shape}, expected ({count}, 0, 3, 8 or 15, 3)")
