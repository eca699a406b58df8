"""The CUDA backend without a graphics card: everything around gsplat, with a stand-in for gsplat itself."""

import inspect
import logging
import sys

import numpy as np
import pytest

from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.backends import choose, cuda
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.errors import CudaUnavailableError
from renderer.gaussians import GaussianCloud
from renderer.head.open_head import load_open_head
from renderer.yuv import YuvPlanes
from tests.support.gsplat_stand_in import StandIn
from tests.support.scenes import (
    WHITE,
    around_the_camera_plane,
    ball,
    cloud_of,
    giants,
    needles,
    psnr,
    unusable,
    with_harmonics,
)
from visavis.bench.synthetic import synthetic_avatar

HEAD = load_open_head()

EMPTY = GaussianCloud(*(np.zeros((0, n), np.float32) for n in (3, 4, 3)), np.zeros(0, np.float32), np.zeros((0, 3)))
CAMERA = Camera.looking_from_lens(61, 37, 80.0)
NEEDS_TORCH = "needs PyTorch: pip install 'visavis[cuda]'"


def rasterizer() -> cuda.CudaRasterizer:
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    return cuda.CudaRasterizer("cpu", rasterization=StandIn())


def reference(cloud: GaussianCloud, camera: Camera = CAMERA, background=WHITE) -> np.ndarray:
    return ReferenceRasterizer().rasterize(cloud, camera, background)


@pytest.mark.parametrize(
    "cloud",
    [
        pytest.param(ball(1500), id="ball"),
        pytest.param(needles(), id="needles"),
        pytest.param(giants(), id="giants"),
        pytest.param(around_the_camera_plane(), id="camera plane"),
        pytest.param(unusable(), id="unusable"),
        pytest.param(EMPTY, id="empty"),
        pytest.param(with_harmonics(ball(300), 1), id="degree 1"),
        pytest.param(with_harmonics(ball(300), 2), id="degree 2"),
        pytest.param(with_harmonics(ball(300), 3), id="degree 3"),
        pytest.param(with_harmonics(ball(300), 3, turned=True), id="degree 3, turned"),
    ],
)
def test_draws_what_the_oracle_draws_but_for_the_cap_of_alpha(cloud: GaussianCloud) -> None:
    for camera in (CAMERA, CAMERA.mirrored(), Camera.orbit(np.array([0.0, 0.0, 1.0]), 0.7, 0.4, 0.3, 48)):
        image = rasterizer().rasterize(cloud, camera, (0.1, 0.5, 0.9))
        expected = reference(cloud, camera, (0.1, 0.5, 0.9))
        assert image.dtype == np.float32
        assert psnr(image, expected) > 60
        assert np.abs(image - expected).max() < 0.011 * max(1.0, np.nan_to_num(cloud.colors, posinf=1).max(initial=0))


def test_values_near_the_ends_of_float32_arrive_within_reach() -> None:
    drawn, cloud = rasterizer(), ball(60)
    cloud.scales[:20] *= 1e30
    cloud.quats[20:40] *= 1e30
    cloud.quats[40:] *= 1e-30
    assert psnr(drawn.rasterize(cloud, CAMERA, WHITE), reference(cloud)) > 60


def test_where_alpha_is_not_capped_nothing_differs() -> None:
    cloud = ball(800)
    cloud.opacities[:] = np.minimum(cloud.opacities, 0.98)
    assert psnr(rasterizer().rasterize(cloud, CAMERA, WHITE), reference(cloud)) > 110


def test_peers_of_all_counts_and_sizes_are_drawn_in_one_call_for_each_size() -> None:
    drawn = rasterizer()
    clouds = [ball(200), with_harmonics(ball(90, seed=1), 2), EMPTY, with_harmonics(ball(40, seed=2), 1), ball(300)]
    small = Camera.looking_from_lens(33, 20, 50.0)
    cameras = [CAMERA, CAMERA.mirrored(), CAMERA, small, small]
    picture = np.random.default_rng(0).integers(0, 256, (37, 61, 3), np.uint8)
    backgrounds = [WHITE, picture, (0.0, 0.5, 0.2), WHITE, (0.3, 0.1, 0.0)]
    images = drawn.rasterize_batch(clouds, cameras, backgrounds)
    calls = drawn._rasterization.calls  # pyright: ignore
    assert [(call["size"], call["count"], call["width"]) for call in calls] == [(3, 200, 61), (2, 300, 33)]
    for image, cloud, camera, background in zip(images, clouds, cameras, backgrounds, strict=True):
        black, through = ReferenceRasterizer().rasterize_float64(cloud, camera)
        behind = background / 255 if isinstance(background, np.ndarray) else np.array(background)
        assert psnr(image, black + through[..., None] * behind) > 60


def test_bytes_are_the_floats_rounded_and_outlive_later_calls() -> None:
    drawn = rasterizer()
    clouds, cameras = [ball(300), ball(300, seed=1)], [CAMERA, CAMERA]
    floats = drawn.rasterize_batch(clouds, cameras, [WHITE, WHITE])
    rgb = drawn.rasterize_batch_rgb8(clouds, cameras, [WHITE, WHITE])
    kept = [image.copy() for image in floats]
    for _ in range(3):
        drawn.rasterize_batch(clouds[::-1], cameras, [(0, 0, 0), (0, 0, 0)])
    for image, copy, bytes_ in zip(floats, kept, rgb, strict=True):
        np.testing.assert_array_equal(image, copy)
        np.testing.assert_allclose(bytes_, np.floor(255 * np.clip(image, 0, 1) + 0.5), atol=1)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (61, 37), (1, 1), (2, 3)])
def test_video_planes_are_those_of_the_oracle(width: int, height: int) -> None:
    camera = Camera.looking_from_lens(width, height, 80.0)
    drawn, cloud = rasterizer(), ball(400)
    cloud.colors[:40] *= 4  # over-bright
    expected = YuvPlanes.allocate(width, height)
    expected.write_rgb(drawn.rasterize(cloud, camera, WHITE))
    (planes,) = drawn.rasterize_batch_yuv([cloud], [camera], [WHITE])
    for name in ("y", "u", "v"):
        np.testing.assert_allclose(getattr(planes, name).astype(int), getattr(expected, name).astype(int), atol=1)


def test_the_stand_in_takes_what_gsplat_takes() -> None:
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    gsplat = pytest.importorskip("gsplat", reason="needs gsplat: pip install 'visavis[cuda]'")
    theirs = inspect.signature(gsplat.rasterization).parameters
    ours = inspect.signature(StandIn()).parameters
    assert ours.keys() <= theirs.keys()
    assert {name: ours[name].default for name in ours} == {name: theirs[name].default for name in ours}


def test_wrong_arguments_are_refused() -> None:
    drawn = rasterizer()
    with pytest.raises(ValueError, match="1 clouds, 2 cameras and 1 backgrounds"):
        drawn.rasterize_batch([ball(3)], [CAMERA, CAMERA], [WHITE])
    with pytest.raises(ValueError, match="a picture of 0 x 4"):
        drawn.rasterize(ball(3), Camera.looking_from_lens(0, 4, 10.0), WHITE)
    with pytest.raises(ValueError, match="a background of shape"):
        drawn.rasterize(ball(3), CAMERA, np.zeros((5, 5, 3), np.uint8))


def test_pictures_in_flight_stay_until_the_second_next_are_sent() -> None:
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from renderer.backends.cuda_output import Reader

    reader = Reader(torch.device("cpu"))
    first = reader.send([torch.full((2, 3), 1.0)])
    second = reader.send([torch.full((2, 3), 2.0)])
    assert (first.wait()[0] == 1).all()
    assert (second.wait()[0] == 2).all()
    reader.send([torch.full((2, 3), 3.0)])
    assert (first.wait()[0] == 3).all()
    assert (second.wait()[0] == 2).all()


@pytest.fixture
def _asked_anew():
    cuda.why_unavailable.cache_clear()
    yield
    cuda.why_unavailable.cache_clear()


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize("name", ["torch", "gsplat"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "find_spec", lambda wanted: None if wanted == name else object())
    with pytest.raises(CudaUnavailableError, match=rf"needs {name}, .*pip install 'visavis\[cuda\]'"):
        cuda.CudaRasterizer()


@pytest.mark.usefixtures("_asked_anew")
def test_a_missing_card_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    monkeypatch.setattr(cuda, "find_spec", lambda wanted: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CudaUnavailableError, match="needs an NVIDIA graphics card"):
        cuda.CudaRasterizer()


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"gsplat.cuda": None}, "gsplat could not compile its kernels"),
        ({"gsplat.cuda": type(sys)("cuda"), "gsplat.cuda._backend": type(sys)("backend")}, "which brings nvcc"),
    ],
)
def test_a_missing_compiler_is_named(modules, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    monkeypatch.setattr(cuda, "find_spec", lambda wanted: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setitem(sys.modules, "gsplat", type(sys)("gsplat"))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    if "gsplat.cuda._backend" in modules:
        modules["gsplat.cuda._backend"]._C = None
        modules["gsplat.cuda"]._backend = modules["gsplat.cuda._backend"]
    assert reason in str(cuda.why_unavailable())


def test_the_processor_draws_where_no_card_does(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(choose, "why_unavailable", lambda: "There is no card.")
    assert isinstance(choose.choose_rasterizer(), CpuRasterizer)
    assert caplog.messages == ["drawing with cpu (There is no card.)"]
    assert isinstance(choose.choose_rasterizer("cpu"), CpuRasterizer)


def test_the_card_draws_where_there_is_one(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(choose, "why_unavailable", lambda: None)
    monkeypatch.setattr(choose, "CudaRasterizer", rasterizer)
    for name in ("auto", "cuda"):
        assert choose.choose_rasterizer(name).name == "cuda"
    assert caplog.messages == ["drawing with cuda"] * 2


def test_a_card_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "why_unavailable", lambda: "There is no card.")
    for choice in (choose.choose_rasterizer, lambda name: choose.head_renderer_maker(name, 64)):
        with pytest.raises(CudaUnavailableError, match="There is no card"):
            choice("cuda")
        with pytest.raises(ValueError, match="no renderer 'gpu'"):
            choice("gpu")


def test_heads_are_drawn_by_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    avatar = AvatarModel(HEAD, synthetic_avatar(HEAD, 50, 0))
    monkeypatch.setattr(choose, "why_unavailable", lambda: "There is no card.")
    assert isinstance(choose.head_renderer_maker("auto", 64)(avatar), FrameRenderer)
    pytest.importorskip("torch", reason=NEEDS_TORCH)
    from renderer.backends import cuda_head

    monkeypatch.setattr(choose, "why_unavailable", lambda: None)
    monkeypatch.setattr(cuda_head, "CudaFrameRenderer", lambda avatars, size, **rest: (avatars, size))
    assert isinstance(choose.head_renderer_maker("auto", 64)(avatar), cuda_head.CudaHeadRenderer)
    assert isinstance(choose.head_renderer_maker("cpu", 64)(avatar), FrameRenderer)


def test_one_opaque_splat_shows_the_bound_of_the_difference() -> None:
    cloud = cloud_of([[0, 0, 1]], 0.3, 1.0, colors=[[0, 0, 0]])
    difference = np.abs(rasterizer().rasterize(cloud, CAMERA, WHITE) - reference(cloud))
    assert 0.008 < difference.max() < 0.0091
