"""What the benchmark compares with draws the same pictures as the oracle: otherwise the ratios would mean nothing."""

import numpy as np
import pytest
from rich.console import Console

from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from tests.support.scenes import WHITE, around_the_camera_plane, ball, cloud_of, giants, needles, pile, psnr
from visavis.bench import peers

EMPTY = GaussianCloud(*(np.zeros((0, n), np.float32) for n in (3, 4, 3)), np.zeros(0, np.float32), np.zeros((0, 3)))
SCENES = [
    pytest.param(ball(1500), id="ball"),
    pytest.param(needles(), id="needles"),
    pytest.param(giants(), id="giants"),
    pytest.param(around_the_camera_plane(), id="camera plane"),
    pytest.param(pile(3000), id="long lists"),
]
BACKGROUND = (0.1, 0.5, 0.9)


def loaded(name: str):
    peer = peers.load_peer(name)
    assert peer is not None
    return peer


def tensors_of(cloud: GaussianCloud, dtype: str = "float32"):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")
    fields = (cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.colors)
    return [torch.from_numpy(np.ascontiguousarray(field)).to(getattr(torch, dtype)) for field in fields]


def draw_with_torch(cloud: GaussianCloud, camera: Camera, background) -> np.ndarray:
    tensors = tensors_of(cloud)
    return loaded("torch_rasterizer").rasterize(*tensors, camera, background).numpy()


def draw_with_loops(cloud: GaussianCloud, camera: Camera, background) -> np.ndarray:
    return loaded("scalar_rasterizer").ScalarRasterizer().rasterize(cloud, camera, background)


both = pytest.mark.parametrize("draw", [draw_with_torch, draw_with_loops])


@pytest.mark.parametrize("cloud", SCENES)
@pytest.mark.parametrize(("width", "height"), [(96, 64), (61, 37), (5, 3)])
@both
def test_draws_what_the_oracle_draws(draw, cloud: GaussianCloud, width: int, height: int) -> None:
    camera = Camera.looking_from_lens(width, height, 80.0)
    expected = ReferenceRasterizer().rasterize(cloud, camera, BACKGROUND)
    image = draw(cloud, camera, BACKGROUND)
    assert psnr(image, expected) > (110 if draw is draw_with_torch else 105)  # the loops cut rims by q, not by alpha
    assert np.abs(image - expected).max() < 1.5 / 255  # a splat's rim may be cut one pixel earlier or later


@both
def test_other_views(draw) -> None:
    cloud, view = ball(500), Camera.orbit(np.array([0.0, 0.0, 1.0]), 0.7, 0.4, 0.3, 75, fov_deg=40.0)
    for camera in (view, view.mirrored()):
        expected = ReferenceRasterizer().rasterize(cloud, camera, WHITE)
        assert psnr(draw(cloud, camera, WHITE), expected) > 110


@both
def test_nothing_is_background_and_no_color_is_below_black(draw) -> None:
    camera = Camera.looking_from_lens(20, 10, 80.0)
    for cloud in (EMPTY, cloud_of([[0, 0, -1.0]], 0.01)):
        expected = np.broadcast_to(np.float32(BACKGROUND), (10, 20, 3))
        np.testing.assert_allclose(draw(cloud, camera, BACKGROUND), expected, atol=1e-6)
    dark = cloud_of([[0, 0, 1.0]], 0.1, 0.9, colors=[[-1, -1, -1]])
    expected = ReferenceRasterizer().rasterize(dark, camera, BACKGROUND)
    np.testing.assert_allclose(draw(dark, camera, BACKGROUND), expected, atol=1e-5)


def test_loops_on_threads_draw_the_same() -> None:
    scalar, cloud, camera = loaded("scalar_rasterizer"), ball(800), Camera.looking_from_lens(96, 64, 80.0)
    alone = draw_with_loops(cloud, camera, WHITE)
    np.testing.assert_allclose(scalar.ScalarRasterizer(parallel=True).rasterize(cloud, camera, WHITE), alone, atol=1e-5)


def test_autograd_goes_through_torch() -> None:
    tensors = tensors_of(ball(60, seed=7), "float64")
    camera, torch_rasterizer = Camera.looking_from_lens(24, 20, 60.0), loaded("torch_rasterizer")
    rng = np.random.default_rng(0)
    cotangent = tensors[0].new_tensor(rng.normal(size=(20, 24, 3)))

    def loss(inputs):
        return (torch_rasterizer.rasterize(*inputs, camera, WHITE) * cotangent).sum()

    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    loss(leaves).backward()
    step = 1e-7
    for number, leaf in enumerate(leaves):
        direction = leaf.new_tensor(rng.normal(size=leaf.shape)) * leaf.detach().abs().mean()
        ahead, back = (
            [each.detach() + (sign * step * direction if i == number else 0) for i, each in enumerate(leaves)]
            for sign in (1, -1)
        )
        slope = float(loss(ahead) - loss(back)) / (2 * step)
        assert float((leaf.grad * direction).sum()) == pytest.approx(slope, rel=1e-4)


def test_a_peer_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    console = Console(record=True, width=200)
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    assert peers.load_peer("made_up", console) is None
    assert "no checkout" in console.export_text()


def test_a_peer_whose_library_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    console = Console(record=True, width=200)
    (tmp_path / "made_up.py").write_text("import a_library_that_nobody_has\n")
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    assert peers.load_peer("made_up", console) is None
    assert "a_library_that_nobody_has is not installed" in console.export_text()
