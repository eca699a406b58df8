"""Corrects what the tracker says by drawing the sender's own avatar and comparing it with the camera's picture.

The sender owns the avatar that the receivers draw, so it can see what they will see, as a video encoder does, and
correct the parameters before it sends them. docs/closed-loop.md has the method and what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.avatar.kernels import layout
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.workspace import shrunk_low_pass_px2
from renderer.camera import Camera
from tracker.closed_loop_kernel import robust_loss
from tracker.corrections import Corrections, face_of

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

SIDE = 160
"""Width and height of the compared picture, pixels."""
REACH_M = 0.24
"""Half the side of the compared part of the world, at the head's distance."""
CENTER_M = np.array([0.0, 0.045, 0.0], np.float32)
"""Its middle, from the head's origin: camera axes, so a little below the eyes."""
MAX_STEPS = 4
FIRST_STEPS = 16
"""Of the first picture, for which no correction is known yet."""
LIMIT = np.float32(0.25)
"""Differences of colors beyond this are something else than a face that has moved."""
BEHIND_PX = 8.0
"""Standard deviation of the blur that the background is guessed with."""
BEHIND_SPREAD = np.float32(0.08)
"""Standard deviation of a background of which half is believed."""
_NEAR = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
"""How far around the avatar pictures are compared."""
IMAGE_PRECISION = 4e5
"""What the image's loss weighs against the prior: 1,400 independent differences of 0.06."""

SHORTEST, LONGEST = 0.3, 4.0
"""Of a step, over that which the curvature proposes. It is measured with small changes and without the limit, and is
mostly too large."""
ENOUGH = 3e-3
"""A step that gains a smaller share is the last."""

_FIELDS = {  # per field: spread of the correction, and of its change from picture to picture
    "expression": (slice(0, 50), 1.0, 0.25),
    "rotation": (slice(50, 53), 0.12, 0.012),
    "translation": (slice(53, 56), 0.03, 0.003),
    "jaw": (slice(56, 59), 0.08, 0.02),
    "eyelids": (slice(59, 61), 0.35, 0.12),
    "gaze": (slice(61, 65), 0.2, 0.05),
    "torso_rotation": (slice(65, 68), 0.2, 0.01),
    "torso_translation": (slice(68, 71), 0.05, 0.003),
}
_PROBE = 0.1
"""Step of the differences that the curvature is measured with, over the spread of the change."""
_CURVATURE_TURNS = ((0.0, 0.0), (0.25, 0.0), (-0.25, 0.0), (0.0, 0.15))
"""Yaw and pitch (radians) beside the first face, at which it is measured."""


@dataclass(frozen=True, eq=False)
class Refined:
    """One corrected face.

    Args:
        params: what to send.
        loss: of the picture with these parameters, and `open_loss` with the tracker's own.
        steps: gradients that it took.
    """

    params: FaceParams
    loss: float
    open_loss: float
    steps: int


class ClosedLoop:
    """Follows one person in front of one camera. Not thread-safe.

    Args:
        avatar: what the person wears, a likeness of them.
        side: width and height of the compared picture, a multiple of 16.
        max_steps: most gradients for a picture; may be changed at any time.
        corrections: what is known of this person with this avatar.

    Attributes:
        correction: [71] what the last picture has added to that; may be set, to where the next one begins.
    """

    def __init__(
        self,
        avatar: AvatarModel,
        side: int = SIDE,
        max_steps: int = MAX_STEPS,
        corrections: Corrections | None = None,
    ) -> None:
        self._side, self.max_steps = side, max_steps
        self._corrections = corrections or Corrections.none()
        self._poser = LinearPoser(avatar, threads=1)
        self._workspace = self._poser.workspace
        self._raster = GradientWorkspace(self._workspace, shares=1)
        self._gradients = AvatarGradients(self._poser, self._raster)
        grids = avatar.asset.basis_grid
        bases, channels, height, width = grids.shape
        self._grids = np.ascontiguousarray(grids.reshape(bases, channels, height * width), np.float32)
        spread, change = np.ones(layout.FACE), np.ones(layout.FACE)
        for where, field_spread, field_change in _FIELDS.values():
            spread[where], change[where] = field_spread, field_change
        self._change = change
        self._prior, self._calm = 1 / spread**2, 1 / change**2
        self._settled = False  # the correction stands for earlier pictures
        self._curvature: Array | None = None
        self._inverses = np.zeros((2, layout.FACE, layout.FACE))
        self.correction = np.zeros(layout.FACE)
        self._length = 1.0
        self._picture = np.zeros((side, side, 3), np.float32)
        self._behind = np.zeros((side, side, 3), np.float32)
        self._seen = np.zeros((side, side), np.float32)
        self._weights = np.zeros((side, side), np.float32)

    def reset(self) -> None:
        """Forgets the correction: another scene."""
        self.correction = np.zeros(layout.FACE)
        self._settled, self._length = False, 1.0

    def refine(self, image_rgb: NDArray[np.uint8], params: FaceParams, K: Floats) -> Refined:
        """Corrects one face.

        Args:
            image_rgb: [H, W, 3] uint8, what the camera shows.
            params: what the tracker says of it; to this comes what is known of the person.
            K: [3, 3] intrinsics that `params` assume.
        """
        tracked = instant_vector(params).astype(np.float64)
        tracked += self._corrections.of(tracked[: layout.BASIS_INPUTS])
        camera = self._look(image_rgb, tracked[layout.TRANSLATION : layout.TRANSLATION + 3], K)
        self._workspace.set_view(camera, (0.0, 0.0, 0.0), low_pass_px2=_low_pass(camera, K))
        before = self.correction
        self._look_behind(self._draw(tracked + before)[3])
        if self._curvature is None:
            self._measure_curvature(tracked)
        calm = self._calm if self._settled else np.zeros(layout.FACE)
        most = self.max_steps if self._settled else FIRST_STEPS
        open_loss = self._loss(tracked)
        best, loss = before, self._loss(tracked + before)
        energy, steps = IMAGE_PRECISION * loss + self._doubt(best, best - before, calm), 0
        while steps < most:
            gradient = IMAGE_PRECISION * self._gradient() + self._prior * best + calm * (best - before)
            step, steps = -(self._inverses[int(self._settled)] @ gradient), steps + 1
            trial = best + self._length * step
            trial_loss = self._loss(tracked + trial)
            gain = energy - IMAGE_PRECISION * trial_loss - self._doubt(trial, trial - before, calm)
            expected = -self._length * (1 - 0.5 * self._length) * float(gradient @ step)
            if gain <= 0:
                self._length = max(SHORTEST, 0.4 * self._length)
                self._loss(tracked + best)
                continue
            best, loss, energy = trial, trial_loss, energy - gain
            if gain > expected:
                self._length = min(LONGEST, 1.4 * self._length)
            if gain < ENOUGH * energy:
                break
        if loss > open_loss:
            best, loss = np.zeros(layout.FACE), open_loss
        self.correction, self._settled = best, True
        return Refined(face_of(tracked + best), loss, open_loss, steps)

    def _doubt(self, correction: Array, change: Array, calm: Array) -> float:
        return 0.5 * float((self._prior * correction**2).sum() + (calm * change**2).sum())

    def _look(self, image_rgb: NDArray[np.uint8], position: Array, K: Floats) -> Camera:
        """Cuts the compared part out of the picture; returns its camera."""
        focal, depth = float(K[0, 0]), max(float(position[2]), 0.05)
        center = (position[:2] + CENTER_M[:2]) * focal / depth + K[:2, 2]
        half = REACH_M * focal / depth
        scale = self._side / (2 * half)
        crop_from_image = np.array([[scale, 0, scale * (half - center[0])], [0, scale, scale * (half - center[1])]])
        shrink = max(1, int(1 / scale))
        source, matrix = image_rgb, crop_from_image
        if shrink > 1:  # averages, as warpAffine does not
            size = (max(1, image_rgb.shape[1] // shrink), max(1, image_rgb.shape[0] // shrink))
            source = cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA)
            matrix = crop_from_image.copy()
            matrix[:, 0] *= image_rgb.shape[1] / size[0]
            matrix[:, 1] *= image_rgb.shape[0] / size[1]
        matrix = matrix.copy()
        matrix[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1]) - 0.5  # pixel centers are at +0.5
        flags = cv2.INTER_LINEAR
        cut = cv2.warpAffine(source, matrix, (self._side, self._side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        np.multiply(cut, np.float32(1 / 255), out=self._picture)
        self._seen[:] = _inside(matrix, source.shape[1::-1], self._side)
        intrinsics = K.astype(np.float64).copy()
        intrinsics[:2] = np.hstack(
            [crop_from_image[:, :2] @ K[:2, :2], (crop_from_image[:, :2] @ K[:2, 2:]) + crop_from_image[:, 2:]]
        )
        return Camera(np.eye(4, dtype=np.float32), intrinsics.astype(np.float32), self._side, self._side)

    def _look_behind(self, alpha: Floats) -> None:
        """Guesses the background around the avatar from the picture further out, and how far it can be relied on."""
        cover = (alpha[: self._side, : self._side] > 0.5).astype(np.uint8)
        near = cv2.dilate(cover, _NEAR)
        clear = (1 - near) * self._seen
        amount = cv2.GaussianBlur(clear, (0, 0), BEHIND_PX) + np.float32(1e-4)
        mean = cv2.GaussianBlur(self._picture * clear[..., None], (0, 0), BEHIND_PX) / amount[..., None]
        square = cv2.GaussianBlur(self._picture**2 * clear[..., None], (0, 0), BEHIND_PX) / amount[..., None]
        variance = np.maximum(square - mean**2, 0).mean(axis=2)
        trust = amount / (amount + np.float32(0.05)) / (1 + variance / BEHIND_SPREAD**2)
        self._behind[...] = mean
        weights = self._seen * near * np.where(cover > 0, np.float32(1), trust)
        self._weights[...] = weights / max(float(weights.sum()), 1.0)

    def _composed(self, vector: Array) -> Floats:
        """[side, side, 3] the avatar before the background."""
        planes = self._draw(vector)[:, : self._side, : self._side]
        return planes[:3].transpose(1, 2, 0) + (1 - planes[3])[..., None] * self._behind

    def _draw(self, vector: Array) -> Floats:
        self._poser.packed.face[:] = vector
        planes = self._workspace.set_planar_output()
        while not self._poser.render():
            self._workspace.draw()
        return planes

    def _loss(self, vector: Array) -> float:
        """Draws, and prepares the way back."""
        planes, gradient = self._draw(vector), self._raster.gradient_planes()
        return float(robust_loss(planes, self._picture, self._behind, self._weights, LIMIT, gradient))

    def _gradient(self) -> Array:
        """dL/d(face) of what was drawn last."""
        self._raster.backward()
        self._gradients.backward()
        return self._gradients.face(self._gradients.bases(self._grids) if len(self._grids) else None)

    def _measure_curvature(self, tracked: Array) -> None:
        """The mean over a few poses of how much each parameter, and each two together, change the picture."""
        total = np.zeros((layout.FACE, layout.FACE))
        for yaw, pitch in _CURVATURE_TURNS:
            face = tracked.copy()
            face[layout.ROTATION] += pitch
            face[layout.ROTATION + 1] += yaw
            base = self._composed(face)
            weight = np.sqrt(self._weights / 3)[..., None]
            columns = np.empty((layout.FACE, base.size), np.float32)
            for number in range(layout.FACE):
                step = _PROBE * self._change[number]
                changed = face.copy()
                changed[number] += step
                columns[number] = ((self._composed(changed) - base) * (weight / step)).ravel()
            total += columns @ columns.T
        self._curvature = total / len(_CURVATURE_TURNS)
        for settled, prior in enumerate((self._prior, self._prior + self._calm)):
            self._inverses[settled] = np.linalg.inv(IMAGE_PRECISION * self._curvature + np.diag(prior))


def _low_pass(camera: Camera, K: Floats) -> float:
    """Variance, px^2, that shows the avatar as it was trained, at the camera's own resolution, and then shrunk."""
    scale = min(1.0, float(camera.K[0, 0] / K[0, 0]))
    return shrunk_low_pass_px2(scale)


def _inside(crop_from_image: Array, image_size: tuple[int, ...], side: int) -> Floats:
    """[side, side] 1 where a crop lies in its picture."""
    inside = np.zeros((side, side), np.float32)
    far = crop_from_image[:, :2] @ np.array(image_size) + crop_from_image[:, 2]
    (left, top), (right, bottom) = np.ceil(crop_from_image[:, 2]).astype(int), np.floor(far).astype(int)
    inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
    return inside
