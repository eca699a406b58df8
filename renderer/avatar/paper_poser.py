"""Profile `paper`, fast: a frame's means and axes straight into the rasterizer's buffers, allocating nothing large.

Nearly all of the time goes into the network (renderer.avatar.paper_network). A few numpy functions on its ten outputs
and one kernel (renderer.avatar.kernels.paper) do the rest.
"""

from __future__ import annotations

import os
from dataclasses import replace

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
from renderer.backends.workspace import aligned
from renderer.head.pose import FLIP, joint_rotations, joint_transforms
from renderer.jit import require_processor

Floats = NDArray[np.float32]

_LOG_MAX_SCALE = np.float32(np.log(MAX_SCALE_M))


class PaperPoser:
    """Poses one `paper` avatar, frame after frame; not to be used by two threads at once.

    `prepare` takes an instant in, `pose` does the work. Colors and opacities do not change: they are `model.colors`,
    `model.asset.sh_rest` and `model.opacities`. The GIL is released for nearly all of the time.

    Args:
        model: the avatar.
        padded: its number of Gaussians, padded to a multiple of 16, S.
        means: [3, S] float32, where to write the means (metres, world frame); None: a buffer of its own.
        axes: [9, S] float32, where to write rotation times diag(scales), row by row; None: a buffer of its own.
            The last S - N columns are nobody's.

    Attributes:
        means: [3, S].
        axes: [9, S].
        sh_from_world: [3, 3] float32, how to turn directions for the harmonics (GaussianCloud.sh_from_world); `prepare`
            writes it in place.

    Raises:
        ValueError: `padded` or a buffer does not fit.
        UnsupportedProcessorError: the kernels cannot run on this processor.
    """

    def __init__(
        self, model: PaperAvatarModel, padded: int, means: Floats | None = None, axes: Floats | None = None
    ) -> None:
        require_processor()
        if padded % 16 or padded < model.count:
            raise ValueError(f"{padded} places for {model.count} Gaussians, expected a multiple of 16 that holds them")
        self.model = model
        self.buffers: dict[str, NDArray] = {}
        self._own: dict[str, NDArray] = {}  # those that have guards and are written to by nobody else
        self._checked = os.environ.get(checks.SWITCH) == "1"
        self.states = np.zeros(1, PAPER_STATE)
        self.states["padded"] = padded
        self.means = self._adopt("means", means, (3, padded))
        self.axes = self._adopt("axes", axes, (9, padded))
        self.sh_from_world = np.eye(3, dtype=np.float32)
        self._pack_head()
        self._pack_gaussians(padded)
        self._network = OffsetNetwork(model, self.buffers["offsets"])

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
        self.sh_from_world[:] = skull.T

    def pose(self) -> None:
        """Fills `means` and `axes` with the instant that was prepared."""
        self._network.run()
        self._finish_offsets()
        if self._checked:
            checks.check_range("vertices of Gaussians", self.buffers["corners"], len(self.buffers["vertices"]))
        run_bind(self.states)
        shrink = area_limit(9 * np.pi * float(self._areas.sum(dtype=np.float64)))
        if shrink < 1:
            np.multiply(self.axes, np.float32(shrink), out=self.axes)
        if self._checked:
            for name, buffer in self._own.items():
                checks.check_guards(name, buffer)

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

    def _adopt(self, name: str, buffer: Floats | None, shape: tuple[int, ...]) -> Floats:
        if buffer is None:
            return self._add(name, np.zeros(shape, np.float32))
        if buffer.shape != shape or buffer.dtype != np.float32 or not buffer.flags.c_contiguous:
            raise ValueError(f"{name} has shape {buffer.shape} of {buffer.dtype}, expected {shape} of float32")
        self._point(name, buffer)
        return buffer

    def _add(self, name: str, source: NDArray) -> NDArray:
        buffer = aligned(source.shape, source.dtype)
        buffer[...] = source
        self._own[name] = buffer
        self._point(name, buffer)
        return buffer

    def _point(self, name: str, buffer: NDArray) -> None:
        self.buffers[name] = buffer
        self.states[f"{name}_at"] = buffer.ctypes.data

    def _pack_head(self) -> None:
        head, offsets = self.model.head, self.model.asset.shape_offsets
        shaped = head.v_template + offsets
        shared = head_directions(head)
        self._point("directions", shared.directions)
        self._point("numbers", shared.numbers)
        self._point("starts", shared.starts)
        self._add("rest", blocks_of_16(shaped))
        self._add("weights", blocks_of_16(head.lbs_weights))
        self._coefficients = self._add("coefficients", np.zeros(shared.count + 1, np.float32))
        self._joints = self._add("joints", np.zeros((JOINTS, JOINT), np.float32)).reshape(JOINTS, 3, 4)
        self.states["head_blocks"] = len(shared.starts) - 1
        self._add("vertices", np.zeros(((len(shared.starts) - 1) * 16, 4), np.float32))
        # joint_transforms regresses the joints from all vertices each time; here they are the only vertices
        joints = head.J_regressor @ shaped
        self._skeleton = replace(head, v_template=joints, J_regressor=np.eye(len(joints), dtype=np.float32))
        self._no_offsets = np.zeros(joints.shape, np.float32)

    def _pack_gaussians(self, padded: int) -> None:
        model, asset = self.model, self.model.asset
        self._add("corners", padded_columns(model.corners.astype(np.int32), padded))
        self._add("barycentrics", padded_columns(asset.barycentrics.astype(np.float32), padded))
        quats = self._add("quats", padded_columns(asset.quats.astype(np.float32), padded))
        quats[0, model.count :] = 1
        self._log_scales = padded_columns(asset.log_scales.astype(np.float32), padded)
        self._log_scales[:, model.count :] = -np.inf  # no area
        self._rotation = self._add("rotation", np.zeros((3, 3), np.float32))
        self._areas = self._add("areas", np.zeros(16, np.float32))
        self._add("offsets", np.zeros((OUTPUT_SIZE, padded), np.float32))
