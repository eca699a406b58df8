"""The fast way of profile `paper` against its oracle."""

import gc
import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from codec.paper_avatar import DenseLayer, PaperAvatar
from codec.params import FaceParams
from renderer.avatar import paper_network
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.avatar.paper_poser import PaperPoser
from renderer.backends.reference import ReferenceRasterizer, rotation_matrices
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from tests.support.faces import params_of
from tests.support.scenes import psnr
from visavis.bench.synthetic_paper import synthetic_paper_avatar

HEAD = load_open_head()


def with_reach(asset: PaperAvatar, reach: float) -> PaperAvatar:
    """The same avatar with a network that says `reach` times as much."""
    *hidden, last = asset.layers
    return replace(asset, layers=(*hidden, DenseLayer(reach * last.weights, reach * last.bias)))


def assert_close(actual: np.ndarray, expected: np.ndarray, relative: float = 1e-5) -> None:
    """Equal to `relative` of the largest number."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=relative * np.abs(expected).max())


def assert_poses_as_the_oracle(model: PaperAvatarModel, params: FaceParams, poser: PaperPoser | None = None) -> None:
    poser = poser or PaperPoser(model)
    cloud = model.pose(params)
    poser.prepare(params)
    poser.check()
    means, axes = poser.workspace.means[:, : model.count], poser.workspace.axes[:, : model.count]
    assert_close(means.T, cloud.means)
    assert_close(axes.T.reshape(-1, 3, 3), rotation_matrices(cloud.quats.astype(float)) * cloud.scales[:, None, :])
    assert cloud.sh_from_world is not None
    np.testing.assert_array_equal(poser.sh_from_world, cloud.sh_from_world)


@pytest.mark.parametrize(
    ("count", "hidden_layers", "width", "reach"),
    [(1, 1, 1, 1), (16, 1, 256, 1), (500, 6, 256, 1), (900, 4, 24, 50), (400, 2, 40, 50)],
)
def test_poses_as_the_oracle_does(count: int, hidden_layers: int, width: int, reach: float) -> None:
    asset = with_reach(synthetic_paper_avatar(HEAD, count, hidden_layers, width), reach)
    model = PaperAvatarModel(HEAD, asset)
    poser = PaperPoser(model)
    for seed, expression_dims in ((0, 50), (1, 10), (2, 50)):
        assert_poses_as_the_oracle(model, params_of(seed, expression_dims), poser)


def test_the_network_says_what_the_oracle_says() -> None:
    asset = with_reach(synthetic_paper_avatar(HEAD, 500), 50)
    model = PaperAvatarModel(HEAD, asset)
    poser = PaperPoser(model)
    poser.prepare(params_of(0))
    poser._network.run()
    expected = model.network_output(params_of(0))
    assert np.std(expected, axis=0).min() > 0.001  # not the same for all Gaussians
    assert_close(poser.buffers["offsets"][:, :500].T, expected)


def test_chunks_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = PaperAvatarModel(HEAD, synthetic_paper_avatar(HEAD, 100, 3, 32))
    for chunk in (16, 48, 96, 1024):
        monkeypatch.setattr(paper_network, "CHUNK", chunk)
        assert_poses_as_the_oracle(model, params_of(0))


def test_networks_may_be_of_float16_and_of_uneven_widths() -> None:
    asset = synthetic_paper_avatar(HEAD, 100, 3, 32)
    a, b, c, d = asset.layers
    narrow = (a, DenseLayer(b.weights[:, :7], b.bias[:7]), DenseLayer(c.weights[:7], c.bias), d)
    halves = tuple(DenseLayer(each.weights.astype(np.float16), each.bias.astype(np.float16)) for each in narrow)
    model = PaperAvatarModel(HEAD, replace(asset, layers=halves))
    assert_poses_as_the_oracle(model, params_of(0))


def test_gaussians_that_grow_too_large_are_shrunk_as_by_the_oracle() -> None:
    asset = synthetic_paper_avatar(HEAD, 2000, 1, 8)
    model = PaperAvatarModel(HEAD, replace(asset, log_scales=np.full((2000, 3), -2.0, np.float32)))
    assert model.pose(params_of(0)).scales.max() < 0.05  # e^-2 is 0.14
    assert_poses_as_the_oracle(model, params_of(0))


@pytest.mark.parametrize("sh_count", [0, 15])
def test_pictures_are_those_of_the_oracles(sh_count: int) -> None:
    asset = synthetic_paper_avatar(HEAD, 1500, 2, 32)
    model = PaperAvatarModel(HEAD, replace(asset, sh_rest=4 * asset.sh_rest[:, :sh_count]))
    poser, camera = PaperPoser(model), Camera.orbit(np.array([0.0, 0.05, 0.7]), 0.9, 0.3, 0.1, 96)
    for params in (params_of(0), params_of(1)):
        poser.prepare(params)
        poser.workspace.set_view(camera, (0.8, 0.8, 0.8), poser.sh_from_world)
        planes = poser.workspace.set_planar_output()
        assert poser.render()
        picture = planes[:3, :96, :96].transpose(1, 2, 0)
        assert psnr(picture, ReferenceRasterizer().rasterize(model.pose(params), camera, (0.8, 0.8, 0.8))) > 55


def test_helpers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_network, "CHUNK", 16)
    model = PaperAvatarModel(HEAD, synthetic_paper_avatar(HEAD, 2000, 2, 64))
    alone, together = PaperPoser(model), PaperPoser(model, threads=3)
    ended = threading.Event()

    def help_all_the_time(worker: int) -> None:
        while not ended.is_set():
            together.workspace.help(worker)

    helpers = [threading.Thread(target=help_all_the_time, args=(worker,)) for worker in (1, 2)]
    for helper in helpers:
        helper.start()
    try:
        for seed in range(20):
            for poser in (alone, together):
                poser.prepare(params_of(seed))
                poser.pose()
            np.testing.assert_array_equal(together.workspace.means, alone.workspace.means)
            np.testing.assert_array_equal(together.workspace.axes, alone.workspace.axes)
    finally:
        ended.set()
        for helper in helpers:
            helper.join()


def test_nothing_grows_from_frame_to_frame() -> None:
    poser = PaperPoser(PaperAvatarModel(HEAD, synthetic_paper_avatar(HEAD, 2000, 3, 64)))
    faces = [params_of(seed) for seed in range(20)]
    poser.prepare(faces[0])
    poser.pose()
    gc.disable()
    tracemalloc.start()
    try:
        for face in faces[:3]:  # what Python keeps for the next calls
            poser.prepare(face)
            poser.pose()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for face in faces:
            poser.prepare(face)
            poser.pose()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert peak - before < 16_384  # the activations of a chunk take 96 kB, the outputs 80 kB
    assert after - before < 4_096


def test_the_largest_network_that_is_accepted_does_not_overflow() -> None:
    asset = synthetic_paper_avatar(HEAD, 20)
    layers = [DenseLayer(np.full_like(each.weights, 100), np.full_like(each.bias, 100)) for each in asset.layers]
    poser = PaperPoser(PaperAvatarModel(HEAD, replace(asset, layers=tuple(layers))))
    poser.prepare(replace(params_of(0), expression=np.full(50, 1e4)))
    poser.pose()
    assert np.isfinite(poser.workspace.means).all()
    assert np.isfinite(poser.workspace.axes).all()


def test_an_avatar_without_gaussians_is_posed() -> None:
    poser = PaperPoser(PaperAvatarModel(HEAD, synthetic_paper_avatar(HEAD, 0, 1, 8)))
    poser.prepare(params_of(0))
    poser.pose()
    assert not poser.workspace.axes.any()
