"""Buffers of the backward pass: owned here, addressed by the kernels."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from renderer.backends import checks
from renderer.backends.buffers import AddressedBuffers
from renderer.backends.kernels import gradient_layout, layout
from renderer.backends.kernels.backward import backward, help_backward
from renderer.backends.kernels.parallel import SYNC_SIZE
from renderer.backends.workspace import RasterWorkspace
from renderer.team import shared_team

MAX_SHARES = 64


class GradientWorkspace(AddressedBuffers):
    """The backward pass of what a RasterWorkspace draws; not to be used for two frames at once.

    Draw with the workspace's planar output, write the gradient of the loss with respect to these planes to
    `gradient_planes()`, and call `backward`. Then the arrays below hold the gradient with respect to the workspace's
    arrays of the same name, 0 for Gaussians that no pixel shows. Nothing is allocated while the picture keeps its size.

    Args:
        workspace: what is drawn.
        shares: number of parts that the work is divided into, None: one for each thread of the workspace. The result is
            bitwise the same for the same number of shares, whatever the number of threads.

    Attributes:
        means: [3, S] float32, world, per metre.
        axes: [9, S] float32, rotation times diag(scales), row by row.
        log2_opacities: [S] float32.
        colors: [3, S] float32, of degree 0.
        sh: [S / 16, K, 3, 16] float32, empty if K = 0.

    Raises:
        ValueError: `shares` is out of range.
    """

    def __init__(self, workspace: RasterWorkspace, shares: int | None = None) -> None:
        shares = workspace.threads if shares is None else shares
        if not 1 <= shares <= MAX_SHARES:
            raise ValueError(f"{shares} shares, expected 1..{MAX_SHARES}")
        padded, sh_count = workspace.padded, int(workspace.states["sh_count"][0])
        self._workspace = workspace
        super().__init__(gradient_layout.GRADIENT_STATE)
        self.states["shares"] = shares
        self._first_tiles = self.add("first_tiles", (shares + 1,), np.int64)
        self.add("sync", (SYNC_SIZE,), np.int64)
        self.add("lines", (shares, padded + 1, gradient_layout.LINE), np.float32)
        self._background_sums = self.add("background_sums", (shares, 3, 16), np.float32)
        self._camera_sums = self.add("camera_sums", (shares, gradient_layout.CAMERA_SUMS, 16), np.float32)
        self.means = self.add("mean_gradients", (3, padded), np.float32)
        self.axes = self.add("axis_gradients", (9, padded), np.float32)
        self.log2_opacities = self.add("log2_opacity_gradients", (padded,), np.float32)
        self.colors = self.add("color_gradients", (3, padded), np.float32)
        shape = (padded // 16, sh_count, 3, 16)
        self.sh = self.add("sh_gradients", shape, np.float32) if sh_count else np.zeros(shape, np.float32)
        self._checked = os.environ.get(checks.SWITCH) == "1"

    def gradient_planes(self) -> NDArray[np.float32]:
        """[4, tiles_y * 16, tiles_x * 16] dL/d(red, green, blue, alpha), for the caller to fill.

        What lies outside of the picture must be 0, as it is to begin with. The array is kept until the size of the
        picture changes.
        """
        shape = (4, *(int(self._workspace.states[name][0]) * layout.TILE_PX for name in ("tiles_y", "tiles_x")))
        planes = self.buffers.get("gradient_planes")
        if planes is None or planes.shape != shape:
            planes = self.add("gradient_planes", shape, np.float32)
        return planes

    def backward(self) -> None:
        """Fills the gradients for the picture that the workspace has drawn last.

        Raises:
            ValueError: it was not drawn to planes, or `gradient_planes` was not asked for at this size.
        """
        workspace = self._workspace
        planes, gradient = workspace.buffers.get("planar"), self.buffers.get("gradient_planes")
        if planes is None or workspace.states["plane0_at"][0] != planes.ctypes.data:
            raise ValueError("a backward pass before a picture was drawn to planes")
        if gradient is None or gradient.shape != planes.shape:
            raise ValueError(f"no gradient of the picture's planes {planes.shape}")
        self.states["planes_at"] = planes.ctypes.data
        if self._checked:
            self._check(workspace)
        elif workspace.threads > 1:
            shared_team().ask(workspace.threads, self._help, self)
        backward(workspace.states, self.states)
        if self._checked:
            self._check(workspace)

    def camera_gradient(self) -> NDArray[np.float64]:
        """[3, 4] dL/dcamera_from_world of the last backward pass, of each number by itself."""
        sums = self._camera_sums.sum(axis=(0, 2), dtype=np.float64)
        gradient = sums[: gradient_layout.CAMERA_SUMS_SH].reshape(3, 4)
        if self.sh.size:
            # directions enter the harmonics turned by sh_from_camera = sh_from_world @ rotation^T
            by_sh_from_camera = sums[gradient_layout.CAMERA_SUMS_SH :].reshape(3, 3)
            camera = self._workspace.buffers["camera"].astype(np.float64)
            sh_from_world = camera[layout.CAM_SH :].reshape(3, 3) @ camera[:12].reshape(3, 4)[:, :3]
            gradient[:, :3] += by_sh_from_camera.T @ sh_from_world
        return gradient

    def background_gradient(self) -> NDArray[np.float64]:
        """[3] dL/d(a color added to the whole background) of the last backward pass."""
        return self._background_sums.sum(axis=(0, 2), dtype=np.float64)

    def _help(self, worker: int) -> None:
        help_backward(self._workspace.states, self.states, worker)

    def _check(self, workspace: RasterWorkspace) -> None:
        for buffers, states in ((self.buffers, self.states), (workspace.buffers, workspace.states)):
            for name, buffer in buffers.items():
                checks.check_guards(name, buffer)
                if name not in checks.UNADDRESSED and states[f"{name}_at"][0] != buffer.ctypes.data:
                    raise AssertionError(f"the state does not point to the buffer {name}")
        tiles = int(workspace.states["tiles_x"][0] * workspace.states["tiles_y"][0])
        checks.check_range("first tiles of shares", self._first_tiles, tiles + 1)
        if (np.diff(self._first_tiles) < 0).any():
            raise AssertionError("shares of tiles overlap")
