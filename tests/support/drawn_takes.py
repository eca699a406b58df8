"""Takes of a person who is himself an avatar, so that the perfect answer is known."""

from __future__ import annotations

from functools import cache

import numpy as np

from codec.avatar_asset import AvatarAsset
from enrolment.take import SIDE, Take
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from tests.support.tracks import talking
from tracker.landmark_model import head_landmarks
from visavis.bench.synthetic import synthetic_avatar

FOCAL = 700.0
RATE = 25.0


@cache
def drawn_person() -> AvatarAsset:
    """The person of `drawn_take`."""
    return synthetic_avatar(load_open_head(), count=6000, bases=4, grid_size=16)


@cache
def drawn_take(count: int) -> Take:
    """A take of `count` pictures in which the person talks and the tracker is always right; the last fifth held out."""
    head = load_open_head()
    camera = Camera.looking_from_lens(SIDE, SIDE, FOCAL)
    renderer = FrameRenderer(AvatarModel(head, drawn_person()), SIDE)
    times = np.arange(count) / RATE
    faces = [talking(time_s) for time_s in times]
    drawn = np.stack([renderer.render_rgba(face, camera) for face in faces])
    points = head_landmarks(head, np.arange(478))
    placed = [points * [1, -1, -1] + face.translation for face in faces]  # turned little enough to leave that out
    landmarks = np.array([each[:, :2] / each[:, 2:] * FOCAL + SIDE / 2 for each in placed], np.float32)
    return Take(
        images=np.ascontiguousarray(drawn[..., :3]),
        alphas=np.ascontiguousarray(drawn[..., 3]),
        time_s=times,
        vectors=np.array([face.to_vector() for face in faces]),
        landmarks_px=landmarks,
        scores=np.zeros((count, 52), np.float32),
        K=camera.K,
        held_out=np.arange(count) >= count - count // 5,
        person=None,
        head_model_id=head.model_id,
    )
