"""Posing on a device against the oracle, and whole frames of several peers, on the processor with a stand-in."""

from dataclasses import replace

import numpy as np
import pytest

from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.backends.reference import ReferenceRasterizer, rotation_matrices
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.head.open_head import load_open_head
from renderer.yuv import YuvPlanes
from tests.support.faces import params_of
from tests.support.gsplat_stand_in import StandIn
from tests.support.scenes import WHITE, psnr
from visavis.bench.synthetic import synthetic_avatar

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[cuda]'")

from renderer.backends.cuda_frames import CudaFrameRenderer
from renderer.backends.cuda_head import CudaHeadRenderer

HEAD = load_open_head()
OTHER_HEAD = replace(HEAD, model_id="another", v_template=(1.1 * HEAD.v_template).astype(np.float32))
VIEW = Camera.orbit(np.array([0.0, 0.05, 0.7]), 0.9, 0.3, 0.1, 80)


def avatar_of(count: int, bases: int, head=HEAD, seed: int = 0) -> AvatarModel:
    asset = synthetic_avatar(head, count, bases, grid_size=9, seed=seed)
    rng = np.random.default_rng(seed)
    return AvatarModel(head, replace(asset, shape_offsets=rng.normal(0, 1e-3, (len(head.v_template), 3)).astype("f4")))


def renderer_of(avatars) -> CudaFrameRenderer:
    return CudaFrameRenderer(avatars, max_size=128, device="cpu", rasterization=StandIn())


AVATARS = [avatar_of(700, 5), avatar_of(500, 0, seed=1), avatar_of(600, 3, OTHER_HEAD, seed=2), avatar_of(1, 1, seed=3)]


def assert_same(cloud: GaussianCloud, means, quats, scales, opacities, colors) -> None:
    count = len(cloud.means)
    np.testing.assert_allclose(means[:count], cloud.means, atol=2e-6)
    np.testing.assert_allclose(
        rotation_matrices(quats[:count].numpy().astype(float)), rotation_matrices(cloud.quats.astype(float)), atol=2e-4
    )
    np.testing.assert_array_equal(scales[:count], cloud.scales)
    np.testing.assert_array_equal(opacities[:count], cloud.opacities)
    np.testing.assert_allclose(colors[:count], cloud.colors, atol=2e-6)
    assert not opacities[count:].any()


@pytest.mark.parametrize("avatars", [AVATARS, AVATARS[:1], AVATARS[2:3]])
@pytest.mark.parametrize("expression_dims", [10, 50])
def test_poses_as_the_oracle_does(avatars: list[AvatarModel], expression_dims: int) -> None:
    renderer = renderer_of(avatars)
    for seed in range(3):
        params = [params_of(10 * seed + i, expression_dims) for i in range(len(avatars))]
        batch = renderer.pose(params)
        fields = (batch.means, batch.quats, batch.scales, batch.opacities, batch.colors)
        for i, (avatar, face) in enumerate(zip(avatars, params, strict=True)):
            assert_same(avatar.pose(face), *(field[i] for field in fields))


def test_a_face_at_rest_and_one_far_turned_are_posed_too() -> None:
    rest = FaceParams.neutral()
    turned = replace(rest, global_rotation=np.array([0.2, 2.9, -0.4], np.float32))
    renderer = renderer_of([AVATARS[0]])
    for face in (rest, turned):
        batch = renderer.pose([face])
        fields = (batch.means, batch.quats, batch.scales, batch.opacities, batch.colors)
        assert_same(AVATARS[0].pose(face), *(field[0] for field in fields))


def test_whole_frames_are_those_of_the_oracle() -> None:
    renderer = renderer_of(AVATARS)
    params = [params_of(i) for i in range(len(AVATARS))]
    wide = Camera(VIEW.camera_from_world, VIEW.K, 96, 70)
    cameras = [VIEW, VIEW.mirrored(), wide, VIEW]
    backgrounds = [WHITE, (0.1, 0.2, 0.3), np.full((70, 96, 3), 77, np.uint8), WHITE]
    images = renderer.render_rgb(params, cameras, backgrounds)
    planes = [YuvPlanes.allocate(camera.width, camera.height) for camera in cameras]
    renderer.render(params, cameras, backgrounds, planes)
    oracle = ReferenceRasterizer()
    for image, drawn, avatar, face, camera, background in zip(
        images, planes, AVATARS, params, cameras, backgrounds, strict=True
    ):
        expected = oracle.rasterize(avatar.pose(face), camera, background)
        assert psnr(image / 255, expected) > 50
        in_yuv = YuvPlanes.allocate(camera.width, camera.height)
        in_yuv.write_rgb(expected)
        assert np.abs(drawn.y.astype(int) - in_yuv.y).mean() < 0.2
        assert np.abs(drawn.u.astype(int) - in_yuv.u).mean() < 0.2
        assert np.abs(drawn.v.astype(int) - in_yuv.v).mean() < 0.2


def test_one_head_is_drawn_like_by_the_processor() -> None:
    avatar, other = AVATARS[0], VIEW.mirrored()
    renderer = CudaHeadRenderer(avatar, 80, device="cpu", rasterization=StandIn())
    planes, expected = YuvPlanes.allocate(80, 80), YuvPlanes.allocate(80, 80)
    with pytest.raises(RuntimeError, match="no instant yet"):
        renderer.render_view(VIEW, WHITE, planes)
    for seed in range(2):
        processor = FrameRenderer(avatar, max_size=80)
        renderer.render(params_of(seed), VIEW, WHITE, planes)
        processor.render(params_of(seed), VIEW, WHITE, expected)
        assert np.abs(planes.y.astype(int) - expected.y).mean() < 0.2
        renderer.render_view(other, WHITE, planes)
        assert np.abs(planes.y.astype(int) - expected.y).mean() > 1
        processor.render_view(other, WHITE, expected)
        assert np.abs(planes.y.astype(int) - expected.y).mean() < 0.2


def test_frames_may_be_in_flight_while_the_next_are_drawn() -> None:
    renderer, avatars = renderer_of(AVATARS[:2]), AVATARS[:2]
    arguments = [VIEW, VIEW], [WHITE, WHITE]
    first = renderer.submit([params_of(0), params_of(1)], *arguments, "rgb8")
    second = renderer.submit([params_of(2), params_of(3)], *arguments, "rgb8")
    for frames, seeds in ((first, (0, 1)), (second, (2, 3))):
        for image, avatar, seed in zip(frames.wait(), avatars, seeds, strict=True):
            expected = ReferenceRasterizer().rasterize(avatar.pose(params_of(seed)), VIEW, WHITE)
            assert psnr(image / 255, expected) > 50


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="no avatar"):
        renderer_of([])
    renderer = renderer_of(AVATARS[:1])
    with pytest.raises(ValueError, match="2 faces for 1 avatars"):
        renderer.submit([params_of(0)] * 2, [VIEW], [WHITE])
    with pytest.raises(ValueError, match="1 avatars, 2 cameras"):
        renderer.submit([params_of(0)], [VIEW] * 2, [WHITE])
    with pytest.raises(ValueError, match="at most 128"):
        renderer.submit([params_of(0)], [Camera.looking_from_lens(129, 20, 50.0)], [WHITE])
    with pytest.raises(ValueError, match="other sizes"):
        renderer.render([params_of(0)], [VIEW], [WHITE], [YuvPlanes.allocate(20, 20)])
