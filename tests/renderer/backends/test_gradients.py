"""The backward pass against central differences of the float64 oracle, and what it promises beside accuracy."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from renderer.backends import checks
from renderer.backends.cpu import CpuRasterizer
from renderer.backends.gradients import CloudGradients, DifferentiableRasterizer, rigid_motion_gradient
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from tests.support.gradient_scenes import BACKGROUND, oblique_camera, relative_error, soft_ball, turned, with_strays
from tests.support.scenes import around_the_camera_plane, ball, cloud_of, giants, needles, pile, unusable

GROUPS = ("means", "quats", "scales", "opacities", "colors", "sh_rest")


@pytest.fixture(autouse=True)
def _look_for_strays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.SWITCH, "1")


def losses(camera: Camera, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Random gradients of image and alpha."""
    rng = np.random.default_rng(seed)
    shape = (camera.height, camera.width)
    return rng.normal(size=(*shape, 3)).astype(np.float32), rng.normal(size=shape).astype(np.float32)


def gradients_of(cloud: GaussianCloud, camera: Camera, threads: int = 1, shares: int | None = None) -> CloudGradients:
    rasterizer = DifferentiableRasterizer(threads, shares)
    rasterizer.forward(cloud, camera, BACKGROUND)
    return rasterizer.backward(*losses(camera))


def loss(cloud: GaussianCloud, camera: Camera, background: NDArray[np.float64]) -> float:
    """The scalar whose gradient `gradients_of` takes, in float64."""
    image, through = ReferenceRasterizer().rasterize_float64(cloud, camera)
    image_gradient, alpha_gradient = losses(camera)
    total = ((image + through[..., None] * background) * image_gradient).sum() + ((1 - through) * alpha_gradient).sum()
    return float(total)


def moved(cloud: GaussianCloud, camera: Camera, group: str, step: NDArray[np.float64]) -> float:
    """The loss after a step of one group of parameters."""
    background = np.array(BACKGROUND)
    if group == "background":
        return loss(cloud, camera, background + step)
    if group == "camera_from_world":
        view = camera.camera_from_world.astype(np.float64) + step
        return loss(cloud, replace(camera, camera_from_world=view), background)
    return loss(replace(cloud, **{group: getattr(cloud, group).astype(np.float64) + step}), camera, background)


def largest_difference(cloud: GaussianCloud, camera: Camera, group: str, gradient: NDArray[np.floating]) -> float:
    """How far derivatives along the gradient itself and two other directions are off, relative to its length."""
    gradient = gradient.astype(np.float64)
    length = float(np.linalg.norm(gradient))
    assert length > 0
    rng = np.random.default_rng(1)
    worst = 0.0
    for direction in (gradient, *rng.normal(size=(2, *gradient.shape))):
        if group == "camera_from_world":
            direction[3] = 0
        unit = direction / np.linalg.norm(direction)
        step = 1e-8 * unit
        derivative = (moved(cloud, camera, group, step) - moved(cloud, camera, group, -step)) / 2e-8
        worst = max(worst, abs(derivative - float((unit * gradient).sum())) / length)
    return worst


@pytest.mark.parametrize(
    "cloud",
    [
        pytest.param(soft_ball(80), id="degree 0"),
        pytest.param(soft_ball(80, 3), id="degree 1"),
        pytest.param(soft_ball(80, 8), id="degree 2"),
        pytest.param(replace(soft_ball(80, 15), sh_from_world=turned()), id="degree 3, turned"),
        pytest.param(with_strays(soft_ball(80, 15)), id="needles and hidden ones"),
        pytest.param(replace(soft_ball(300), opacities=np.full(300, 0.995, np.float32)), id="opaque"),
        pytest.param(giants(30), id="giants"),
    ],
)
def test_agrees_with_central_differences(cloud: GaussianCloud) -> None:
    camera = oblique_camera(41, 30)
    gradients = gradients_of(cloud, camera)
    for group in (*GROUPS, "camera_from_world", "background"):
        gradient = getattr(gradients, group)
        if gradient is not None:
            assert largest_difference(cloud, camera, group, gradient) < 5e-5, group


def test_gaussians_around_the_plane_of_the_camera() -> None:
    cloud, camera = around_the_camera_plane(), Camera.looking_from_lens(41, 30, 60.0)
    gradients = gradients_of(cloud, camera)
    for group in ("means", "scales", "camera_from_world"):
        assert largest_difference(cloud, camera, group, getattr(gradients, group)) < 5e-5, group


def test_the_margin_of_the_field_stops_the_jacobian() -> None:
    """Wide Gaussians far outside of the picture are projected with a Jacobian that their position does not move."""
    cloud = cloud_of([[0.5, 0.1, 0.6], [-0.7, -0.4, 0.8], [0.1, 0.6, 0.7]], 0.3, 0.8)
    camera = Camera.looking_from_lens(33, 21, 60.0)
    gradients = gradients_of(cloud, camera)
    for group in ("means", "scales", "camera_from_world"):
        assert largest_difference(cloud, camera, group, getattr(gradients, group)) < 5e-5, group


@pytest.mark.parametrize("size", [(5, 3), (16, 16), (61, 37), (64, 48)])
def test_any_size_of_picture(size: tuple[int, int]) -> None:
    cloud, camera = soft_ball(40), oblique_camera(*size)
    gradients = gradients_of(cloud, camera)
    assert largest_difference(cloud, camera, "means", gradients.means) < 5e-5
    assert largest_difference(cloud, camera, "background", gradients.background) < 5e-5


def test_a_small_motion_of_the_camera() -> None:
    cloud, camera = soft_ball(80, 3), oblique_camera(41, 30)
    gradients = gradients_of(cloud, camera)
    expected = rigid_motion_gradient(camera.camera_from_world, gradients.camera_from_world)
    view = camera.camera_from_world.astype(np.float64)
    # float32 is no rotation to the last bit, which shows as a kind of scaling that no motion does
    view[:3, :3] = np.linalg.svd(view[:3, :3])[0] @ np.linalg.svd(view[:3, :3])[2]
    camera = replace(camera, camera_from_world=view)
    for i in range(6):
        generator = np.zeros((4, 4))
        if i < 3:
            generator[:3, :3] = np.cross(np.eye(3)[i], np.eye(3)).T
        else:
            generator[i - 3, 3] = 1
        step = 1e-8 * generator @ view
        derivative = (
            moved(cloud, camera, "camera_from_world", step) - moved(cloud, camera, "camera_from_world", -step)
        ) / 2e-8
        np.testing.assert_allclose(expected[i], derivative, atol=1e-4 * float(np.linalg.norm(expected)))


def test_picture_and_alpha_are_those_of_the_rasterizer() -> None:
    cloud, camera = ball(300), oblique_camera(61, 37)
    rasterizer = DifferentiableRasterizer()
    image = rasterizer.forward(cloud, camera, BACKGROUND)
    np.testing.assert_array_equal(image, CpuRasterizer().rasterize(cloud, camera, BACKGROUND))
    _, through = ReferenceRasterizer().rasterize_float64(cloud, camera)
    np.testing.assert_allclose(rasterizer.alpha, 1 - through, atol=1e-5)


def test_alpha_without_a_gradient_of_its_own() -> None:
    cloud, camera = soft_ball(60), oblique_camera(40, 40)
    rasterizer = DifferentiableRasterizer()
    rasterizer.forward(cloud, camera, BACKGROUND)
    image_gradient, alpha_gradient = losses(camera)
    rasterizer.backward(image_gradient, alpha_gradient)
    without = rasterizer.backward(image_gradient)
    zero = rasterizer.backward(image_gradient, np.zeros_like(alpha_gradient))
    for group in GROUPS[:5]:
        np.testing.assert_array_equal(getattr(without, group), getattr(zero, group))


def test_parts_of_a_loss_add_up() -> None:
    """Pixels without gradient are skipped; that must not lose any."""
    cloud, camera = soft_ball(60, 3), oblique_camera(40, 40)
    rasterizer = DifferentiableRasterizer()
    rasterizer.forward(cloud, camera, BACKGROUND)
    image_gradient, alpha_gradient = losses(camera)
    whole = rasterizer.backward(image_gradient, alpha_gradient)
    upper = (np.arange(40) < 17)[:, None]
    parts = [rasterizer.backward(image_gradient * m[..., None], alpha_gradient * m) for m in (upper, ~upper)]
    for group in (*GROUPS, "camera_from_world", "background"):
        total = getattr(parts[0], group) + getattr(parts[1], group)
        assert relative_error(total, getattr(whole, group)) < 1e-5


@pytest.mark.parametrize("shares", [1, 2, 5])
def test_bitwise_the_same_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch, shares: int) -> None:
    monkeypatch.delenv(checks.SWITCH)
    cloud, camera = soft_ball(400, 8), oblique_camera(150, 130)
    expected = gradients_of(cloud, camera, 1, shares)
    shared = DifferentiableRasterizer(2, shares)
    for _ in range(5):
        shared.forward(cloud, camera, BACKGROUND)
        gradients = shared.backward(*losses(camera))
        for group in (*GROUPS, "camera_from_world", "background"):
            np.testing.assert_array_equal(getattr(gradients, group), getattr(expected, group))


def test_shares_only_change_the_order_of_additions() -> None:
    cloud, camera = soft_ball(400, 8), oblique_camera(150, 130)
    one, many = gradients_of(cloud, camera, 1, 1), gradients_of(cloud, camera, 1, 64)
    for group in (*GROUPS, "camera_from_world", "background"):
        assert relative_error(getattr(many, group), getattr(one, group)) < 3e-6


@pytest.mark.parametrize(
    "cloud",
    [unusable(), replace(unusable(), sh_rest=np.full((160, 15, 3), np.nan, np.float32)), needles(), giants()],
    ids=["unusable", "harmonics that are no numbers", "needles", "giants"],
)
def test_always_finite(cloud: GaussianCloud) -> None:
    gradients = gradients_of(cloud, Camera.looking_from_lens(61, 37, 80.0))
    for group in (*GROUPS, "camera_from_world", "background"):
        gradient = getattr(gradients, group)
        assert gradient is None or np.isfinite(gradient).all(), group


def test_what_is_not_seen_gets_none_and_leaves_the_others_alone() -> None:
    cloud, camera = with_strays(soft_ball(200, 3)), oblique_camera()
    seen = gradients_of(cloud, camera).colors.any(axis=1)
    assert 0 < (~seen).sum() < 100
    gradients = gradients_of(cloud, camera)
    fields = {group: getattr(cloud, group)[seen] for group in GROUPS}
    alone = gradients_of(GaussianCloud(**fields), camera)
    for group in GROUPS:
        gradient = getattr(gradients, group)
        assert not gradient[~seen].any()
        np.testing.assert_array_equal(gradient[seen], getattr(alone, group))


def test_nothing_passes_where_alpha_or_a_color_is_cut_off() -> None:
    camera = Camera.looking_from_lens(16, 16, 20.0)
    wall = cloud_of([[0, 0, 1]], 50.0, 1.0, colors=[[-0.5, 0.5, 0.5]])  # alpha = 0.99 everywhere
    gradients = gradients_of(wall, camera)
    for group in ("means", "quats", "scales", "opacities"):
        assert not getattr(gradients, group).any()
    assert gradients.colors[0, 0] == 0
    expected = 0.99 * losses(camera)[0][..., 1:].sum(axis=(0, 1))
    np.testing.assert_allclose(gradients.colors[0, 1:], expected, rtol=1e-5)


def test_clouds_of_more_than_16_bits() -> None:
    small, camera = soft_ball(150, 3), oblique_camera()
    count = 70_000
    fields = {}
    for group in GROUPS:
        values = getattr(small, group)
        fields[group] = np.concatenate([np.zeros((count, *values.shape[1:]), np.float32), values])
    fields["means"][:count:2] = small.means[0]  # half of them before the lens, but clear
    gradients, expected = gradients_of(GaussianCloud(**fields), camera), gradients_of(small, camera)
    for group in GROUPS:
        gradient = getattr(gradients, group)
        assert not gradient[:count].any()
        np.testing.assert_array_equal(gradient[count:], getattr(expected, group))


def test_lists_that_grow_and_clouds_that_change() -> None:
    rasterizer = DifferentiableRasterizer(shares=3)
    for cloud, size in ((pile(3000), (33, 20)), (soft_ball(20, 3), (64, 64)), (soft_ball(20, 3), (50, 60))):
        camera = oblique_camera(*size)
        rasterizer.forward(cloud, camera, BACKGROUND)
        gradients = rasterizer.backward(*losses(camera))
        expected = gradients_of(cloud, camera, 1, 3)
        for group in GROUPS[:5]:
            np.testing.assert_array_equal(getattr(gradients, group), getattr(expected, group))


def test_an_empty_cloud_passes_everything_to_the_background() -> None:
    empty = GaussianCloud(*(np.zeros((0, n), np.float32) for n in (3, 4, 3)), np.zeros(0, np.float32), np.zeros((0, 3)))
    camera = oblique_camera(20, 24)
    gradients = gradients_of(empty, camera)
    assert gradients.means.shape == (0, 3)
    assert gradients.sh_rest is None
    np.testing.assert_allclose(gradients.background, losses(camera)[0].sum(axis=(0, 1)), rtol=1e-4)


def test_misuse_is_refused() -> None:
    rasterizer = DifferentiableRasterizer()
    with pytest.raises(ValueError, match="backward before forward"):
        rasterizer.backward(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="alpha before forward"):
        _ = rasterizer.alpha
    rasterizer.forward(soft_ball(5), oblique_camera(8, 6), BACKGROUND)
    with pytest.raises(ValueError, match=r"\(8, 6, 3\), not \(6, 8, 3\)"):
        rasterizer.backward(np.zeros((8, 6, 3)))
    with pytest.raises(ValueError, match="gradient of alpha"):
        rasterizer.backward(np.zeros((6, 8, 3)), np.zeros((6, 8, 1)))
    for threads, shares in ((1, 0), (1, 65), (0, 1)):
        with pytest.raises(ValueError, match=r"shares|threads"):
            DifferentiableRasterizer(threads, shares)
