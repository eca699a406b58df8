"""One thread's share of training: draws one picture of the avatar and follows its loss back to the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.linear.bases import TrainedBases
from enrolment.linear.gaussians import TrainedGaussians
from enrolment.linear.kernels import adam
from enrolment.linear.kernels.loss import MAPS, PAD, RING, picture_loss
from enrolment.metrics.lpips import Lpips
from enrolment.metrics.lpips_gradient import lpips_gradient
from enrolment.take import SIDE
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.linear_poser import LinearPoser
from renderer.avatar.packing import blocks_of_16
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.workspace import shrunk_low_pass_px2
from renderer.camera import Camera
from renderer.head.model import HeadModel

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

HUBER_DELTA = np.float32(0.04)
DISSIMILARITY = np.float32(0.2)
PERCEPTION = np.float32(0.12)
"""What LPIPS of a part counts."""
LOOKED_AT_PX = 128
WINDOW_PX = 4
"""So near to what is unknown, windows of the losses look into it."""


@dataclass(frozen=True, eq=False)
class PictureTask:
    """What to draw, and what it should look like.

    Args:
        face: [71] expression 50, theta 11, gaze 4, torso 6.
        coefficients: [K] of the bases.
        camera: of the picture; both sides are multiples of 16.
        target: [H, W, 3] uint8 times alpha, alpha: [H, W] uint8, weights: see enrolment.linear.targets.
        background: [3] behind both.
        inner: (left, top, right, bottom) of what is known of the picture.
        looked_at: (left, top) of the square of LOOKED_AT_PX whose likeness is judged by a network too, if any.
    """

    face: Floats
    coefficients: Floats
    camera: Camera
    target: Bytes
    alpha: Bytes
    weights: Bytes
    background: Floats
    inner: tuple[int, int, int, int]
    looked_at: tuple[int, int] | None = None


class Worker:
    """A poser and its way back, around parameters that several workers share.

    Args:
        head: the head model.
        asset: where training begins; it has bases.
        gaussians, bases: the parameters.
        lpips: the network for what is `looked_at`.
    """

    def __init__(
        self,
        head: HeadModel,
        asset: AvatarAsset,
        gaussians: TrainedGaussians,
        bases: TrainedBases,
        lpips: Lpips | None = None,
    ) -> None:
        self._head, self._bases, self._lpips = head, bases, lpips
        poser = LinearPoser(AvatarModel(head, asset), threads=1)
        self._packed, self._poser = poser.packed, poser
        self.workspace = poser.workspace
        self._packed.share("local_means", gaussians.local_means)
        self._packed.share("local_axes", gaussians.local_axes)
        self._packed.share("base_colors", gaussians.colors)
        self.workspace.share("log2_opacities", gaussians.log2_opacities)
        self._packed.states["grid_blocks"] = 0  # the bases are mixed here, at full precision
        self._raster = GradientWorkspace(self.workspace, shares=1)
        self.gradients = AvatarGradients(poser, self._raster)
        self._rigid = np.unique(poser.avatar.corners[asset.rigid_to_skull])
        self.points = bases.grids.shape[-1]
        self.by_values = np.zeros((BASIS_CHANNELS, self.points), np.float32)
        self.by_weights = np.zeros(len(bases.grids), np.float32)
        self._maps = np.zeros((MAPS, RING, 0), np.float32)

    @property
    def colors(self) -> Floats:
        """[3, S] as drawn."""
        return self.workspace.colors

    def set_shape(self, shape_offsets: Floats) -> None:
        """Takes another shape of the head, [V, 3]."""
        shaped = self._head.v_template + shape_offsets
        buffers = self._packed.buffers
        buffers["rest"][...] = blocks_of_16(shaped.astype(np.float32))
        buffers["rigid_rest"][...] = blocks_of_16(shaped[self._rigid].astype(np.float32))
        buffers["joint_positions"][...] = self._head.J_regressor @ shaped

    def draw(self, task: PictureTask) -> Floats:
        """Draws; returns the planes [4, H, W]."""
        self._packed.face[:] = task.face
        adam.mix(self._bases.grids, task.coefficients, self._packed.buffers["grid_values"])
        red, green, blue = (float(value) for value in task.background)
        low_pass = shrunk_low_pass_px2(task.camera.width / SIDE)  # of the fine picture
        self.workspace.set_view(task.camera, (red, green, blue), low_pass_px2=low_pass)
        planes = self.workspace.set_planar_output()
        self._poser.pose()
        self.workspace.draw()
        return planes

    def run(self, task: PictureTask) -> float:
        """Draws and goes back; returns the loss, and leaves gradients behind.

        These are `gradients`, `by_values` [9, P] and `by_weights` [K].
        """
        planes = self.draw(task)
        if self._maps.shape[2] != task.camera.width + 2 * PAD:
            self._maps = np.zeros((MAPS, RING, task.camera.width + 2 * PAD), np.float32)
        loss = picture_loss(
            *(planes, task.target, task.alpha, task.weights, task.background),
            *(HUBER_DELTA, DISSIMILARITY, self._maps, self._raster.gradient_planes()),
        )
        if self._lpips is not None and task.looked_at is not None:
            loss += self._look_at(self._lpips, task, task.looked_at, planes)
        self._forget_outside(task.inner)
        self._raster.backward()
        self.gradients.backward()
        self.by_values[...] = self.gradients.grid[: self.points, :BASIS_CHANNELS].T
        self.by_weights[...] = self.gradients.bases(self._bases.grids)
        return float(loss)

    def _forget_outside(self, inner: tuple[int, int, int, int]) -> None:
        planes = self._raster.gradient_planes()
        height, width = planes.shape[1:]
        first, last = np.array(inner[:2]), np.array(inner[2:])
        left, top = np.where(first > 0, first + WINDOW_PX, 0)
        right, bottom = np.where(last < (width, height), last - WINDOW_PX, (width, height))
        for outside in (planes[:, :top], planes[:, bottom:], planes[:, :, :left], planes[:, :, right:]):
            outside[...] = 0

    def _look_at(self, lpips: Lpips, task: PictureTask, corner: tuple[int, int], planes: Floats) -> float:
        """LPIPS of one part of the picture, whose gradient joins the others."""
        columns, rows = (slice(first, first + LOOKED_AT_PX) for first in corner)
        drawn = np.ascontiguousarray(planes[:3, rows, columns].transpose(1, 2, 0))
        clear = 1 - task.alpha[rows, columns, None] * np.float32(1 / 255)
        target = np.asarray(task.target[rows, columns] * np.float32(1 / 255) + clear * task.background, np.float32)
        distance, gradient = lpips_gradient(lpips, drawn, target)
        self._raster.gradient_planes()[:3, rows, columns] += PERCEPTION * gradient.transpose(2, 0, 1)
        return float(PERCEPTION) * distance
