"""The SIMD rasterizer against the oracle."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from renderer.backends import checks
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.kernels import layout
from renderer.backends.reference import ReferenceRasterizer
from renderer.backends.workspace import RasterWorkspace
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from tests.support.scenes import (
    WHITE,
    around_the_camera_plane,
    ball,
    cloud_of,
    giants,
    needles,
    pile,
    psnr,
    unusable,
    with_harmonics,
)

EMPTY = GaussianCloud(*(np.zeros((0, n), np.float32) for n in (3, 4, 3)), np.zeros(0, np.float32), np.zeros((0, 3)))


@pytest.fixture(autouse=True)
def _look_for_strays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.SWITCH, "1")


@pytest.mark.parametrize(
    "cloud",
    [
        pytest.param(ball(1500), id="ball"),
        pytest.param(ball(17), id="not a multiple of 16"),
        pytest.param(needles(), id="needles"),
        pytest.param(giants(), id="giants"),
        pytest.param(around_the_camera_plane(), id="camera plane"),
        pytest.param(pile(3000), id="longer than the first lists"),
        pytest.param(unusable(), id="unusable"),
        pytest.param(EMPTY, id="empty"),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(96, 64), (61, 37), (5, 3), (130, 200)])
def test_draws_what_the_oracle_draws(cloud: GaussianCloud, width: int, height: int) -> None:
    camera = Camera.looking_from_lens(width, height, 80.0)
    expected = ReferenceRasterizer().rasterize(cloud, camera, (0.1, 0.5, 0.9))
    image = CpuRasterizer().rasterize(cloud, camera, (0.1, 0.5, 0.9))
    assert psnr(image, expected) > 110
    assert np.abs(image - expected).max() < 1.5 / 255  # a splat's rim may be cut one pixel earlier or later


def test_other_cameras_and_reused_buffers() -> None:
    rasterizer, oracle = CpuRasterizer(), ReferenceRasterizer()
    for yaw, size in ((0.4, 64), (-1.2, 160), (2.5, 33), (0.0, 64)):
        cloud = ball(300 + size, seed=size)
        camera = Camera.orbit(np.array([0.0, 0.0, 1.0]), 0.7, yaw, 0.3, size, fov_deg=40.0)
        assert psnr(rasterizer.rasterize(cloud, camera, WHITE), oracle.rasterize(cloud, camera, WHITE)) > 110


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_view_dependent_color_is_that_of_the_oracle(degree: int, turned: bool) -> None:
    cloud = with_harmonics(ball(700), degree, turned)
    plain = CpuRasterizer().rasterize(ball(700), Camera.looking_from_lens(64, 64, 80.0), WHITE)
    for yaw in (0.0, 1.7):
        camera = Camera.orbit(np.array([0.0, 0.0, 1.0]), 0.7, yaw, 0.3, 64, fov_deg=40.0)
        expected = ReferenceRasterizer().rasterize(cloud, camera, WHITE)
        image = CpuRasterizer().rasterize(cloud, camera, WHITE)
        assert psnr(image, expected) > 105
        assert psnr(plain, expected) < 40


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_draws_the_same_picture(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(checks.SWITCH)
    alone, together = CpuRasterizer(), CpuRasterizer(threads=threads)
    for seed in range(30):
        cloud = ball(4000 + seed, seed)
        camera = Camera.looking_from_lens(200, 150, 200.0)
        expected = alone.rasterize(cloud, camera, WHITE)
        np.testing.assert_array_equal(together.rasterize(cloud, camera, WHITE), expected)


def test_a_picture_as_background() -> None:
    rng = np.random.default_rng(0)
    camera, cloud = Camera.looking_from_lens(45, 30, 40.0), ball(300)
    rasterizer, picture = CpuRasterizer(), rng.integers(0, 256, (30, 45, 3), dtype=np.uint8)
    expected = ReferenceRasterizer().rasterize(cloud, camera, picture)
    assert psnr(rasterizer.rasterize(cloud, camera, picture), expected) > 105
    bytes_expected = np.floor(255 * np.clip(expected, 0, 1) + 0.5)
    np.testing.assert_allclose(rasterizer.rasterize_rgb8(cloud, camera, picture), bytes_expected, atol=1)
    assert psnr(rasterizer.rasterize(cloud, camera, picture[::-1]), expected) < 30  # another array, another picture
    with pytest.raises(ValueError, match="background of uint8"):
        rasterizer.rasterize(cloud, camera, picture[1:])


@pytest.mark.parametrize("rasterizer", [CpuRasterizer(), ReferenceRasterizer()])
def test_a_mirrored_view_is_the_picture_mirrored(rasterizer: CpuRasterizer | ReferenceRasterizer) -> None:
    cloud = ball(300)
    for camera in (Camera.looking_from_lens(61, 40, 80.0), Camera.looking_from_lens(61, 40, 15.0)):
        image = rasterizer.rasterize(cloud, camera, WHITE)
        np.testing.assert_allclose(rasterizer.rasterize(cloud, camera.mirrored(), WHITE), image[:, ::-1], atol=2e-5)


def test_nearest_first_at_any_range_of_depths() -> None:
    depths = np.array([3000.0, 1.0, 1.00001, 1.00002, 500.0, 0.02])
    cloud = cloud_of(
        np.outer(depths, [0, 0, 1]),
        0.01 * depths[:, None],
        0.6,
        colors=np.eye(3)[[0, 1, 2, 0, 1, 2]],
        quats=np.eye(4)[[0] * 6],
    )
    camera = Camera.looking_from_lens(32, 32, 100.0)
    expected = ReferenceRasterizer().rasterize(cloud, camera, WHITE)
    assert psnr(CpuRasterizer().rasterize(cloud, camera, WHITE), expected) > 110


def test_bytes_are_the_floats_rounded() -> None:
    camera = Camera.looking_from_lens(45, 30, 80.0)
    cloud = ball(500)
    cloud.colors[:50] *= 4  # over-bright
    image = CpuRasterizer().rasterize(cloud, camera, WHITE)
    rounded = np.floor(255 * np.clip(image, 0, 1) + 0.5)
    np.testing.assert_allclose(CpuRasterizer().rasterize_rgb8(cloud, camera, WHITE), rounded, atol=1)


def test_threads_with_rasterizers_of_their_own_do_not_disturb_each_other() -> None:
    camera = Camera.looking_from_lens(128, 128, 150.0)
    clouds = [ball(2000, seed) for seed in range(4)]
    alone = [CpuRasterizer().rasterize(cloud, camera, WHITE) for cloud in clouds]
    shared = CpuRasterizer()
    for rasterizers in ([CpuRasterizer() for _ in clouds], [shared] * len(clouds)):
        with ThreadPoolExecutor(4) as pool:
            together = pool.map(
                lambda pair: pair[0].rasterize(pair[1], camera, WHITE), zip(rasterizers, clouds, strict=True)
            )
            for image, expected in zip(together, alone, strict=True):
                np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("count", [layout.SMALL_CLOUD, layout.SMALL_CLOUD + 1, 150_000])
def test_clouds_beyond_sixteen_bits_lose_nothing(count: int) -> None:
    camera = Camera.looking_from_lens(24, 24, 20.0)
    cloud = ball(count)
    cloud.opacities[:-2] = 0.005  # some thousands of faint splats on each pixel
    cloud.opacities[-2:] = 0.9  # and that the last numbers survive
    cloud.means[-1] = 0.1, 0, 0.5
    expected = ReferenceRasterizer().rasterize(cloud, camera, WHITE)
    assert psnr(CpuRasterizer(threads=2).rasterize(cloud, camera, WHITE), expected) > 80
    assert expected.min() < 0.99


def test_too_large_a_cloud_is_refused() -> None:
    with pytest.raises(ValueError, match="4194305 Gaussians"):
        RasterWorkspace(layout.MAX_CLOUD + 1)


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (8193, 4)])
def test_sizes_out_of_range_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="a picture of"):
        CpuRasterizer().rasterize(ball(3), Camera.looking_from_lens(*size, 100.0), WHITE)


def test_checks_notice_a_stray_write_and_a_stray_index() -> None:
    def drawn() -> RasterWorkspace:
        workspace = RasterWorkspace(16)
        workspace.set_view(Camera.looking_from_lens(16, 16, 20.0), WHITE)
        workspace.set_planar_output()
        workspace.draw()
        return workspace

    stray_write = drawn()
    depths = stray_write.buffers["depths"]
    memory = depths.base
    assert memory is not None
    memory.reshape(-1)[depths.ctypes.data - memory.ctypes.data + depths.nbytes] = 7
    with pytest.raises(AssertionError, match="outside of the buffer depths"):
        stray_write.draw()

    moved = drawn()
    moved.states["order_at"] += 4
    with pytest.raises(AssertionError, match="does not point to the buffer order"):
        moved.draw()
