"""From gradients of the rasterizer's input to those of an avatar's Gaussians, bases and shape, and of the face.

With renderer.backends.gradient_workspace, the whole way from face to picture is differentiable: docs/gradients.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.avatar.kernels import layout
from renderer.avatar.kernels.face_backward import face_gradient, run_pose_backward
from renderer.avatar.kernels.pose_gradient_layout import POSE_GRADIENT, SCRATCH
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.buffers import AddressedBuffers
from renderer.backends.gradient_workspace import GradientWorkspace

Floats = NDArray[np.float32]

_SUMS = ("vertices", "grid", "coefficients", "joints")
_BY_DIFFERENCES = ((layout.ROTATION, layout.EYELIDS), (layout.GAZE, layout.FACE))


class AvatarGradients(AddressedBuffers):
    """The backward pass of one LinearPoser, from what a GradientWorkspace of its rasterizer has found.

    `backward` fills the arrays below. S is the padded number of Gaussians; padding gets zeros.

    Args:
        poser: what posed the avatar.
        gradients: of the poser's workspace.

    Attributes:
        local_means: [3, S] per metre, triangle frame.
        turns: [3, S] per radian of a rotation that is applied after the local one, triangle frame.
        log_scales: [3, S].
        log2_opacities: [S] and colors: [3, S], those of `gradients`.
        grid: [P, 16] of the mixed bases at the P grid points (padded to 16): 9 channels, then zeros; P = 0 without
            bases.
    """

    def __init__(self, poser: LinearPoser, gradients: GradientWorkspace) -> None:
        super().__init__(POSE_GRADIENT)
        packed, padded = poser.packed, poser.workspace.padded
        self._poser = poser
        self.log2_opacities, self.colors = gradients.log2_opacities, gradients.colors
        for name in ("mean_gradients", "axis_gradients", "color_gradients"):
            self.share(name, gradients.buffers[name])
        self.local_means = self.add("local_means", (3, padded), np.float32)
        self.turns = self.add("turns", (3, padded), np.float32)
        self.log_scales = self.add("log_scales", (3, padded), np.float32)
        blocks = len(packed.buffers["vertices"]) // 16
        directions = len(packed.buffers["coefficients"])
        self.add("vertices", (16 * blocks, 4), np.float32)
        self.grid = self.add("grid", packed.buffers["grid_values"].shape if _has_bases(packed) else (0, 16), np.float32)
        self._rest = self.add("rest", (blocks, 3, 16), np.float32)
        self._coefficients = self.add("coefficients", (directions, 16), np.float32)
        self._joints = self.add("joints", (layout.JOINTS * layout.JOINT, 16), np.float32)
        self.add("scratch", (SCRATCH,), np.float32)
        self._head_blocks = int(packed.states["head_blocks"][0])
        self._vertex_count = len(poser.avatar.head.v_template)
        corners = poser.avatar.corners[poser.avatar.asset.rigid_to_skull]
        self._rigid_vertices = np.unique(corners)
        self._trial = _FaceTrial(packed)

    def backward(self) -> None:
        """Fills the gradients for the instant that was posed and drawn last."""
        for name in _SUMS:
            self.buffers[name][...] = 0
        run_pose_backward(self._poser.packed.states, self.states)

    def shape(self) -> Floats:
        """[V, 3] dL/dshape_offsets, head frame; the joints are taken to stay where they are."""
        flat = self._rest.transpose(0, 2, 1).reshape(-1, 3)
        result = flat[: self._vertex_count].copy()
        first = 16 * self._head_blocks
        result[self._rigid_vertices] += flat[first : first + len(self._rigid_vertices)]
        return result

    def bases(self, grids: Floats) -> Floats:
        """[K] dL/d(coefficients of the bases), whose grids are [K, 9, P] without padding."""
        if not len(grids):
            return np.zeros(0, np.float32)
        bases, channels, points = grids.shape
        by_values = np.ascontiguousarray(self.grid[:points, :channels].T)
        return np.einsum("kp,p->k", grids.reshape(bases, channels * points), by_values.ravel())

    def face(self, by_basis: Floats | None = None) -> NDArray[np.float64]:
        """[FACE] dL/d(expression 50, theta 11, gaze 4, torso 6).

        Args:
            by_basis: [K] what `bases` says, None for an avatar without.
        """
        coefficients = self._coefficients.sum(axis=1, dtype=np.float64)
        result = self._trial.gradient(self._joints.sum(axis=1, dtype=np.float64), coefficients)
        result[: layout.ROTATION] = coefficients[: layout.ROTATION]
        result[layout.EYELIDS : layout.GAZE] = coefficients[layout.ROTATION : layout.ROTATION + 2]
        if by_basis is not None:
            result[: layout.BASIS_INPUTS] += by_basis @ self._poser.packed.buffers["basis_weights"]
        return result


class _FaceTrial(AddressedBuffers):
    """A face of its own to try small changes with."""

    def __init__(self, packed: AddressedBuffers) -> None:
        super().__init__(packed.states.dtype)
        self.states[...] = packed.states
        self.states["bases"] = 0
        self._current = packed.buffers["face"]
        self._face = self.add_copy("face", packed.buffers["face"])
        self._joint_values = self.add("joints", (layout.JOINTS * layout.JOINT,), np.float32)
        self._coefficients = self.add_copy("coefficients", packed.buffers["coefficients"])
        self._kept = packed

    def gradient(self, by_joints: NDArray[np.float64], by_coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        self._face[:] = self._current
        result = np.zeros(layout.FACE)
        arrays = (self._face, self._joint_values, self._coefficients, by_joints, by_coefficients)
        for first, last in _BY_DIFFERENCES:
            face_gradient(self.states, *arrays, first, last, result)
        return result


def _has_bases(packed: AddressedBuffers) -> bool:
    return bool(packed.states["bases"][0])
