from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar
from enrolment.initial_bases import BASES
from enrolment.instant import instant_avatar
from enrolment.placement_surface import cast_mesh
from enrolment.placement_views import project
from enrolment.take import Take, composite
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices
from tests.support.known_heads import known_take

WHITE = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def asset() -> AvatarAsset:
    return instant_avatar(known_take(24), load_open_head(), "Known")


def pick(take: Take, which: list[int]) -> Take:
    names = ("images", "alphas", "time_s", "vectors", "landmarks_px", "scores", "held_out")
    return replace(take, **{name: getattr(take, name)[which] for name in names})


def psnr_db(take: Take, asset: AvatarAsset, index: int) -> float:
    renderer = FrameRenderer(AvatarModel(load_open_head(), asset), 512)
    drawn = renderer.render_rgb(take.params(index), take.camera(), WHITE)
    truth = composite(take.images[index], take.alphas[index])
    return float(10 * np.log10(255**2 / ((truth.astype(float) - drawn) ** 2).mean()))


def test_the_avatar_looks_like_the_person(asset):
    take = known_take(24)
    assert min(psnr_db(take, asset, index) for index in (0, 3, 6, 12, 18)) > 22


def test_it_can_be_drawn_stored_and_trained(asset):
    assert 14_000 < asset.count < 17_500
    assert len(asset.basis_grid) == BASES
    assert not asset.basis_grid.any()
    again = unpack_avatar(pack_avatar(asset))
    assert again.count == asset.count
    assert again.motion_basis is None  # 24 pictures say little of how somebody moves


def test_it_is_the_same_each_time(asset):
    again = instant_avatar(known_take(24), load_open_head(), "Known")
    np.testing.assert_array_equal(again.sh0, asset.sh0)
    np.testing.assert_array_equal(again.local_means, asset.local_means)


@pytest.mark.parametrize("yaw", [-0.785, 0.785])
def test_side_views_have_no_holes(asset, yaw):
    params = known_take(24).params(0)
    head, camera = load_open_head(), Camera.orbit(params.translation, 0.6, yaw, 0.0, 384, 30.0)
    drawn = FrameRenderer(AvatarModel(head, asset), 384).render_rgba(params, camera)[..., 3]
    posed = pose_vertices(head, asset.shape_offsets, params).astype(np.float64)
    placed = posed @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    skin = head.faces[head.parts[head.faces[:, 0]] == Part.SKIN]
    shown, _ = cast_mesh(project(placed, camera.K), 1 / placed[:, 2], skin, 384, 384)
    middle = cv2.erode((shown >= 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    middle[:, :] &= np.arange(384)[:, None] < 280  # the head
    assert middle.sum() > 20_000
    assert (drawn[middle] > 200).mean() > 0.99
    assert (drawn[middle] > 100).all()


def test_one_picture_will_do():
    take = pick(known_take(24), [0])
    assert psnr_db(take, instant_avatar(take, load_open_head(), "One"), 0) > 21


def test_what_no_picture_shows_is_guessed_from_the_other_side():
    take = known_take(24)
    yaw = take.vectors[:, 51]
    half = pick(take, [int(index) for index in np.flatnonzero(yaw > 0.25)])
    asset = instant_avatar(half, load_open_head(), "Half")
    assert np.isfinite(asset.sh0).all()
    params = take.params(int(yaw.argmin()))
    alpha = FrameRenderer(AvatarModel(load_open_head(), asset), 512).render_rgba(params, take.camera())[..., 3]
    assert (alpha[take.alphas[int(yaw.argmin())] > 0] > 128).mean() > 0.93


@pytest.mark.parametrize("value", [0, 255])
def test_bad_mattes_still_give_an_avatar(value):
    take = pick(known_take(24), [0, 6, 18])
    asset = instant_avatar(replace(take, alphas=np.full_like(take.alphas, value)), load_open_head(), "Bad")
    AvatarModel(load_open_head(), asset)
