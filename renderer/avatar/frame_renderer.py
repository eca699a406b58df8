"""Whole frames: face parameters in, picture out, without allocating anything large."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.kernels.frame import render_frame, run_pose
from renderer.avatar.packing import PackedAvatar
from renderer.backends import checks
from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import run_bin, run_blend, run_project, run_sort
from renderer.backends.workspace import RasterWorkspace
from renderer.background import Background
from renderer.camera import Camera
from renderer.head.pose import joint_rotations, joint_transforms
from renderer.yuv import YuvPlanes

Floats = NDArray[np.float32]


class FrameRenderer:
    """Poses one avatar and draws it, 200 to 500 times a second at 512 x 512 on one core.

    The work runs with the GIL released. An instance must not be used by two threads at once; two instances share
    nothing that is written to.

    Args:
        avatar: the avatar.
        max_size: largest width and height of a picture, pixels.
    """

    def __init__(self, avatar: AvatarModel, max_size: int = 512) -> None:
        self.avatar = avatar
        self.max_size = max_size
        count = avatar.count
        self._workspace = RasterWorkspace(count)
        self._packed = PackedAvatar(avatar, self._workspace.padded)
        self._workspace.log2_opacities[:count] = np.log2(avatar.opacities.astype(np.float64))
        self._workspace.colors[:, :count] = np.maximum(self._packed.buffers["base_colors"][:, :count], 0)
        for name in ("means", "axes", "colors"):
            self._packed.states[f"{name}_at"] = self._workspace.buffers[name].ctypes.data
        # joint_transforms regresses the joints from all vertices each time; here they are the only vertices
        joints = avatar.head.J_regressor @ (avatar.head.v_template + avatar.asset.shape_offsets)
        self._skeleton = replace(avatar.head, v_template=joints, J_regressor=np.eye(len(joints), dtype=np.float32))
        self._no_offsets = np.zeros(joints.shape, np.float32)
        self._checked = os.environ.get(checks.SWITCH) == "1"

    def render(self, params: FaceParams, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        """Draws one instant into a video frame.

        Args:
            params: the face.
            camera: the view.
            background: a color or a picture of the camera's size (RasterWorkspace.set_view).
            planes: of the camera's width and height.

        Raises:
            ValueError: the planes have another size than the camera, or the picture is larger than `max_size`.
        """
        if (planes.width, planes.height) != (camera.width, camera.height):
            size = f"{planes.width} x {planes.height}"
            raise ValueError(f"planes of {size} for a camera of {camera.width} x {camera.height}")
        self._render(params, camera, background, layout.OUTPUT_YUV, [planes.y, planes.u, planes.v])

    def render_rgb(self, params: FaceParams, camera: Camera, background: Background) -> NDArray[np.uint8]:
        """[H, W, 3] uint8 sRGB picture of one instant; arguments and errors as in `render`."""
        image = np.empty((camera.height, camera.width, 3), np.uint8)
        self._render(params, camera, background, layout.OUTPUT_RGB8, [image])
        return image

    def pose(self, params: FaceParams) -> tuple[Floats, Floats, Floats]:
        """Means [N, 3], axes [N, 3, 3] = rotation times diag(scales), and colors [N, 3] of one instant; copies."""
        self._set_params(params)
        run_pose(self._packed.states)
        count, workspace = self.avatar.count, self._workspace
        axes = workspace.axes[:, :count].T.reshape(count, 3, 3).copy()
        return workspace.means[:, :count].T.copy(), axes, workspace.colors[:, :count].T.copy()

    def phases(self) -> dict[str, Callable[[], None]]:
        """The parts of a frame, in order, each to be run on the state that the last frame left: for measuring."""
        avatar, raster = self._packed.states, self._workspace.states
        stages = {"project": run_project, "sort": run_sort, "bin": run_bin, "blend": run_blend}
        return {
            "pose": lambda: run_pose(avatar),
            **{name: partial(stage, raster) for name, stage in stages.items()},
        }

    def _render(
        self, params: FaceParams, camera: Camera, background: Background, output: int, planes: list[NDArray]
    ) -> None:
        if max(camera.width, camera.height) > self.max_size:
            raise ValueError(f"a picture of {camera.width} x {camera.height}, at most {self.max_size} was announced")
        workspace = self._workspace
        workspace.set_view(camera, background)
        workspace.set_output(output, planes)
        self._set_params(params)
        if self._checked:
            self._pose_checked()
            workspace.draw()
        elif not render_frame(self._packed.states, workspace.states):
            workspace.draw()  # a tile's list was too short: draw again, with longer ones

    def _set_params(self, params: FaceParams) -> None:
        packed = self._packed
        used = len(params.expression)
        coefficients = packed.coefficients
        coefficients[:used] = params.expression
        coefficients[used:MAX_EXPRESSION] = 0
        coefficients[MAX_EXPRESSION : MAX_EXPRESSION + 2] = params.eyelids
        features = (joint_rotations(params) - np.eye(3)).reshape(-1)  # [36]
        coefficients[MAX_EXPRESSION + 2 : MAX_EXPRESSION + 2 + len(features)] = features
        rotations, translations = joint_transforms(self._skeleton, self._no_offsets, params)
        packed.joints[:] = np.concatenate([rotations, translations[:, :, None]], axis=2).reshape(len(rotations), -1)
        if len(packed.basis_coefficients):
            packed.basis_coefficients[:] = self.avatar.basis_coefficients(params)

    def _pose_checked(self) -> None:
        packed = self._packed
        buffers = packed.buffers
        checks.check_range("vertices of Gaussians", buffers["corners"], len(buffers["vertices"]))
        if "samples" in buffers:
            checks.check_range("grid points of Gaussians", buffers["samples"], len(buffers["grid_values"]))
        run_pose(packed.states)
        for name, buffer in buffers.items():
            if name not in ("directions", "numbers", "starts"):  # shared, not written to, without guards
                checks.check_guards(name, buffer)
