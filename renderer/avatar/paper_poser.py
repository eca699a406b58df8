"""Profile `paper`, fast: means and axes of a frame straight into the rasterizer's buffers, allocating nothing large.

Nearly all of the time goes into the network (renderer.avatar.paper_network). A few numpy functions on its ten outputs
and one kernel (renderer.avatar.kernels.paper) do the rest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from codec.paper_avatar import OUTPUT_SIZE
from codec.params import MAX_EXPRESSION, FaceParams
from renderer.avatar.avatar_model import MAX_SCALE_M, skull_rotation
from renderer.avatar.kernels.layout import JOINT, JOINTS
from renderer.avatar.kernels.paper import PAPER_STATE, run_bind
from renderer.avatar.packing import blocks_of_16, head_directions, padded_columns
from renderer.avatar.paper_model import PaperAvatarModel, area_limit, condition_vector, without_head_pose
from renderer.avatar.paper_network import OffsetNetwork
from renderer.backends import checks
from renderer.backends.buffers import AddressedBuffers
from renderer.backends.workspace import RasterWorkspace
from renderer.head.pose import FLIP, joint_rotations, joint_transforms
from renderer.team import Help

Floats = NDArray[np.float32]

_LOG_MAX_SCALE = np.float32(np.log(MAX_SCALE_M))


class PaperPoser(AddressedBuffers):
    """Poses one `paper` avatar into a workspace of its own; a renderer.avatar.frame_renderer.Poser.

    The GIL is released for nearly all of the time.

    Args:
        model: the avatar.
        threads: how many threads may work on a frame.

    Attributes:
        workspace: what is posed and drawn; means and axes are new in every frame, the rest is constant.
        sh_from_world: [3, 3] float32, as in GaussianCloud; `prepare` writes it in place.

    Raises:
        UnsupportedProcessorError: the kernels cannot run on this processor.
    """

    def __init__(self, model: PaperAvatarModel, threads: int = 1) -> None:
        sh_rest, count = model.asset.sh_rest, model.count
        self.workspace = RasterWorkspace(count, threads, sh_rest.shape[1])
        self.workspace.log2_opacities[:count] = np.log2(model.opacities.astype(np.float64))
        self.workspace.colors[:, :count] = model.colors.T
        if sh_rest.shape[1]:
            self.workspace.set_harmonics(sh_rest)
        self._sh_from_world = np.eye(3, dtype=np.float32)
        self.sh_from_world: Floats | None = self._sh_from_world
        super().__init__(PAPER_STATE)
        self._pack_head(model)
        self._pack_gaussians(model)
        for name in ("means", "axes"):
            self.states[f"{name}_at"] = self.workspace.buffers[name].ctypes.data
        self._network = OffsetNetwork(model, self.buffers["offsets"], threads)
        self.workspace.help = partial(_help, self._network, self.workspace.help)
        self.workspace.kept = self.buffers

    def prepare(self, params: FaceParams) -> None:
        """Sets the instant that the next `pose` shows."""
        self._network.set_condition(condition_vector(params))
        straight = without_head_pose(params)
        coefficients = self._coefficients
        used = len(params.expression)
        coefficients[:used] = params.expression
        coefficients[used:MAX_EXPRESSION] = 0
        coefficients[MAX_EXPRESSION : MAX_EXPRESSION + 2] = params.eyelids
        features = (joint_rotations(straight) - np.eye(3)).reshape(-1)  # [36]
        coefficients[MAX_EXPRESSION + 2 : MAX_EXPRESSION + 2 + len(features)] = features
        rotations, translations = joint_transforms(self._skeleton, self._no_offsets, straight)
        skull = skull_rotation(params)
        self._joints[:, :, :3] = skull @ (FLIP @ rotations)
        self._joints[:, :, 3] = translations @ (skull @ FLIP).T + params.translation
        self._rotation[:] = skull
        self._sh_from_world[:] = skull.T

    def render(self) -> bool:
        """Poses and draws; True, the picture is complete."""
        self.pose()
        self.workspace.draw()
        return True

    def pose(self) -> None:
        """Poses the instant that was prepared."""
        self._network.run()
        self._finish_offsets()
        run_bind(self.states)
        shrink = area_limit(9 * np.pi * float(self.buffers["areas"].sum(dtype=np.float64)))
        if shrink < 1:
            np.multiply(self.workspace.axes, np.float32(shrink), out=self.workspace.axes)

    def check(self) -> None:
        """Poses with a look at every index and guard (renderer.backends.checks)."""
        checks.check_range("vertices of Gaussians", self.buffers["corners"], len(self.buffers["vertices"]))
        self.pose()
        self.check_own()

    def _finish_offsets(self) -> None:
        """From the network's outputs to displacements, quaternions and standard deviations, in place."""
        offsets = self.buffers["offsets"]
        np.tanh(offsets, out=offsets)
        np.exp(offsets[3], out=offsets[3])
        deviations = offsets[7:]
        np.exp(deviations, out=deviations)
        np.multiply(deviations, self._log_scales, out=deviations)
        np.minimum(deviations, _LOG_MAX_SCALE, out=deviations)
        np.exp(deviations, out=deviations)

    def _pack_head(self, model: PaperAvatarModel) -> None:
        head, offsets = model.head, model.asset.shape_offsets
        shaped = head.v_template + offsets
        shared = head_directions(head)
        self.share("directions", shared.directions)
        self.share("numbers", shared.numbers)
        self.share("starts", shared.starts)
        self.add_copy("rest", blocks_of_16(shaped))
        self.add_copy("weights", blocks_of_16(head.lbs_weights))
        self._coefficients = self.add_copy("coefficients", np.zeros(shared.count + 1, np.float32))
        self._joints = self.add_copy("joints", np.zeros((JOINTS, JOINT), np.float32)).reshape(JOINTS, 3, 4)
        self.states["head_blocks"] = len(shared.starts) - 1
        self.add_copy("vertices", np.zeros(((len(shared.starts) - 1) * 16, 4), np.float32))
        # joint_transforms regresses the joints from all vertices each time; here they are the only vertices
        joints = head.J_regressor @ shaped
        self._skeleton = replace(head, v_template=joints, J_regressor=np.eye(len(joints), dtype=np.float32))
        self._no_offsets = np.zeros(joints.shape, np.float32)

    def _pack_gaussians(self, model: PaperAvatarModel) -> None:
        asset, padded = model.asset, self.workspace.padded
        self.states["padded"] = padded
        self.add_copy("corners", padded_columns(model.corners.astype(np.int32), padded))
        self.add_copy("barycentrics", padded_columns(asset.barycentrics.astype(np.float32), padded))
        quats = self.add_copy("quats", padded_columns(asset.quats.astype(np.float32), padded))
        quats[0, model.count :] = 1
        self._log_scales = padded_columns(asset.log_scales.astype(np.float32), padded)
        self._log_scales[:, model.count :] = -np.inf  # no area
        self._rotation = self.add_copy("rotation", np.zeros((3, 3), np.float32))
        self.add_copy("areas", np.zeros(16, np.float32))
        self.add_copy("offsets", np.zeros((OUTPUT_SIZE, padded), np.float32))


def _help(network: OffsetNetwork, draw: Help, worker: int) -> None:
    """Helps with the network if that is what the frame is at, then with drawing."""
    network.help(worker)
    draw(worker)
