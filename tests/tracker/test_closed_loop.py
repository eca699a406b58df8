"""The closed loop against pictures of an avatar, of which the right parameters are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from codec.quantizer import FACE_HIGH, FACE_LOW
from renderer.avatar.avatar_model import AvatarModel, full_vector
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from tests.support.tracks import talking
from tracker.closed_loop import ClosedLoop
from tracker.closed_loop_warm_up import warm_up_closed_loop
from tracker.corrections import Corrections

SIZE = (480, 360)
FOCAL = 500.0
RATE = 25
NOISE = {
    "rotation": (slice(50, 53), 0.02),
    "translation": (slice(53, 56), 0.003),
    "jaw": (slice(56, 57), 0.03),
    "eyelids": (slice(59, 61), 0.1),
    "gaze": (slice(61, 65), 0.05),
}
"""Standard deviations of what the tracker is wrong by, about what it is with people."""
LOW, HIGH = np.float32(FACE_LOW), np.float32(FACE_HIGH)
DEPTH = 55
DEPTH_BIAS_M = 0.003
"""At the size in which the loop compares, avatars still look a little larger than in the camera's picture."""


@cache
def guest() -> AvatarModel:
    return AvatarModel(load_open_head(), unpack_avatar(guest_bytes(list_guests()[0].avatar_id)))


def camera() -> Camera:
    return Camera.looking_from_lens(*SIZE, FOCAL)


@cache
def recording(count: int) -> list[NDArray[np.uint8]]:
    """Pictures of the guest who talks in front of a wall with a shadow."""
    renderer = FrameRenderer(guest(), max(SIZE))
    wall = np.linspace(90, 190, SIZE[0])[None, :, None] * np.array([1.0, 0.95, 0.85])
    pictures = []
    for index in range(count):
        drawn = renderer.render_rgba(talking(index / RATE), camera()).astype(np.float64)
        alpha = drawn[..., 3:] / 255
        pictures.append(np.round(alpha * drawn[..., :3] + (1 - alpha) * wall).astype(np.uint8))
    return pictures


def numbers(face: FaceParams) -> NDArray[np.float64]:
    return np.concatenate([full_vector(face), face.torso]).astype(np.float64)


def tracked(count: int, seed: int = 3) -> list[FaceParams]:
    """What a tracker says of `recording`: wrong by something that wanders slowly."""
    rng = np.random.default_rng(seed)
    errors, faces = np.zeros(65), []
    for index in range(count):
        fresh = np.zeros(65)
        for where, spread in NOISE.values():
            fresh[where] = rng.normal(0, spread, where.stop - where.start)
        errors = fresh if index == 0 else 0.9 * errors + 0.44 * fresh
        vector = numbers(talking(index / RATE))[:65] + errors
        vector[59:61] = np.clip(vector[59:61], 0, 1)
        faces.append(FaceParams.from_vector(vector.astype(np.float32)))
    return faces


@pytest.fixture(scope="module")
def followed() -> list:
    loop = ClosedLoop(guest())
    return [loop.refine(picture, face, camera().K) for picture, face in zip(recording(12), tracked(12), strict=True)]


def test_loss_and_parameters_come_closer_to_the_truth(followed) -> None:
    truth = np.stack([numbers(talking(index / RATE)) for index in range(12)])
    before = np.abs(np.stack([numbers(face) for face in tracked(12)]) - truth)
    after = np.abs(np.stack([numbers(refined.params) for refined in followed]) - truth)
    assert all(refined.loss <= refined.open_loss for refined in followed)
    assert np.mean([refined.loss for refined in followed]) < 0.5 * np.mean([refined.open_loss for refined in followed])
    for name, where in (("rotation", slice(50, 53)), ("place", slice(53, 55)), ("jaw", slice(56, 57))):
        assert after[:, where].mean() < 0.7 * before[:, where].mean(), name
    assert after[:, DEPTH].max() < 2 * DEPTH_BIAS_M


@pytest.mark.parametrize("light", [(0.6, 0.6, 0.6), (0.95, 0.85, 0.7)])
def test_another_light_is_no_other_face(followed, light: tuple[float, float, float]) -> None:
    loop = ClosedLoop(guest())
    truth = np.stack([numbers(talking(index / RATE)) for index in range(12)])
    lit = [np.round(picture * np.array(light)).astype(np.uint8) for picture in recording(12)]
    found = [loop.refine(picture, face, camera().K) for picture, face in zip(lit, tracked(12), strict=True)]
    errors, as_filmed = (
        np.abs(np.stack([numbers(refined.params) for refined in faces]) - truth)[:, :59] for faces in (found, followed)
    )
    for where in (slice(0, 50), slice(50, 53), slice(53, 56), slice(56, 59)):
        assert errors[:, where].mean() < 1.5 * as_filmed[:, where].mean() + 1e-4  # a dark picture has fewer levels
    loop.reset()
    dark = [np.zeros_like(picture) for picture in lit[:1]]
    assert np.isfinite(numbers(loop.refine(dark[0], tracked(1)[0], camera().K).params)).all()


def test_it_stops_where_there_is_nothing_to_gain() -> None:
    loop = ClosedLoop(guest())
    right = [loop.refine(picture, talking(index / RATE), camera().K) for index, picture in enumerate(recording(3))]
    for index, refined in enumerate(right):
        change = np.abs(numbers(refined.params) - numbers(talking(index / RATE)))
        assert change[50:53].max() < 0.02
        assert change[53:55].max() < 0.002
        assert change[DEPTH] < 1.5 * DEPTH_BIAS_M
    assert right[-1].steps < right[0].steps <= 16


def test_what_is_known_of_the_person_is_where_it_begins(followed) -> None:
    offset = np.zeros(71)
    offset[50] = 0.06
    known = Corrections(np.zeros(65), np.zeros((71, 65)), offset, np.minimum(offset, 0), np.maximum(offset, 0))
    wrong = numbers(talking(0.0))
    wrong[50] -= 0.06
    face = FaceParams.from_vector(wrong[:65].astype(np.float32))
    open_losses = [
        ClosedLoop(guest(), max_steps=0, corrections=corrections).refine(recording(1)[0], face, camera().K).open_loss
        for corrections in (None, known)
    ]
    assert open_losses[1] < 0.5 * open_losses[0]


def test_what_it_says_arrives() -> None:
    """However wrong the tracker is, the face is one that a stream carries."""
    vector = numbers(talking(0.0))[:65].astype(np.float32)
    vector[:50] += np.float32(12)
    refined = ClosedLoop(guest()).refine(recording(1)[0], FaceParams.from_vector(vector), camera().K)
    np.testing.assert_array_equal(numbers(refined.params), np.clip(numbers(refined.params), LOW, HIGH))
    assert refined.loss < refined.open_loss


def test_a_picture_of_something_else_harms_nothing() -> None:
    loop = ClosedLoop(guest())
    noise = np.random.default_rng(2).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8)
    for picture in (noise, np.zeros_like(noise)):
        for face in (talking(0.0), FaceParams.neutral(50, 0.05), FaceParams.neutral(50, 30.0)):
            refined = loop.refine(picture, face, camera().K)
            assert refined.loss <= refined.open_loss
            assert np.isfinite(numbers(refined.params)).all()
            loop.reset()


def test_warming_up_takes_an_avatar_of_one_gaussian() -> None:
    warm_up_closed_loop(load_open_head())
