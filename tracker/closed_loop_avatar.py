"""What of an avatar a camera can see that looks at the face: the closed loop draws nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.avatar.kernels import layout
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.camera import Camera
from tracker.closed_loop_view import REACH_M

SIDE = 192
_DISTANCE_M = 0.6
_YAWS, _PITCHES = (-0.8, -0.4, 0.0, 0.4, 0.8), (-0.4, 0.0, 0.4)
"""Radians; at every one of them the face rests, talks or blinks in turn, and ahead it does all three."""
_JAW_RAD = 0.3
LEAST_PX = 0.1
"""What covers less than this of every picture, in pixels of SIDE, is not seen."""
_PER_GAUSSIAN = ("faces_bound", "barycentrics", "local_means", "local_quats", "log_scales", "logit_opacities", "sh0")
_PER_GAUSSIAN += ("rigid_to_skull", "grid_uv")


def seen_part(avatar: AvatarModel) -> AvatarModel:
    """`avatar` without the Gaussians that are hidden however the face turns: the back of the head, and what is covered.

    These are a third of those of an avatar from enrolment. One of which nothing is seen comes back whole.
    """
    covered = np.zeros(avatar.asset.count, np.float32)
    poser = LinearPoser(avatar, threads=1)
    workspace = poser.workspace
    gradients = GradientWorkspace(workspace, shares=1)
    focal = SIDE * _DISTANCE_M / (2 * REACH_M)
    K = np.array([[focal, 0, SIDE / 2], [0, focal, SIDE / 2], [0, 0, 1]], np.float32)
    workspace.set_view(Camera(np.eye(4, dtype=np.float32), K, SIDE, SIDE), (0.0, 0.0, 0.0))
    workspace.set_planar_output()
    for face in _faces():
        poser.packed.face[:] = face
        while not poser.render():
            workspace.draw()
        gradients.gradient_planes()[...] = 1
        gradients.backward()
        np.maximum(covered, gradients.colors[0, : len(covered)], out=covered)
    seen = covered > LEAST_PX
    if not seen.any() or seen.all():
        return avatar
    return AvatarModel(
        avatar.head, replace(avatar.asset, **{name: getattr(avatar.asset, name)[seen] for name in _PER_GAUSSIAN})
    )


def _faces() -> list[NDArray[np.float32]]:
    faces = []
    for row, pitch in enumerate(_PITCHES):
        for column, yaw in enumerate(_YAWS):
            ahead = yaw == pitch == 0
            for does in range(3) if ahead else ((row + column) % 3,):
                face = instant_vector(FaceParams.neutral(50, _DISTANCE_M))
                face[layout.ROTATION : layout.ROTATION + 2] = pitch, yaw
                if does == 1:
                    face[layout.JAW_POSE] = _JAW_RAD
                elif does == 2:
                    face[layout.EYELIDS : layout.EYELIDS + 2] = 1
                faces.append(face)
    return faces
