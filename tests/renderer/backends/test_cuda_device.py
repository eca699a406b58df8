"""The CUDA backend on a graphics card, against the oracles; the bounds are those of docs/cuda.md."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.choose import choose_rasterizer
from renderer.backends.cuda import CudaRasterizer, why_unavailable
from renderer.backends.nvenc import NvencEncoder
from renderer.backends.reference import ReferenceRasterizer, rotation_matrices
from renderer.camera import Camera
from renderer.errors import CudaUnavailableError
from renderer.gaussians import GaussianCloud
from renderer.head.open_head import load_open_head
from renderer.yuv import YuvPlanes
from tests.support.faces import params_of
from tests.support.scenes import (
    WHITE,
    around_the_camera_plane,
    ball,
    giants,
    needles,
    pile,
    psnr,
    unusable,
    with_harmonics,
)
from visavis.bench.synthetic import synthetic_avatar

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[cuda]'")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)
with warnings.catch_warnings():  # of libraries, while gsplat compiles its kernels: longer than any test may take
    warnings.simplefilter("ignore")
    MISSING = why_unavailable()
if MISSING is not None:
    pytest.skip(f"no CUDA device: {MISSING}", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("default")  # what a library says about a card is no failure of ours

PSNR_DB = 50.0
LARGEST_DIFFERENCE = 0.02
"""The cap of alpha (0.009) and a faint rim that is cut one pixel earlier or later, a few on top of each other."""

HEAD = load_open_head()
VIEW = Camera.orbit(np.array([0.0, 0.05, 0.7]), 0.9, 0.3, 0.1, 160)
AVATARS = [AvatarModel(HEAD, synthetic_avatar(HEAD, 4000, 5)), AvatarModel(HEAD, synthetic_avatar(HEAD, 3000, 0))]


def renderer_of(avatars: list[AvatarModel]):
    from renderer.backends.cuda_frames import CudaFrameRenderer

    return CudaFrameRenderer(avatars, max_size=160)


def assert_alike(image: np.ndarray, expected: np.ndarray) -> None:
    assert psnr(image, expected) > PSNR_DB
    assert np.abs(image - expected).max() < LARGEST_DIFFERENCE


@pytest.mark.parametrize(
    "cloud",
    [
        pytest.param(ball(1500), id="ball"),
        pytest.param(needles(), id="needles"),
        pytest.param(giants(), id="giants"),
        pytest.param(around_the_camera_plane(), id="camera plane"),
        pytest.param(pile(3000), id="long lists"),
        pytest.param(unusable(), id="unusable"),
        pytest.param(ball(0), id="empty"),
        pytest.param(with_harmonics(ball(300), 1), id="degree 1"),
        pytest.param(with_harmonics(ball(300), 3, turned=True), id="degree 3, turned"),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(96, 64), (61, 37), (5, 3)])
def test_draws_what_the_oracle_draws(cloud: GaussianCloud, width: int, height: int) -> None:
    camera = Camera.looking_from_lens(width, height, 80.0)
    for view in (camera, camera.mirrored()):
        expected = ReferenceRasterizer().rasterize(cloud, view, (0.1, 0.5, 0.9))
        assert_alike(CudaRasterizer().rasterize(cloud, view, (0.1, 0.5, 0.9)), expected)


def test_the_eyes_of_a_stereo_view() -> None:
    for camera in VIEW.stereo(0.063, 0.9):
        expected = ReferenceRasterizer().rasterize(ball(1500), camera, WHITE)
        assert_alike(CudaRasterizer().rasterize(ball(1500), camera, WHITE), expected)


def test_a_batch_is_its_pictures_one_by_one() -> None:
    rasterizer = CudaRasterizer()
    clouds = [ball(900, seed) for seed in range(3)] + [with_harmonics(ball(400, 4), 2), ball(0)]
    camera = Camera.looking_from_lens(96, 64, 80.0)
    cameras = [camera, VIEW, camera.mirrored(), camera, camera]
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    backgrounds = [WHITE, WHITE, picture, (0.2, 0.1, 0.0), WHITE]
    together = rasterizer.rasterize_batch(clouds, cameras, backgrounds)
    for image, cloud, view, background in zip(together, clouds, cameras, backgrounds, strict=True):
        np.testing.assert_allclose(image, rasterizer.rasterize(cloud, view, background), atol=1e-5)


def test_planes_are_converted_on_the_card_as_the_oracle_converts() -> None:
    rasterizer, camera = CudaRasterizer(), Camera.looking_from_lens(61, 37, 80.0)
    expected = YuvPlanes.allocate(61, 37)
    expected.write_rgb(rasterizer.rasterize(ball(400), camera, WHITE))
    (planes,) = rasterizer.rasterize_batch_yuv([ball(400)], [camera], [WHITE])
    for name in ("y", "u", "v"):
        np.testing.assert_allclose(getattr(planes, name).astype(int), getattr(expected, name).astype(int), atol=1)


def test_the_recorded_posing_follows_the_face() -> None:
    renderer = renderer_of(AVATARS)
    for seed in range(4):
        params = [params_of(2 * seed), params_of(2 * seed + 1, 10)]
        batch = renderer.pose(params)
        for i, (avatar, face) in enumerate(zip(AVATARS, params, strict=True)):
            cloud, count = avatar.pose(face), avatar.count
            np.testing.assert_allclose(batch.means[i, :count].cpu(), cloud.means, atol=5e-6)
            np.testing.assert_allclose(batch.colors[i, :count].cpu(), cloud.colors, atol=5e-6)
            quats = batch.quats[i, :count].cpu().numpy().astype(float)
            expected = rotation_matrices(cloud.quats.astype(float))
            np.testing.assert_allclose(rotation_matrices(quats), expected, atol=5e-4)
            assert not batch.opacities[i, count:].any()


def test_avatars_of_two_head_models_are_posed_together() -> None:
    other = replace(HEAD, model_id="another", v_template=(1.1 * HEAD.v_template).astype(np.float32))
    avatars = [AVATARS[0], AvatarModel(other, synthetic_avatar(other, 500, 2)), AVATARS[1]]
    params = [params_of(i) for i in range(3)]
    batch = renderer_of(avatars).pose(params)
    for i, (avatar, face) in enumerate(zip(avatars, params, strict=True)):
        np.testing.assert_allclose(batch.means[i, : avatar.count].cpu(), avatar.pose(face).means, atol=5e-6)


def test_whole_frames_in_flight_are_those_of_the_oracle() -> None:
    renderer, views = renderer_of(AVATARS), [VIEW, VIEW.mirrored()]
    instants = [[params_of(2 * seed), params_of(2 * seed + 1)] for seed in range(4)]
    waiting, pictures = None, []
    for params in instants:
        frames = renderer.submit(params, views, [WHITE, WHITE], "rgb8")
        if waiting is not None:
            pictures.append([picture.copy() for picture in waiting.wait()])
        waiting = frames
    assert waiting is not None
    pictures.append(waiting.wait())
    for params, drawn in zip(instants, pictures, strict=True):
        for avatar, face, view, picture in zip(AVATARS, params, views, drawn, strict=True):
            expected = ReferenceRasterizer().rasterize(avatar.pose(face), view, WHITE)
            assert psnr(picture / 255, expected) > 45


def test_the_card_is_chosen_by_itself() -> None:
    assert choose_rasterizer().name == "cuda"


def test_the_cards_encoder_takes_what_was_drawn() -> None:
    planes = [YuvPlanes.allocate(160, 160), YuvPlanes.allocate(160, 160)]
    renderer_of(AVATARS).render([params_of(0), params_of(1)], [VIEW, VIEW], [WHITE, WHITE], planes)
    try:
        encoder = NvencEncoder(160, 160)
    except CudaUnavailableError as error:
        pytest.skip(str(error))
    packets = [packet for each in planes for packet in encoder.encode(each)] + encoder.finish()
    assert packets[0].startswith(b"\x00\x00")
