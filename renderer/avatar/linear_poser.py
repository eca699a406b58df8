"""Profile `linear`, fast: posing and drawing as one call into the kernels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.kernels.frame import help_frame, render_frame, run_pose
from renderer.avatar.kernels.layout import EXPRESSION, EYELIDS, GAZE, JAW_POSE, ROTATION, TORSO, TRANSLATION
from renderer.avatar.packing import PackedAvatar
from renderer.backends import checks
from renderer.backends.workspace import RasterWorkspace


class LinearPoser:
    """Poses one `linear` avatar into a workspace of its own.

    Args:
        avatar: the avatar.
        threads: how many threads may work on a frame.

    Attributes:
        packed: the avatar as the kernels see it.
    """

    def __init__(self, avatar: AvatarModel, threads: int) -> None:
        count = avatar.count
        self.avatar = avatar
        self.sh_from_world: NDArray[np.float32] | None = None  # its colors do not depend on the view
        self.workspace = RasterWorkspace(count, threads)
        self.packed = PackedAvatar(avatar, self.workspace.padded, threads)
        self.workspace.log2_opacities[:count] = np.log2(avatar.opacities.astype(np.float64))
        self.workspace.colors[:, :count] = self.packed.buffers["base_colors"][:, :count]
        for name in ("means", "axes", "colors"):
            self.packed.states[f"{name}_at"] = self.workspace.buffers[name].ctypes.data
        states = self.packed.states, self.workspace.states
        self.workspace.help, self.workspace.kept = partial(help_frame, *states), self.packed
        self.render: Callable[[], bool] = partial(render_frame, *states)
        self.pose: Callable[[], None] = partial(run_pose, self.packed.states)

    def prepare(self, params: FaceParams) -> None:
        """Takes in the instant to pose."""
        face, used = self.packed.face, len(params.expression)
        face[EXPRESSION : EXPRESSION + used] = params.expression
        face[EXPRESSION + used : EXPRESSION + MAX_EXPRESSION] = 0
        face[ROTATION : ROTATION + 3] = params.global_rotation
        face[TRANSLATION : TRANSLATION + 3] = params.translation
        face[JAW_POSE : JAW_POSE + 3] = params.jaw_pose
        face[EYELIDS : EYELIDS + 2] = params.eyelids
        face[GAZE : GAZE + 4] = params.gaze
        face[TORSO : TORSO + 6] = params.torso

    def check(self) -> None:
        """Poses with a look at every index and guard (renderer.backends.checks)."""
        buffers = self.packed.buffers
        checks.check_range("vertices of Gaussians", buffers["corners"], len(buffers["vertices"]))
        if "samples" in buffers:
            checks.check_range("grid points of Gaussians", buffers["samples"], len(buffers["grid_values"]))
        self.pose()
        self.packed.check_own()
