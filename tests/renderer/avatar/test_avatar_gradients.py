"""The way back from posed Gaussians, against differences of a linear function of what the poser says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.avatar_asset import AvatarAsset
from codec.params import FaceParams
from renderer.avatar.avatar_gradients import AvatarGradients
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.avatar.linear_poser import LinearPoser
from renderer.backends.gradient_workspace import GradientWorkspace
from renderer.head.open_head import load_open_head
from visavis.bench.synthetic import synthetic_avatar

BASES, GRID = 3, 12


def made_up_asset() -> AvatarAsset:
    asset = synthetic_avatar(load_open_head(), count=400, bases=BASES, grid_size=GRID)
    random = np.random.default_rng(3)
    grid = (
        random.normal(size=asset.basis_grid.shape) * np.array([5e-4] * 3 + [0.01] * 3 + [0.05] * 3)[None, :, None, None]
    )
    return replace(
        asset,
        basis_grid=grid.astype(np.float16),
        basis_weights=(0.3 * random.normal(size=(BASES, 65))).astype(np.float32),
        rigid_to_skull=random.random(asset.count) < 0.2,
        local_means=(3e-3 * random.normal(size=(asset.count, 3))).astype(np.float32),
    )


class Scene:
    """A poser, and the function sum(wanted * (means, axes, colors)) of what it says."""

    def __init__(self, asset: AvatarAsset) -> None:
        self.asset = asset
        self.poser = LinearPoser(AvatarModel(load_open_head(), asset), threads=1)
        raster = GradientWorkspace(self.poser.workspace, shares=1)
        self.gradients = AvatarGradients(self.poser, raster)
        random, count = np.random.default_rng(4), asset.count
        self.wanted = {}
        for name, given in (("means", raster.means), ("axes", raster.axes), ("colors", raster.colors)):
            given[:, :count] = random.normal(size=(len(given), count))
            self.wanted[name] = given.astype(np.float64)

    def value(self, vector: np.ndarray) -> float:
        self.poser.packed.face[:] = vector
        self.poser.pose()
        workspace = self.poser.workspace
        return float(sum((workspace.buffers[name] * wanted).sum() for name, wanted in self.wanted.items()))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(made_up_asset())


@pytest.fixture(scope="module")
def vector() -> np.ndarray:
    random = np.random.default_rng(5)
    neutral = instant_vector(FaceParams.neutral())
    return (neutral + random.normal(size=71) * np.repeat([0.3, 0.1, 0.02], [50, 15, 6])).astype(np.float32)


def test_derivatives_by_the_face_are_those_of_differences(scene: Scene, vector: np.ndarray) -> None:
    scene.value(vector)
    scene.gradients.backward()
    grids = scene.asset.basis_grid.astype(np.float32).reshape(BASES, 9, -1)
    found = scene.gradients.face(scene.gradients.bases(grids))
    expected = np.empty(71)
    for number in range(71):
        step = np.zeros(71, np.float32)
        step[number] = 1e-2
        expected[number] = (scene.value(vector + step) - scene.value(vector - step)) / 2e-2
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=0.01 * scale)
    assert np.corrcoef(found[:50], expected[:50])[0, 1] > 0.995
    assert np.corrcoef(found[56:], expected[56:])[0, 1] > 0.995


@pytest.mark.parametrize("name", ["local_means", "log_scales", "sh0"])
def test_derivatives_by_the_gaussians_are_those_of_differences(scene: Scene, vector: np.ndarray, name: str) -> None:
    scene.value(vector)
    scene.gradients.backward()
    found = {
        "local_means": scene.gradients.local_means,
        "log_scales": scene.gradients.log_scales,
        "sh0": scene.gradients.colors * 0.28209479,
    }[name][:, : scene.asset.count].T
    random = np.random.default_rng(6)
    direction = random.normal(size=found.shape).astype(np.float32)
    step = np.float32({"local_means": 1e-3, "log_scales": 1e-2, "sh0": 1e-3}[name])
    up, down = (
        Scene(replace(scene.asset, **{name: getattr(scene.asset, name) + sign * step * direction})).value(vector)
        for sign in (1, -1)
    )
    assert (up - down) / (2 * step) == pytest.approx(float((found * direction).sum()), rel=0.01)


def test_derivatives_by_the_shape_are_those_of_differences(scene: Scene, vector: np.ndarray) -> None:
    scene.value(vector)
    scene.gradients.backward()
    head = load_open_head()
    bump = np.exp(-((head.v_template - head.v_template[2000]) ** 2).sum(axis=1) / 0.03**2)
    direction = (bump[:, None] * np.array([0.3, 0.5, 1.0])).astype(np.float32)
    direction -= (
        head.J_regressor.T
        @ np.linalg.lstsq(head.J_regressor @ head.J_regressor.T, head.J_regressor @ direction, rcond=None)[0]
    )
    up, down = (
        Scene(replace(scene.asset, shape_offsets=scene.asset.shape_offsets + sign * 5e-4 * direction)).value(vector)
        for sign in (1, -1)
    )
    found = float((scene.gradients.shape() * direction).sum())
    assert (up - down) / 1e-3 == pytest.approx(found, rel=0.03)


def test_derivatives_by_the_grid_are_those_of_differences(scene: Scene, vector: np.ndarray) -> None:
    scene.value(vector)
    scene.gradients.backward()
    grid = scene.asset.basis_grid.astype(np.float32)
    found = scene.gradients.bases(grid.reshape(BASES, 9, -1))
    for k in range(BASES):
        changed = grid.copy()
        changed[k] *= 1.25
        stepped = Scene(replace(scene.asset, basis_grid=changed.astype(np.float16))).value(vector)
        changed[k] = grid[k] * 0.75
        back = Scene(replace(scene.asset, basis_grid=changed.astype(np.float16))).value(vector)
        weight = float(scene.asset.basis_weights[k] @ vector[:65])
        assert (stepped - back) / 0.5 == pytest.approx(float(found[k]) * weight, rel=0.05, abs=0.5)
