"""Posed Gaussians: what a rasterizer eats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        colors: [N, 3] float32, sRGB 0..1 (may exceed 1), already evaluated.
    """

    means: NDArray[np.float32]
    quats: NDArray[np.float32]
    scales: NDArray[np.float32]
    opacities: NDArray[np.float32]
    colors: NDArray[np.float32]
