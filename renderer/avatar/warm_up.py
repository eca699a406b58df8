"""Compiles every kernel ahead of the first frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_model import PARAMS_SIZE, AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.workspace import RasterWorkspace
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head

Progress = Callable[[str, float], None]


def warm_up(progress: Progress | None = None) -> None:
    """Compiles, or loads from the cache, all code that drawing needs.

    About ten seconds the first time on a machine, half a second after that. Safe to run in a background thread.

    Args:
        progress: called with what is being done and the share that is finished, 0..1.
    """

    def report(doing: str, share: float) -> None:
        if progress is not None:
            progress(doing, share)

    report("compiling the rasterizer", 0.0)
    camera = Camera.looking_from_lens(16, 16, 16.0)
    one = np.ones((1, 4), np.float32)
    CpuRasterizer().rasterize(GaussianCloud(one[:, :3], one, one[:, :3], one[0, :1], one[:, :3]), camera, (0, 0, 0))
    RasterWorkspace(0, threads=2).help(1)
    report("compiling the avatar renderer", 0.6)
    head = load_open_head()
    avatar = AvatarModel(head, smallest_avatar(head))
    renderer = FrameRenderer(avatar, max_size=16)
    renderer.pose(FaceParams.neutral())
    report("compiling the frame loop", 0.85)
    renderer.render_rgb(FaceParams.neutral(), camera, (0, 0, 0))
    LinearPoser(avatar, threads=2).workspace.help(1)
    report("ready to draw", 1.0)


def smallest_avatar(head: HeadModel) -> AvatarAsset:
    """One Gaussian and one basis: enough to compile with."""
    third = np.full((1, 3), 1 / 3, np.float32)
    return AvatarAsset(
        head_model_id=head.model_id,
        name="warm-up",
        shape_offsets=np.zeros_like(head.v_template),
        faces_bound=np.zeros(1, np.int32),
        barycentrics=third,
        local_means=np.zeros((1, 3), np.float32),
        local_quats=np.array([[1, 0, 0, 0]], np.float32),
        log_scales=np.full((1, 3), -6, np.float32),
        logit_opacities=np.zeros(1, np.float32),
        sh0=third,
        rigid_to_skull=np.zeros(1, np.bool_),
        grid_uv=np.zeros((1, 2), np.float32),
        basis_grid=np.zeros((1, BASIS_CHANNELS, 2, 2), np.float16),
        basis_weights=np.zeros((1, PARAMS_SIZE), np.float32),
    )
