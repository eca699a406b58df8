"""Pictures that can be differentiated: docs/gradients.md has the formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.backends.cpu import load_cloud
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.kernels.backward import quats_backward
from renderer.backends.workspace import RasterWorkspace
from renderer.background import Background
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud

LOG2_E = np.float32(1.4426950408889634)


@dataclass(frozen=True, eq=False)
class CloudGradients:
    """Derivatives of a loss L; 0 for Gaussians that no pixel shows.

    Args:
        means: [N, 3] float32, per metre.
        quats: [N, 4] float32, of the quaternions as they were given, not of their unit versions.
        scales: [N, 3] float32, per metre.
        opacities: [N] float32.
        colors: [N, 3] float32, of degree 0.
        sh_rest: [N, K, 3] float32, None if the cloud has none.
        camera_from_world: [4, 4] float32, of each number by itself; the last row is 0. See `rigid_motion_gradient`.
        background: [3] float32, of one color added to the whole background.
    """

    means: NDArray[np.float32]
    quats: NDArray[np.float32]
    scales: NDArray[np.float32]
    opacities: NDArray[np.float32]
    colors: NDArray[np.float32]
    sh_rest: NDArray[np.float32] | None
    camera_from_world: NDArray[np.float32]
    background: NDArray[np.float32]


def rigid_motion_gradient(
    camera_from_world: NDArray[np.floating], gradient: NDArray[np.floating]
) -> NDArray[np.floating]:
    """[6] derivative by a small rigid motion that is applied after `camera_from_world`.

    Args:
        camera_from_world: [4, 4] or [3, 4].
        gradient: dL/dcamera_from_world, [4, 4] or [3, 4].

    Returns:
        By the rotation vector (radians, camera axes), then by the translation (metres, camera axes).
    """
    by_rotation = np.cross(camera_from_world[:3], gradient[:3], axis=0).sum(axis=1)
    return np.concatenate([by_rotation, gradient[:3, 3]])


class DifferentiableRasterizer:
    """renderer.backends.cpu.CpuRasterizer with a backward pass; not to be used by two threads at once.

    Results are deterministic: bitwise the same each time for the same number of shares, whatever the number of threads.

    Args:
        threads: how many threads work on one picture together.
        shares: number of parts that the backward pass is divided into, None: `threads`.

    Raises:
        ValueError: `threads` or `shares` is out of range.
    """

    def __init__(self, threads: int = 1, shares: int | None = None) -> None:
        self._threads, self._shares = threads, shares
        self._workspace = RasterWorkspace(0, threads)
        self._gradients = GradientWorkspace(self._workspace, shares)
        self._cloud: GaussianCloud | None = None  # of the last picture
        self._size = (0, 0)
        self._planes = np.zeros((4, 0, 0), np.float32)

    def forward(self, cloud: GaussianCloud, camera: Camera, background: Background) -> NDArray[np.float32]:
        """[H, W, 3] float32 image, sRGB 0..1, over `background`.

        The cloud's arrays must not change before `backward`.

        Raises:
            ValueError: too many Gaussians, or a size out of range.
        """
        self._cloud = None
        workspace = self._load(cloud)
        workspace.set_view(camera, background, cloud.sh_from_world)
        self._planes = workspace.set_planar_output()
        workspace.draw()
        self._cloud, self._size = cloud, (camera.height, camera.width)
        return np.ascontiguousarray(self._planes[:3, : camera.height, : camera.width].transpose(1, 2, 0))

    @property
    def alpha(self) -> NDArray[np.float32]:
        """[H, W] float32, how much of each pixel of the last picture the Gaussians cover, 0..1.

        Raises:
            ValueError: nothing was drawn yet.
        """
        if self._cloud is None:
            raise ValueError("alpha before forward")
        height, width = self._size
        return self._planes[3, :height, :width].copy()

    def backward(
        self, image_gradient: NDArray[np.floating], alpha_gradient: NDArray[np.floating] | None = None
    ) -> CloudGradients:
        """Derivatives of a loss for the last picture.

        Args:
            image_gradient: [H, W, 3] dL/dimage.
            alpha_gradient: [H, W] dL/dalpha, None: 0.

        Raises:
            ValueError: nothing was drawn yet, or a gradient has not the picture's size.
        """
        cloud, gradients = self._cloud, self._gradients
        if cloud is None:
            raise ValueError("backward before forward")
        height, width = self._size
        if np.shape(image_gradient) != (height, width, 3):
            raise ValueError(f"the image's gradient has shape {np.shape(image_gradient)}, not {(height, width, 3)}")
        if alpha_gradient is not None and np.shape(alpha_gradient) != (height, width):
            raise ValueError(f"the gradient of alpha has shape {np.shape(alpha_gradient)}, not {(height, width)}")
        planes = gradients.gradient_planes()
        planes[:3, :height, :width] = np.moveaxis(np.asarray(image_gradient), 2, 0)
        planes[3, :height, :width] = 0 if alpha_gradient is None else alpha_gradient
        planes[:, height:] = 0  # what a larger picture of as many tiles has left
        planes[:, :, width:] = 0
        gradients.backward()
        return _collect(cloud, gradients)

    def _load(self, cloud: GaussianCloud) -> RasterWorkspace:
        count = len(cloud.means)
        sh_count = 0 if cloud.sh_rest is None else cloud.sh_rest.shape[1]
        workspace = self._workspace
        if workspace.states["count"][0] != count or workspace.states["sh_count"][0] != sh_count:
            workspace = self._workspace = RasterWorkspace(count, self._threads, sh_count)
            self._gradients = GradientWorkspace(workspace, self._shares)
        load_cloud(workspace, cloud)
        return workspace


def _collect(cloud: GaussianCloud, gradients: GradientWorkspace) -> CloudGradients:
    count = len(cloud.means)
    quats, scales = np.empty((count, 4), np.float32), np.empty((count, 3), np.float32)
    quats_backward(
        np.ascontiguousarray(cloud.quats, np.float32),
        np.ascontiguousarray(cloud.scales, np.float32),
        gradients.axes,
        quats,
        scales,
    )
    by_log2 = gradients.log2_opacities[:count]
    opacities = np.zeros(count, np.float32)
    np.divide(LOG2_E * by_log2, cloud.opacities, out=opacities, where=by_log2 != 0)
    sh_rest = None
    if cloud.sh_rest is not None:
        sh_rest = np.moveaxis(gradients.sh, -1, 1).reshape(-1, *gradients.sh.shape[1:3])[:count].copy()
    camera = np.zeros((4, 4), np.float32)
    camera[:3] = gradients.camera_gradient()
    return CloudGradients(
        means=gradients.means[:, :count].T.copy(),
        quats=quats,
        scales=scales,
        opacities=opacities,
        colors=gradients.colors[:, :count].T.copy(),
        sh_rest=sh_rest,
        camera_from_world=camera,
        background=gradients.background_gradient().astype(np.float32),
    )
