"""What holds Gaussians at their places while they are trained."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import unpack_avatar
from enrolment.linear.gaussians import RATES, SPREADS, TrainedGaussians
from enrolment.linear.kernels import adam

HOMES = {name: name for name in ("local_means", "log_scales", "logit_opacities", "colors")} | {"turns": "quats"}
STEPS, ALL_STEPS = 16, 1200


@pytest.fixture(scope="module")
def asset() -> AvatarAsset:
    return unpack_avatar(guest_bytes(list_guests()[0].avatar_id))


def fresh(asset: AvatarAsset) -> TrainedGaussians:
    return TrainedGaussians(asset, asset.count, np.ones(asset.count, np.float32))


def gradients_of(gaussians: TrainedGaussians) -> tuple[Any, Any]:
    """Of a picture that shows nothing of them."""
    shape = gaussians.colors.shape
    names = ("local_means", "turns", "log_scales", "colors")
    parts = {name: np.zeros(shape, np.float32) for name in names} | {"log2_opacities": np.zeros(shape[1], np.float32)}
    return cast(Any, SimpleNamespace(**parts)), gaussians.colors


def steps(gaussians: TrainedGaussians, strength: float, count: int, random: np.random.Generator) -> None:
    """So many steps in which the first half of the Gaussians are seen: noise without an aim."""
    seen = gaussians.count // 2
    pairs = [gradients_of(gaussians) for _ in range(2)]
    for step in range(1, count + 1):
        for gradients, _ in pairs:
            for array in vars(gradients).values():
                array[..., :seen] = strength * random.normal(size=array[..., :seen].shape)
        correction = float(np.sqrt(1 - 0.99**step) / (1 - 0.9**step))
        gaussians.step(pairs, 1.0, correction, 0, gaussians.count)
        if step % STEPS == 0:
            gaussians.measure()


@pytest.mark.parametrize("name", HOMES)
def test_what_no_picture_shows_goes_back_to_where_it_began(asset: AvatarAsset, name: str) -> None:
    gaussians, random = fresh(asset), np.random.default_rng(1)
    values = getattr(gaussians, HOMES[name])
    home = values.copy()
    unseen = slice(asset.count // 2, None)
    if name == "turns":
        turns = np.full((3, asset.count), 0.02, np.float32)
        adam.turn(gaussians.quats, turns, 0, asset.count)
    else:
        values -= np.float32(40 * RATES[name])
    before = np.abs(values - home)[:, unseen].mean()
    steps(gaussians, 1e-3, STEPS, random)  # moves none that are unseen, but tells how strong gradients are
    steps(gaussians, 1e-3, ALL_STEPS, random)
    after = np.abs(values - home)[:, unseen].mean()
    assert after < 0.6 * before


def test_a_turn_is_found_again(asset: AvatarAsset) -> None:
    gaussians, random = fresh(asset), np.random.default_rng(2)
    home = gaussians.quats.copy()
    home[:, ::2] *= -1  # the same orientation
    turns = random.uniform(-0.1, 0.1, (3, asset.count)).astype(np.float32)
    adam.turn(gaussians.quats, turns.copy(), 0, asset.count)
    found = np.zeros_like(turns)
    adam.turned(gaussians.quats, home, found, 0, asset.count)
    np.testing.assert_allclose(-found, turns, atol=1e-3)


def test_the_pull_is_nothing_beside_what_pictures_say(asset: AvatarAsset) -> None:
    gaussians = fresh(asset)
    steps(gaussians, 1e-3, STEPS, np.random.default_rng(3))
    pairs = [gradients_of(gaussians) for _ in range(2)]
    goal = gaussians.colors - np.float32(SPREADS["colors"])  # where the gradient is 2.5 times the usual one now
    for _ in range(100):
        for gradients, _ in pairs:
            gradients.colors[...] = 0.025 * (gaussians.colors - goal)
        gaussians.step(pairs, 1.0, 1.0, 0, gaussians.count)
    assert np.abs(gaussians.colors - goal).mean() < 0.1 * SPREADS["colors"]
