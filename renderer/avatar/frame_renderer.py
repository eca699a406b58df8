"""Whole frames: face parameters in, picture out, without allocating anything large."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.linear_poser import LinearPoser
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.avatar.paper_poser import PaperPoser
from renderer.backends import checks
from renderer.backends.kernels import layout
from renderer.backends.kernels.draw import run_bin, run_blend, run_project, run_sort
from renderer.backends.workspace import RasterWorkspace
from renderer.background import Background
from renderer.camera import Camera
from renderer.yuv import YuvPlanes

Floats = NDArray[np.float32]


class Poser(Protocol):
    """One avatar and the workspace that it is posed into."""

    workspace: RasterWorkspace
    sh_from_world: Floats | None
    render: Callable[[], bool]
    """Poses and draws; whether the picture is complete (renderer.backends.kernels.draw.draw)."""
    pose: Callable[[], None]
    """Poses alone."""

    def prepare(self, params: FaceParams) -> None:
        """Takes in the instant to pose."""
        ...

    def check(self) -> None:
        """Poses with a look at every index and guard."""
        ...


class FrameRenderer:
    """Poses one avatar and draws it, hundreds of times a second at 512 x 512 (`visavis bench render`).

    The work runs with the GIL released. An instance must not be used by two callers at once; two instances share
    nothing that is written to.

    Args:
        avatar: the avatar, of either profile.
        max_size: largest width and height of a picture, pixels.
        threads: how many threads may draw a picture together. More make one picture come sooner; where many heads are
            drawn at the same time, one each does more in all.
    """

    def __init__(self, avatar: AvatarModel | PaperAvatarModel, max_size: int = 512, threads: int = 1) -> None:
        self.avatar = avatar
        self.max_size = max_size
        self._poser: Poser = (
            LinearPoser(avatar, threads) if isinstance(avatar, AvatarModel) else PaperPoser(avatar, threads)
        )
        self._checked = os.environ.get(checks.SWITCH) == "1"
        self._posed = False

    def render(self, params: FaceParams, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        """Draws one instant into a video frame.

        Args:
            params: the face.
            camera: the view.
            background: a color, or a picture of the camera's size (RasterWorkspace.set_view).
            planes: of the camera's width and height.

        Raises:
            ValueError: the planes have another size than the camera, or the picture is larger than `max_size`.
        """
        self._check_size(camera, planes)
        self._poser.prepare(params)
        self._show(camera, background, layout.OUTPUT_YUV, [planes.y, planes.u, planes.v])
        self._pose_and_draw()

    def render_view(self, camera: Camera, background: Background, planes: YuvPlanes) -> None:
        """Draws another view of the instant that was rendered last; arguments and errors as in `render`.

        Raises:
            RuntimeError: nothing was rendered yet.
        """
        if not self._posed:
            raise RuntimeError("there is no instant yet that could be seen from elsewhere")
        self._check_size(camera, planes)
        self._show(camera, background, layout.OUTPUT_YUV, [planes.y, planes.u, planes.v])
        self._poser.workspace.draw()

    def render_rgb(self, params: FaceParams, camera: Camera, background: Background) -> NDArray[np.uint8]:
        """[H, W, 3] uint8 sRGB picture of one instant; arguments and errors as in `render`."""
        self._check_size(camera)
        self._poser.prepare(params)
        image = np.empty((camera.height, camera.width, 3), np.uint8)
        self._show(camera, background, layout.OUTPUT_RGB8, [image])
        self._pose_and_draw()
        return image

    def render_rgba(self, params: FaceParams, camera: Camera) -> NDArray[np.uint8]:
        """[H, W, 4] uint8 sRGB picture with straight alpha; otherwise as `render`."""
        self._check_size(camera)
        self._poser.prepare(params)
        image = np.empty((camera.height, camera.width, 4), np.uint8)
        self._show(camera, (0.0, 0.0, 0.0), layout.OUTPUT_RGBA8, [image])
        self._pose_and_draw()
        return image

    def pose(self, params: FaceParams) -> tuple[Floats, Floats, Floats]:
        """Means [N, 3], axes [N, 3, 3] = rotation times diag(scales), and colors [N, 3] of one instant; copies."""
        poser = self._poser
        poser.prepare(params)
        poser.pose()
        count, workspace = self.avatar.count, poser.workspace
        axes = workspace.axes[:, :count].T.reshape(count, 3, 3).copy()
        return workspace.means[:, :count].T.copy(), axes, workspace.colors[:, :count].T.copy()

    def phases(self) -> dict[str, Callable[[], None]]:
        """The parts of a frame, in order, each to be run on the state that the last frame left: for measuring."""

        def run(stage: Callable[[NDArray], None]) -> None:
            stage(self._poser.workspace.states)  # through self, whose buffers the kernels look at

        stages = {"project": run_project, "sort": run_sort, "bin": run_bin, "blend": run_blend}
        return {"pose": lambda: self._poser.pose(), **{name: partial(run, stage) for name, stage in stages.items()}}

    def _check_size(self, camera: Camera, planes: YuvPlanes | None = None) -> None:
        if planes is not None and (planes.width, planes.height) != (camera.width, camera.height):
            size = f"{planes.width} x {planes.height}"
            raise ValueError(f"planes of {size} for a camera of {camera.width} x {camera.height}")
        if max(camera.width, camera.height) > self.max_size:
            raise ValueError(f"a picture of {camera.width} x {camera.height}, at most {self.max_size} was announced")

    def _show(self, camera: Camera, background: Background, output: int, planes: list[NDArray]) -> None:
        """Sets the view of the instant that was prepared last, and where its picture goes."""
        self._poser.workspace.set_view(camera, background, self._poser.sh_from_world)
        self._poser.workspace.set_output(output, planes)

    def _pose_and_draw(self) -> None:
        poser = self._poser
        self._posed = True
        if self._checked:
            poser.check()
            poser.workspace.draw()
            return
        poser.workspace.ask_for_help()
        if not poser.render():
            poser.workspace.draw()  # a tile's list was too short: draw again, with longer ones
