"""The oracle against arithmetic done by hand, and against pictures drawn earlier."""

from pathlib import Path

import numpy as np
import pytest

from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from tests.renderer.backends.regenerate_golden import GOLDEN_SCENES, draw_golden
from tests.support.scenes import cloud_of

BLACK = (0.0, 0.0, 0.0)
UPRIGHT = [[1, 0, 0, 0]]


def draw(cloud: GaussianCloud, size: int = 21, background: tuple[float, float, float] = BLACK) -> np.ndarray:
    return ReferenceRasterizer().rasterize(cloud, Camera.looking_from_lens(size, size, 100.0), background)


def test_one_round_splat_has_the_low_passed_gaussian_profile() -> None:
    cloud = cloud_of([[0, 0, 1]], 0.02, 0.8, colors=[[1, 0.5, 0]], quats=UPRIGHT)  # 2 px standard deviation
    image = draw(cloud)
    for x, y in ((10, 10), (12, 10), (10, 7), (13, 12)):
        distance2 = ((x - 10) ** 2 + (y - 10) ** 2) / (4 + 0.3)
        alpha = 0.8 * np.exp(-0.5 * distance2)
        np.testing.assert_allclose(image[y, x], alpha * np.array([1, 0.5, 0]), rtol=1e-6)


def test_alpha_is_capped_and_faint_rims_are_cut() -> None:
    opaque = draw(cloud_of([[0, 0, 1]], 0.02, 1.0, colors=[[1, 1, 1]], quats=UPRIGHT))
    assert opaque[10, 10, 0] == pytest.approx(0.99)
    assert opaque[0, 0, 0] == 0
    assert opaque[opaque > 0].min() >= 1 / 255 - 1e-9
    assert draw(cloud_of([[0, 0, 1]], 0.02, 0.99 / 255, colors=[[1, 1, 1]])).max() == 0


def test_the_nearer_splat_covers_the_farther_one() -> None:
    cloud = cloud_of(
        [[0, 0, 2], [0, 0, 1]], [[0.1] * 3, [0.05] * 3], 0.75, colors=[[1, 0, 0], [0, 1, 0]], quats=UPRIGHT * 2
    )
    np.testing.assert_allclose(draw(cloud, background=(0, 0, 1))[10, 10], [0.25 * 0.75, 0.75, 0.25 * 0.25], rtol=1e-3)


def test_light_stops_before_one_ten_thousandth() -> None:
    layers = cloud_of(np.outer(np.linspace(1, 1.3, 30), [0, 0, 1]), 0.05, 1.0, colors=np.ones((30, 3)))
    _, transmittance = ReferenceRasterizer().rasterize_float64(layers, Camera.looking_from_lens(21, 21, 100.0))
    assert 1e-4 <= transmittance[10, 10] < 1e-2


def test_what_is_nearer_than_a_centimeter_or_behind_is_culled() -> None:
    assert draw(cloud_of([[0, 0, 0.0099], [0, 0, -1]], 0.01)).max() == 0
    assert draw(cloud_of([[0, 0, 0.011]], 0.001)).max() > 0


def test_a_turned_needle_lies_along_its_axis() -> None:
    half = np.pi / 8  # half of 45 degrees about the optical axis
    needle = cloud_of(
        [[0, 0, 1]], [0.05, 1e-4, 1e-4], 0.9, quats=[[np.cos(half), 0, 0, np.sin(half)]], colors=[[1, 1, 1]]
    )
    image = draw(needle)[..., 0]
    assert image[13, 13] > 0.5  # y is down: a turn from x towards y
    assert image[13, 7] == 0


@pytest.mark.parametrize("name", sorted(GOLDEN_SCENES))
def test_pictures_are_what_they_were(name: str) -> None:
    with np.load(Path(__file__).parent / "golden.npz") as golden:
        np.testing.assert_allclose(draw_golden(name).astype(int), golden[name].astype(int), atol=1)
