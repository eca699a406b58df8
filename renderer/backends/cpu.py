"""The CPU rasterizer: SIMD kernels for AVX-512, AVX2 and NEON, compiled by Numba on the machine they run on."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import axes_from_quats
from renderer.backends.workspace import Color, RasterWorkspace
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud


class CpuRasterizer:
    """Draws any cloud of up to 65,536 Gaussians with the exact rules of renderer.backends.base.

    Buffers are kept from call to call. Calls from several threads take turns; for drawing in parallel give each thread
    a rasterizer of its own. The first call of all compiles or loads the kernels (seconds, see renderer.warm_up).
    """

    name = "cpu"

    def __init__(self) -> None:
        self._workspace = RasterWorkspace(0)
        self._lock = threading.Lock()

    def rasterize(self, cloud: GaussianCloud, camera: Camera, background: Color) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`.

        Raises:
            ValueError: too many Gaussians or a picture size out of range.
        """
        with self._lock:
            workspace = self._load(cloud)
            workspace.set_view(camera, background)
            image = np.empty((camera.height, camera.width, 3), np.float32)
            workspace.set_output(layout.OUTPUT_FLOAT, [image])
            workspace.draw()
        return image

    def rasterize_rgb8(self, cloud: GaussianCloud, camera: Camera, background: Color) -> NDArray[np.uint8]:
        """[H, W, 3] uint8 image, sRGB; otherwise as `rasterize`."""
        with self._lock:
            workspace = self._load(cloud)
            workspace.set_view(camera, background)
            image = np.empty((camera.height, camera.width, 3), np.uint8)
            workspace.set_output(layout.OUTPUT_RGB8, [image])
            workspace.draw()
        return image

    def _load(self, cloud: GaussianCloud) -> RasterWorkspace:
        count = len(cloud.means)
        if self._workspace.states["count"][0] != count:
            self._workspace = RasterWorkspace(count)
        workspace = self._workspace
        workspace.means[:, :count] = cloud.means.T
        workspace.colors[:, :count] = cloud.colors.T
        with np.errstate(divide="ignore", invalid="ignore"):
            workspace.log2_opacities[:count] = np.log2(cloud.opacities)
        axes_from_quats(
            np.ascontiguousarray(cloud.quats, np.float32),
            np.ascontiguousarray(cloud.scales, np.float32),
            workspace.axes,
        )
        return workspace
