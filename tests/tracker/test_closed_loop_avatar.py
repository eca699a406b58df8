"""What of an avatar the closed loop leaves out, by pictures with and without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from tracker.closed_loop_avatar import seen_part

DIFFERENCE = 0.06 * 255
"""What the loop expects pictures to differ by anyway (tracker.closed_loop.IMAGE_PRECISION)."""


@pytest.fixture(scope="module")
def whole() -> AvatarModel:
    return AvatarModel(load_open_head(), unpack_avatar(guest_bytes(list_guests()[0].avatar_id)))


@pytest.fixture(scope="module")
def part(whole: AvatarModel) -> AvatarModel:
    return seen_part(whole)


def test_a_part_is_left_out(whole: AvatarModel, part: AvatarModel) -> None:
    assert 0.3 * whole.asset.count < part.asset.count < 0.9 * whole.asset.count
    assert part.asset.basis_grid is whole.asset.basis_grid


@pytest.mark.parametrize("turn", [(0.0, 0.0), (0.2, 0.5), (-0.25, -0.6), (0.1, 0.75)])
@pytest.mark.parametrize("jaw", [0.0, 0.2])
def test_the_picture_stays_as_it_was(whole: AvatarModel, part: AvatarModel, turn, jaw: float) -> None:
    face = FaceParams.neutral(50, 0.6)
    rotation, open_jaw = np.array([*turn, 0.1], np.float32), np.array([jaw, 0, 0], np.float32)
    face = replace(face, global_rotation=rotation, jaw_pose=open_jaw)
    camera = Camera.looking_from_lens(256, 256, 320)
    first, second = (FrameRenderer(each, 256).render_rgb(face, camera, (1, 1, 1)).astype(int) for each in (whole, part))
    assert np.sqrt(np.square(first - second).mean()) < 0.1 * DIFFERENCE


def test_an_avatar_of_which_nothing_is_seen_comes_back_whole(whole: AvatarModel) -> None:
    hidden = replace(whole.asset, logit_opacities=np.full(whole.asset.count, -30, np.float32))
    model = AvatarModel(whole.head, hidden)
    assert seen_part(model) is model
