"""Corrects what the tracker says by drawing the sender's own avatar and comparing it with the camera's picture.

The sender owns the avatar that the receivers draw, so it can see what they will see, as a video encoder does, and
correct the parameters before it sends them. docs/closed-loop.md has the method and what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from codec.quantizer import FACE_HIGH, FACE_LOW
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.avatar.kernels import layout
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.backends.workspace import shrunk_low_pass_px2
from renderer.camera import Camera
from tracker.closed_loop_avatar import seen_part
from tracker.closed_loop_kernel import robust_loss
from tracker.closed_loop_view import ClosedLoopView
from tracker.corrections import Corrections, face_of
from tracker.quasi_newton import Inverse

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

SIDE = 256
"""Width and height of the compared picture, pixels."""
MAX_STEPS = 3
FIRST_STEPS = 16
"""Of the first picture, for which no correction is known yet."""
LIMIT = np.float32(0.25)
"""Differences of colors beyond this are something else than a face that has moved."""
IMAGE_PRECISION = 1e6
"""What the image's loss weighs against the prior: 3,600 independent differences of 0.06."""

TRIALS = ((1.0, True), (0.35, True), (0.5, False))
"""Lengths of a step that are tried one after the other, and whether by what the way has taught of the curvature."""
ENOUGH, FIRST_ENOUGH = 2e-2, 3e-3
"""A step that gains a smaller share is the last; the second for the first picture."""

_FIELDS = {  # per field: spread of the correction, and of its change from picture to picture
    "expression": (slice(0, 50), 1.0, 0.25),
    "rotation": (slice(50, 53), 0.12, 0.012),
    "translation": (slice(53, 56), 0.03, 0.003),
    "jaw": (slice(56, 59), 0.08, 0.02),
    "eyelids": (slice(59, 61), 0.2, 0.1),  # little: young avatars have no closed eyes, and would never get any
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
        avatar = seen_part(avatar)
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
        self._inverses: list[Inverse] = []
        self.correction = np.zeros(layout.FACE)
        self._view = ClosedLoopView(side)

    def reset(self) -> None:
        """Forgets the correction: another scene."""
        self.correction = np.zeros(layout.FACE)
        self._settled, self._view.light = False, None

    def refine(self, image_rgb: NDArray[np.uint8], params: FaceParams, K: Floats) -> Refined:
        """Corrects one face.

        Args:
            image_rgb: [H, W, 3] uint8, what the camera shows.
            params: what the tracker says of it; to this comes what is known of the person.
            K: [3, 3] intrinsics that `params` assume.
        """
        tracked = instant_vector(params).astype(np.float64)
        tracked += self._corrections.of(tracked[: layout.BASIS_INPUTS])
        view = self._view
        camera = view.look(image_rgb, tracked[layout.TRANSLATION : layout.TRANSLATION + 3], K)
        self._workspace.set_view(camera, (0.0, 0.0, 0.0), low_pass_px2=_low_pass(camera, K))
        tracked = np.clip(tracked, FACE_LOW, FACE_HIGH)
        before = _bounded(tracked, self.correction)
        planes = self._draw(tracked + before)
        view.adapt(planes)
        view.look_behind(planes[3])
        if self._curvature is None:
            self._measure_curvature(tracked)
            self._draw(tracked + before)
        best, loss, steps = self._search(tracked, before)
        open_loss = self._loss(tracked)
        if loss > open_loss:
            best, loss = np.zeros(layout.FACE), open_loss
        self.correction, self._settled = best, True
        return Refined(face_of(tracked + best), loss, open_loss, steps)

    def _search(self, tracked: Array, before: Array) -> tuple[Array, float, int]:
        """Newton's steps from the correction `before`, which has just been drawn: correction, loss, gradients taken."""
        settled = self._settled
        calm = self._calm if settled else np.zeros(layout.FACE)
        inverse = self._inverses[int(settled)]
        inverse.fade()
        best, loss = before, self._compare()
        energy, steps = IMAGE_PRECISION * loss + self._doubt(best, best - before, calm), 0
        last: tuple[Array, Array, float] | None = None
        for _ in range(self.max_steps if settled else FIRST_STEPS):
            gradient = IMAGE_PRECISION * self._gradient() + self._prior * best + calm * (best - before)
            steps += 1
            if last is not None:
                correction, slope, length = last
                inverse.learn(best - correction, gradient - slope, -length * slope)
            begin, gain = best, 0.0
            for length, is_known in TRIALS:
                if not is_known:
                    inverse.forget()
                trial = _bounded(tracked, begin + length * inverse.step(gradient))
                trial_loss = self._loss(tracked + trial)
                gain = energy - IMAGE_PRECISION * trial_loss - self._doubt(trial, trial - before, calm)
                if gain > 0:
                    best, loss, energy, last = trial, trial_loss, energy - gain, (begin, gradient, length)
                    break
            if gain < (ENOUGH if settled else FIRST_ENOUGH) * energy:
                break
        return best, loss, steps

    def _doubt(self, correction: Array, change: Array, calm: Array) -> float:
        return 0.5 * float((self._prior * correction**2).sum() + (calm * change**2).sum())

    def _composed(self, vector: Array) -> Floats:
        """[side, side, 3] the avatar before the background."""
        planes = self._draw(vector)[:, : self._side, : self._side]
        return planes[:3].transpose(1, 2, 0) + (1 - planes[3])[..., None] * self._view.behind

    def _draw(self, vector: Array) -> Floats:
        self._poser.packed.face[:] = vector
        planes = self._workspace.set_planar_output()
        while not self._poser.render():
            self._workspace.draw()
        return planes

    def _loss(self, vector: Array) -> float:
        self._draw(vector)
        return self._compare()

    def _compare(self) -> float:
        """Of what was drawn last; prepares the way back."""
        planes, gradient, view = self._workspace.set_planar_output(), self._raster.gradient_planes(), self._view
        return float(robust_loss(planes, view.picture, view.behind, view.weights, LIMIT, gradient))

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
            weight = np.sqrt(self._view.weights / 3)[..., None]
            columns = np.empty((layout.FACE, base.size), np.float32)
            for number in range(layout.FACE):
                step = _PROBE * self._change[number]
                changed = face.copy()
                changed[number] += step
                columns[number] = ((self._composed(changed) - base) * (weight / step)).ravel()
            total += columns @ columns.T
        self._curvature = total / len(_CURVATURE_TURNS)
        for prior in (self._prior, self._prior + self._calm):
            inverse = np.linalg.inv(IMAGE_PRECISION * self._curvature + np.diag(prior))
            self._inverses.append(Inverse(np.asarray(inverse, np.float64)))


def _bounded(tracked: Array, correction: Array) -> Array:
    """`correction`, so that the corrected face is within what a stream carries: what the receiver does not get is of no
    use, and other parameters can take over some of it."""
    return np.clip(correction, FACE_LOW - tracked, FACE_HIGH - tracked)


def _low_pass(camera: Camera, K: Floats) -> float:
    """Variance, px^2, that shows the avatar as it was trained, at the camera's own resolution, and then shrunk."""
    scale = min(1.0, float(camera.K[0, 0] / K[0, 0]))
    return shrunk_low_pass_px2(scale)
