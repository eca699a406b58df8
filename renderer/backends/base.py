"""What every rasterizer offers.

Semantics (3DGS, exact): EWA projection with a 0.3 px^2 low-pass, alpha = min(0.99, opacity * exp(-q/2)), alpha below
1/255 skipped, blending stops before transmittance falls under 1e-4, depth below 0.01 m culled, no radius cut.
Colors are those of renderer.gaussians, not below 0.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud


class Rasterizer(Protocol):
    """Draws Gaussians."""

    name: str

    def rasterize(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`."""
        ...
