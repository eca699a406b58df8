"""Whole frames against the oracles of posing, drawing and color conversion."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.avatar.warm_up import warm_up
from renderer.backends import checks
from renderer.backends.reference import ReferenceRasterizer, rotation_matrices
from renderer.backends.workspace import FIRST_LIST_CAPACITY
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from renderer.yuv import YuvPlanes
from tests.support.faces import params_of
from tests.support.scenes import psnr
from visavis.bench.synthetic import synthetic_avatar
from visavis.bench.synthetic_paper import synthetic_paper_avatar

HEAD = load_open_head()
GRAY = (0.8, 0.82, 0.85)
VIEW = Camera.orbit(np.array([0.0, 0.05, 0.7]), 0.9, 0.3, 0.1, 112)


def avatar_of(count: int = 3000, bases: int = 5, **changes) -> AvatarModel:
    return AvatarModel(HEAD, replace(synthetic_avatar(HEAD, count, bases, grid_size=13), **changes))


@pytest.mark.parametrize("bases", [0, 1, 20])
@pytest.mark.parametrize("expression_dims", [10, 50])
def test_poses_as_the_oracle_does(bases: int, expression_dims: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.SWITCH, "1")
    avatar = avatar_of(bases=bases)
    renderer = FrameRenderer(avatar)
    for seed in range(3):
        params = params_of(seed, expression_dims)
        cloud = avatar.pose(params)
        means, axes, colors = renderer.pose(params)
        np.testing.assert_allclose(means, cloud.means, atol=1e-5)
        expected = rotation_matrices(cloud.quats.astype(float)) * cloud.scales[:, None, :]
        np.testing.assert_allclose(axes, expected, atol=1e-5)
        np.testing.assert_allclose(colors, cloud.colors, atol=1e-5)


def test_bases_may_turn_gaussians_far() -> None:
    asset = synthetic_avatar(HEAD, 300, 1, grid_size=2, rigid_share=0)
    grid = np.zeros_like(asset.basis_grid)
    grid[0, 3:6] = np.array([1.2, -1.6, 0.9])[:, None, None]  # 2.2 rad
    weights = np.zeros_like(asset.basis_weights)
    weights[0, 0] = 1
    avatar = AvatarModel(HEAD, replace(asset, basis_grid=grid, basis_weights=weights))
    params = replace(params_of(0), expression=np.eye(50)[0])
    _, axes, _ = FrameRenderer(avatar).pose(params)
    cloud = avatar.pose(params)
    expected = rotation_matrices(cloud.quats.astype(float)) * cloud.scales[:, None, :]
    np.testing.assert_allclose(axes, expected, atol=1e-4 * cloud.scales.max())


@pytest.mark.parametrize("seed", [0, 1])
def test_pictures_are_those_of_the_oracles(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.SWITCH, "1")
    avatar, params = avatar_of(), params_of(seed)
    renderer = FrameRenderer(avatar)
    expected = ReferenceRasterizer().rasterize(avatar.pose(params), VIEW, GRAY)
    assert psnr(renderer.render_rgb(params, VIEW, GRAY) / 255, expected) > 55  # 59 dB is what rounding leaves
    planes, expected_planes = YuvPlanes.allocate(112, 112), YuvPlanes.allocate(112, 112)
    renderer.render(params, VIEW, GRAY, planes)
    expected_planes.write_rgb(expected)
    for name in ("y", "u", "v"):
        plane, expected_plane = getattr(planes, name), getattr(expected_planes, name)
        assert psnr(plane / 255, expected_plane / 255) > 55
        assert np.ptp(expected_plane) > 10  # the test would see a plane that was left alone


@pytest.mark.parametrize("threads", [1, 2])
def test_the_papers_profile_is_drawn_like_its_oracle(threads: int) -> None:
    avatar, params = PaperAvatarModel(HEAD, synthetic_paper_avatar(HEAD, 1500)), params_of(7)
    expected = ReferenceRasterizer().rasterize(avatar.pose(params), VIEW, GRAY)
    renderer = FrameRenderer(avatar, threads=threads)
    renderer.render_rgb(params_of(8), VIEW, GRAY)
    assert psnr(renderer.render_rgb(params, VIEW, GRAY) / 255, expected) > 55


@pytest.mark.parametrize(("width", "height"), [(64, 48), (63, 47), (17, 16), (1, 1)])
def test_frames_of_any_size_stay_inside_their_planes(width: int, height: int) -> None:
    avatar, params = avatar_of(), params_of(2)
    camera = replace(VIEW, K=VIEW.K * np.float32([[0.5], [0.5], [1]]), width=width, height=height)
    memory = [np.full((70, 80), 99, np.uint8) for _ in range(3)]
    half = (height + 1) // 2, (width + 1) // 2
    views = [memory[0][3 : 3 + height, 5 : 5 + width], *(each[3 : 3 + half[0], 5 : 5 + half[1]] for each in memory[1:])]
    FrameRenderer(avatar).render(params, camera, GRAY, YuvPlanes(*views))
    expected = YuvPlanes.allocate(width, height)
    expected.write_rgb(ReferenceRasterizer().rasterize(avatar.pose(params), camera, GRAY))
    for whole, view, name in zip(memory, views, ("y", "u", "v"), strict=True):
        np.testing.assert_allclose(view.astype(int), getattr(expected, name).astype(int), atol=1)
        view[...] = 99
        assert (whole == 99).all()


def test_lists_grow_within_a_frame_and_sizes_may_change() -> None:
    faint = np.full(1600, -3.0, np.float32)
    avatar, params = avatar_of(1600, logit_opacities=faint), params_of(3)
    renderer = FrameRenderer(avatar)
    for size in (12, 64, 24):
        camera = Camera.orbit(np.array([0.0, 0.0, 0.7]), 0.9, 0.0, 0.0, size)
        expected = ReferenceRasterizer().rasterize(avatar.pose(params), camera, GRAY)
        assert psnr(renderer.render_rgb(params, camera, GRAY) / 255, expected) > 55
        if size == 12:
            assert renderer._poser.workspace.buffers["longest"].max() > FIRST_LIST_CAPACITY


def test_two_heads_are_drawn_by_two_threads() -> None:
    renderers = [FrameRenderer(avatar_of(count)) for count in (2000, 2500)]
    params = [params_of(seed) for seed in range(20)]
    alone = [[renderer.render_rgb(each, VIEW, GRAY) for each in params] for renderer in renderers]
    with ThreadPoolExecutor(2) as pool:
        together = list(
            pool.map(lambda renderer: [renderer.render_rgb(each, VIEW, GRAY) for each in params], renderers)
        )
    np.testing.assert_array_equal(np.array(together), np.array(alone))


def test_the_phases_of_a_frame_make_the_frame() -> None:
    renderer, planes = FrameRenderer(avatar_of()), YuvPlanes.allocate(112, 112)
    renderer.render(params_of(0), VIEW, GRAY, planes)
    expected = planes.y.copy()
    planes.fill(0, 0, 0)
    assert list(renderer.phases()) == ["pose", "project", "sort", "bin", "blend"]
    for phase in renderer.phases().values():
        phase()
    np.testing.assert_array_equal(planes.y, expected)


@pytest.mark.parametrize("bases", [0, 20])
def test_two_threads_draw_the_same_frame_as_one(bases: int) -> None:
    avatar = avatar_of(3000, bases)
    alone, together = FrameRenderer(avatar), FrameRenderer(avatar, threads=2)
    for seed in range(20):
        expected = alone.render_rgb(params_of(seed), VIEW, GRAY)
        np.testing.assert_array_equal(together.render_rgb(params_of(seed), VIEW, GRAY), expected)


def test_helpers_may_come_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    avatar = avatar_of(1600, logit_opacities=np.full(1600, -3.0, np.float32))  # lists that grow within a frame
    alone, together = FrameRenderer(avatar), FrameRenderer(avatar, threads=2)
    workspace, over = together._poser.workspace, threading.Event()
    monkeypatch.setattr(workspace, "ask_for_help", lambda: None)

    def help_all_the_time() -> None:
        while not over.is_set():
            workspace.help(1)

    helper = threading.Thread(target=help_all_the_time)
    helper.start()
    try:
        for seed, size in enumerate((12, 64, 24, 112) * 5):
            camera = Camera.orbit(np.array([0.0, 0.0, 0.7]), 0.9, 0.0, 0.0, size)
            planes, expected = YuvPlanes.allocate(size, size), YuvPlanes.allocate(size, size)
            alone.render(params_of(seed), camera, GRAY, expected)
            together.render(params_of(seed), camera, GRAY, planes)
            np.testing.assert_array_equal(planes.y, expected.y)
            planes.fill(0, 0, 0)
            together.render_view(camera, GRAY, planes)
            np.testing.assert_array_equal(planes.y, expected.y)
    finally:
        over.set()
        helper.join()


def test_another_view_of_the_same_instant() -> None:
    avatar, params = avatar_of(), params_of(4)
    renderer, other = FrameRenderer(avatar), Camera.orbit(np.array([0.0, 0.05, 0.7]), 0.8, -0.5, 0.0, 96)
    planes, expected = YuvPlanes.allocate(96, 96), YuvPlanes.allocate(96, 96)
    with pytest.raises(RuntimeError, match="no instant yet"):
        renderer.render_view(other, GRAY, planes)
    renderer.render_rgb(params, VIEW, GRAY)
    renderer.render_view(other, GRAY, planes)
    FrameRenderer(avatar).render(params, other, GRAY, expected)
    np.testing.assert_array_equal(planes.y, expected.y)
    np.testing.assert_array_equal(planes.u, expected.u)


def test_a_frame_over_a_picture() -> None:
    avatar, params = avatar_of(), params_of(5)
    picture = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    planes, expected = YuvPlanes.allocate(112, 112), YuvPlanes.allocate(112, 112)
    FrameRenderer(avatar).render(params, VIEW, picture, planes)
    expected.write_rgb(ReferenceRasterizer().rasterize(avatar.pose(params), VIEW, picture))
    for name in ("y", "u", "v"):
        assert psnr(getattr(planes, name) / 255, getattr(expected, name) / 255) > 55


def test_transparency_gives_back_the_picture_over_any_color() -> None:
    avatar, params = avatar_of(), params_of(6)
    renderer = FrameRenderer(avatar)
    image = renderer.render_rgba(params, VIEW) / 255
    assert (image[..., 3] == 0).any()
    for color in (GRAY, (0.0, 0.0, 0.0)):
        over = image[..., :3] * image[..., 3:] + np.array(color) * (1 - image[..., 3:])
        assert psnr(over, renderer.render_rgb(params, VIEW, color) / 255) > 50


def test_a_frame_allocates_nothing_large() -> None:
    renderer, planes = FrameRenderer(avatar_of(), threads=2), YuvPlanes.allocate(112, 112)
    faces = [params_of(seed) for seed in range(10)]
    for face in faces:  # until all lists are long enough
        renderer.render(face, VIEW, GRAY, planes)
    tracemalloc.start()
    for face in faces:
        renderer.render(face, VIEW, GRAY, planes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000


def test_wrong_sizes_are_refused() -> None:
    renderer = FrameRenderer(avatar_of(10), max_size=64)
    with pytest.raises(ValueError, match="planes of 32 x 32 for a camera of 112 x 112"):
        renderer.render(params_of(0), VIEW, GRAY, YuvPlanes.allocate(32, 32))
    with pytest.raises(ValueError, match="at most 64"):
        renderer.render_rgb(params_of(0), VIEW, GRAY)


def test_an_avatar_without_gaussians_is_background() -> None:
    image = FrameRenderer(avatar_of(0)).render_rgb(params_of(0), VIEW, (1.0, 0.0, 0.5))
    assert (image == [255, 0, 128]).all()


def test_warming_up_reports_progress_to_the_end() -> None:
    reports: list[tuple[str, float]] = []
    warm_up(lambda doing, share: reports.append((doing, share)))
    shares = [share for _, share in reports]
    assert shares == sorted(shares)
    assert reports[-1] == ("ready to draw", 1.0)
