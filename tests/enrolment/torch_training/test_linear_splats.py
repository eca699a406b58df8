from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from codec.avatar_asset import AvatarAsset
from enrolment.linear.gaussians import SPREADS, STIFFNESS
from enrolment.torch_training.linear_splats import LinearSplats
from renderer.avatar.avatar_model import AvatarModel, instant_vector, sample_grid
from renderer.head.model import HeadModel
from tests.enrolment.torch_training.conftest import instant


def posed(splats: LinearSplats, head: HeadModel, asset: AvatarAsset, seeds: tuple[int, ...]):
    shaped = torch.from_numpy(head.v_template + asset.shape_offsets)
    faces = torch.from_numpy(np.stack([instant_vector(instant(seed)) for seed in seeds]))
    return splats.pose(shaped, faces, splats.coefficients(faces))


@pytest.fixture(scope="module")
def restless(head: HeadModel, small_asset: AvatarAsset) -> AvatarAsset:
    """Some of the Gaussians, bases that do something, and half of the Gaussians rigid."""
    random = np.random.default_rng(4)
    some = slice(None, None, 7)
    names = ("faces_bound", "barycentrics", "local_means", "local_quats", "log_scales", "logit_opacities", "sh0")
    arrays = {name: getattr(small_asset, name)[some] for name in (*names, "grid_uv")}
    grid = small_asset.basis_grid.astype(np.float32) + random.normal(0, 0.01, small_asset.basis_grid.shape)
    arrays["sh0"] = random.uniform(-0.7, 0.7, arrays["sh0"].shape).astype(np.float32)  # no color is cut off at 0
    rigid = random.random(len(arrays["sh0"])) < 0.5
    return replace(small_asset, **arrays, rigid_to_skull=rigid, basis_grid=grid.astype(np.float16))


def pulls(asset: AvatarAsset) -> np.ndarray:
    return np.linspace(0.1, 3, asset.count).astype(np.float32)


def splats_of(head: HeadModel, asset: AvatarAsset) -> LinearSplats:
    return LinearSplats(head, asset, np.ones(asset.basis_grid.shape, bool), torch.device("cpu"), pulls(asset))


def test_gaussians_are_posed_as_the_renderer_poses_them(head: HeadModel, restless: AvatarAsset) -> None:
    seeds = (11, 12)
    batch = posed(splats_of(head, restless), head, restless, seeds)
    for i, seed in enumerate(seeds):
        cloud = AvatarModel(head, restless).pose(instant(seed))
        for name in ("means", "scales", "opacities", "colors"):
            found = getattr(batch, name)[i].detach().numpy()
            np.testing.assert_allclose(found, getattr(cloud, name), atol=1e-4, err_msg=name)
        cosines = np.abs((batch.quats[i].detach().numpy() * cloud.quats).sum(axis=1))
        np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_what_comes_in_comes_out(head: HeadModel, restless: AvatarAsset) -> None:
    found = splats_of(head, restless).avatar(restless.shape_offsets)
    for name in ("local_means", "local_quats", "log_scales", "sh0", "basis_grid", "basis_weights", "shape_offsets"):
        assert getattr(found, name).dtype == getattr(restless, name).dtype
        np.testing.assert_allclose(getattr(found, name), getattr(restless, name), atol=2e-6, err_msg=name)


@pytest.mark.parametrize("name", ["local_means", "turns", "log_scales", "colors", "grid_turns", "relative_weights"])
def test_gradients_are_those_of_differences(head: HeadModel, restless: AvatarAsset, name: str) -> None:
    splats = splats_of(head, restless)
    torch.manual_seed(1)
    batch = posed(splats, head, restless, (11, 12))
    fields = ("means", "quats", "scales", "colors")
    weights = {field: torch.randn_like(getattr(batch, field)) for field in fields}

    def loss() -> torch.Tensor:
        batch = posed(splats, head, restless, (11, 12))
        return sum((getattr(batch, f).double() * weights[f].double()).sum() for f in fields)

    loss().backward()
    parameter = getattr(splats, name)
    direction = torch.randn_like(parameter)
    values = []
    for step in (1e-3, -1e-3):
        with torch.no_grad():
            parameter += step * direction
            values.append(float(loss()))
            parameter -= step * direction
    wanted = (values[0] - values[1]) / 2e-3
    assert float((parameter.grad * direction).sum()) == pytest.approx(wanted, rel=0.02, abs=0.02)


def test_shape_has_a_gradient(head: HeadModel, restless: AvatarAsset) -> None:
    splats = splats_of(head, restless)
    faces = torch.from_numpy(instant_vector(instant(11)))[None]
    shaped = torch.from_numpy(head.v_template + restless.shape_offsets).requires_grad_()
    splats.pose(shaped, faces, splats.coefficients(faces)).means[..., 2].mean().backward()
    # moving all vertices away from the camera moves all Gaussians: +z in the camera frame is -z in the head's
    np.testing.assert_allclose(shaped.grad[:, 2].sum().numpy(), -np.cos(0.2), atol=0.1)


def test_a_step_turns_gaussians_and_bounds_hold(head: HeadModel, restless: AvatarAsset) -> None:
    splats = splats_of(head, restless)
    before = posed(splats, head, restless, (11,))
    with torch.no_grad():
        splats.turns.normal_(0, 0.1)
        turned = posed(splats, head, restless, (11,)).quats
        splats.log_scales[:, 0] += 9
        splats.logit_opacities += 99
    splats.settle()
    after = posed(splats, head, restless, (11,))
    assert (splats.turns == 0).all()
    cosines = (turned * after.quats).sum(-1).abs().detach().numpy()
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    assert (before.quats * after.quats).sum(-1).abs().min() < 0.9999
    assert after.scales.max() <= 0.0401
    spread = splats.log_scales.detach()
    assert (spread.max(dim=1).values - spread.min(dim=1).values).max() <= np.log(12.0) + 1e-5
    assert splats.logit_opacities.max() <= 6


def test_what_went_astray_is_pulled_back_as_on_the_processor(head: HeadModel, restless: AvatarAsset) -> None:
    splats, usual = splats_of(head, restless), 0.4
    turns = np.random.default_rng(4).uniform(-0.1, 0.1, (3, restless.count)).astype(np.float32)
    with torch.no_grad():
        splats.turns.copy_(torch.from_numpy(turns.T))
        splats.settle()
        splats.colors += 0.2
    for name, away in (("turns", turns.T), ("colors", np.full((restless.count, 3), 0.2))):
        values = getattr(splats, name)
        values.grad = torch.zeros_like(values)
        splats.pull_home(name, torch.tensor(usual))
        wanted = STIFFNESS * usual / SPREADS[name] * pulls(restless)[:, None] * away
        np.testing.assert_allclose(values.grad.numpy(), wanted, rtol=2e-3, atol=1e-7)


def test_grids_shrink_are_smoothed_and_stay_in_their_mask(head: HeadModel, restless: AvatarAsset) -> None:
    mask = np.ones(restless.basis_grid.shape, bool)
    mask[..., :20] = False
    splats = LinearSplats(head, restless, mask, torch.device("cpu"), pulls(restless))
    before = splats.grid_turns.detach().clone()
    splats.settle_grids(1.0, dict.fromkeys(("grid_positions", "grid_turns", "grid_colors"), 0.001))
    after = splats.grid_turns.detach()
    assert (after[..., :20] == 0).all()
    assert after[..., 20:].abs().sum() < before[..., 20:].abs().sum()


def test_grid_points_are_mixed_as_the_renderer_does(head: HeadModel, restless: AvatarAsset) -> None:
    splats = splats_of(head, restless)
    wanted = sample_grid(restless.basis_grid, restless.grid_uv)[0]  # [9, N]
    grid = torch.from_numpy(restless.basis_grid[0].astype(np.float32)).flatten(1)
    found = (grid[:, splats._grid_at] * splats._grid_shares).sum(-1).numpy()
    flexible = ~restless.rigid_to_skull
    np.testing.assert_allclose(found[:, flexible], wanted[:, flexible], atol=1e-5)
    assert (found[:, restless.rigid_to_skull] == 0).all()
