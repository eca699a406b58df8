"""The pictures of an avatar that somebody may see: they decide what of it is written finely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION, FaceParams
from enrolment.follow import follow
from enrolment.job_codec import Avatar
from enrolment.take import SIDE, Take
from enrolment.visibility import Shot
from renderer.framing import Framing
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

PICTURES = 24
AROUND_DEG = {-90: 0.03, -50: 0.1, -25: 0.1, 0: 0.3, 25: 0.1, 50: 0.1, 90: 0.03, 180: 0.03}
"""Views as a call frames them, of more than a recording may show, and what they count: most show the front."""
_EVERY = 8
"""Every so many-th face is also looked at from each side."""


def shots_of_take(
    take: Take, head: HeadModel, avatar: Avatar, known: Corrections | None
) -> tuple[list[Shot], NDArray[np.float32]]:
    """The training pictures as they are seen and some of their faces from the sides; and all their face parameters.

    Args:
        take: the recording.
        head: the head model of `avatar`.
        avatar: who is followed.
        known: what training has found out about the tracker.

    Returns:
        The shots, and the parameters [n, 71] of all training pictures.
    """
    indices = take.train_indices
    followed = follow(take, head, avatar, indices, False, known)
    picks = np.unique(np.linspace(0, len(indices) - 1, min(len(indices), PICTURES)).astype(int))
    faces = [followed.params[pick] for pick in picks]
    shots = [Shot(face, take.camera()) for face in faces]
    return shots + _around(faces, SIDE), followed.vectors()


def standard_shots(size: int = SIDE, seed: int = 0) -> tuple[list[Shot], NDArray[np.float32]]:
    """The same without a recording: made-up faces as a call frames them; and their face parameters.

    Args:
        size: width and height of the pictures.
        seed: of the faces.
    """
    random = np.random.default_rng(seed)
    faces = [FaceParams.neutral()]
    for number in range(1, PICTURES):
        jaw = np.array([0.25 * random.random() * (number % 2), 0, 0], np.float32)
        faces.append(
            replace(
                FaceParams.neutral(),
                expression=(0.7 * random.standard_normal(MAX_EXPRESSION)).astype(np.float32),
                global_rotation=(random.standard_normal(3) * [0.1, 0.2, 0.05]).astype(np.float32),
                jaw_pose=jaw,
                eyelids=np.full(2, number % 4 == 0, np.float32),
                gaze=(0.15 * random.standard_normal(4)).astype(np.float32),
            )
        )
    shots = [Shot(face, _framing(face).camera(size=size)) for face in faces]
    return shots + _around(faces, size), np.stack([face.to_vector() for face in faces])


def _around(faces: list[FaceParams], size: int) -> list[Shot]:
    """Some of the faces from each of AROUND_DEG."""
    return [
        Shot(face, _framing(face).camera(float(np.radians(degrees)), size=size), weight)
        for first, (degrees, weight) in enumerate(AROUND_DEG.items())
        for face in faces[first % _EVERY :: _EVERY]
    ]


def _framing(face: FaceParams) -> Framing:
    """The view of a call on somebody who sits still there."""
    framing = Framing()
    framing.observe(face.translation, 0.0)
    return framing
