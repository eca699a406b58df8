"""The CPU rasterizer: SIMD kernels for AVX-512, AVX2 and NEON, compiled by Numba on the machine they run on."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import axes_from_quats
from renderer.backends.workspace import RasterWorkspace
from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud


def load_cloud(workspace: RasterWorkspace, cloud: GaussianCloud) -> None:
    """Puts a cloud into a workspace of as many Gaussians and coefficients."""
    count = len(cloud.means)
    workspace.means[:, :count] = cloud.means.T
    workspace.colors[:, :count] = cloud.colors.T
    if cloud.sh_rest is not None and cloud.sh_rest.shape[1]:
        workspace.set_harmonics(cloud.sh_rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        workspace.log2_opacities[:count] = np.log2(cloud.opacities)
    axes_from_quats(
        np.ascontiguousarray(cloud.quats, np.float32),
        np.ascontiguousarray(cloud.scales, np.float32),
        workspace.axes,
    )


class CpuRasterizer:
    """Draws any cloud with the exact rules of renderer.backends.base.

    Buffers are kept from call to call. Calls from several threads take turns; for drawing in parallel give each thread
    a rasterizer of its own. The first call of all compiles or loads the kernels (seconds, see renderer.warm_up).

    Args:
        threads: how many threads draw one picture together.
    """

    name = "cpu"

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._workspace = RasterWorkspace(0, threads)
        self._lock = threading.Lock()

    def rasterize(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`.

        Raises:
            ValueError: too many Gaussians, or a size out of range.
        """
        with self._lock:
            workspace = self._load(cloud)
            workspace.set_view(camera, background, cloud.sh_from_world)
            planes = workspace.set_planar_output()
            workspace.draw()
            return np.ascontiguousarray(planes[:3, : camera.height, : camera.width].transpose(1, 2, 0))

    def rasterize_rgb8(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.uint8]:
        """[H, W, 3] uint8 image, sRGB; otherwise as `rasterize`."""
        with self._lock:
            workspace = self._load(cloud)
            workspace.set_view(camera, background, cloud.sh_from_world)
            image = np.empty((camera.height, camera.width, 3), np.uint8)
            workspace.set_output(layout.OUTPUT_RGB8, [image])
            workspace.draw()
        return image

    def _load(self, cloud: GaussianCloud) -> RasterWorkspace:
        count = len(cloud.means)
        sh_count = 0 if cloud.sh_rest is None else cloud.sh_rest.shape[1]
        if self._workspace.states["count"][0] != count or self._workspace.states["sh_count"][0] != sh_count:
            self._workspace = RasterWorkspace(count, self._threads, sh_count)
        load_cloud(self._workspace, cloud)
        return self._workspace
