"""Training of a drawn person, whose perfect avatar is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import unpack_avatar
from enrolment.follow import follow
from enrolment.linear.trainer import LinearTrainer
from enrolment.take import SIDE, Take, composite
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_take
from tests.support.tracks import talking
from tracker.corrections import Corrections

PICTURES, BUDGET_S, STEPS = 15, 40.0, 200
WALL = 128


@cache
def person() -> AvatarAsset:
    asset = unpack_avatar(guest_bytes(list_guests()[0].avatar_id))
    grid = np.zeros((2, 9, 8, 8), np.float16)
    weights = np.zeros((2, 65), np.float32)
    weights[0, 0] = weights[1, 56] = 1
    return replace(asset, basis_grid=grid, basis_weights=weights)


@cache
def guest_take() -> Take:
    """The person of `person` talks; the tracker is always right; the last fifth is held out."""
    take = drawn_take(PICTURES)
    renderer = FrameRenderer(AvatarModel(load_open_head(), person()), SIDE)
    drawn = np.stack([renderer.render_rgba(talking(time_s), take.camera()) for time_s in take.time_s])
    alphas = np.ascontiguousarray(drawn[..., 3])
    return replace(take, images=composite(drawn[..., :3], alphas, WALL), alphas=alphas)  # outlines hold some wall


def spoiled() -> AvatarAsset:
    """The person with wrong colors and places."""
    asset, random = person(), np.random.default_rng(0)
    return replace(
        asset,
        sh0=(asset.sh0 + 0.5 * random.normal(size=asset.sh0.shape)).astype(np.float32),
        local_means=(asset.local_means + 1e-3 * random.normal(size=asset.local_means.shape)).astype(np.float32),
    )


def distance(asset: AvatarAsset, corrections: Corrections) -> float:
    """Mean squared error of 8-bit colors over the held-out pictures, in the closed loop."""
    take, head = guest_take(), load_open_head()
    renderer = FrameRenderer(AvatarModel(head, asset), SIDE)
    followed = follow(take, head, asset, take.held_out_indices, True, corrections)
    errors = []
    for index, face in zip(take.held_out_indices, followed.params, strict=True):
        drawn = renderer.render_rgb(face, take.camera(), (1.0, 1.0, 1.0)).astype(float)
        errors.append(np.square(drawn - composite(take.images[index], take.alphas[index])).mean())
    return float(np.mean(errors))


def fresh_trainer() -> LinearTrainer:
    return LinearTrainer(guest_take(), load_open_head(), spoiled(), budget_s=BUDGET_S)


@pytest.fixture(scope="module")
def trained() -> LinearTrainer:
    trainer = fresh_trainer()
    while trainer.steps < STEPS:  # a number of steps, whatever the machine does in a second
        trainer.train(0.5)
    return trainer


@pytest.mark.slow
def test_training_comes_closer_to_pictures_that_it_has_not_seen(trained: LinearTrainer) -> None:
    before = distance(spoiled(), Corrections.none())
    assert distance(trained.asset(), trained.corrections) < 0.2 * before
    assert 0 < trained.spent_s <= trained.budget_s + 5
    assert np.isfinite(trained.loss)


@pytest.mark.slow
def test_a_checkpoint_goes_on_where_it_was_made(trained: LinearTrainer) -> None:
    other = fresh_trainer()
    other.restore(trained.checkpoint())
    assert other.spent_s == trained.spent_s
    for name, value in vars(trained.asset()).items():
        np.testing.assert_array_equal(getattr(other.asset(), name), value, err_msg=name)
    with pytest.raises(ValueError, match="does not fit"):
        other.restore({"progress": np.zeros(3)})


@pytest.mark.slow
def test_an_avatar_without_bases_stays_one() -> None:
    bare = replace(
        spoiled(), basis_grid=np.zeros((0, 9, 8, 8), np.float16), basis_weights=np.zeros((0, 65), np.float32)
    )
    trainer = LinearTrainer(guest_take(), load_open_head(), bare, budget_s=1.0)
    trainer.train(10)
    assert len(trainer.asset().basis_grid) == 0


def test_pictures_with_something_before_the_face_are_not_learned_from() -> None:
    take = guest_take()
    images = take.images.copy()
    covered = [3, 7]
    images[covered, 130:330, 180:330] = (210, 150, 120)
    trainer = LinearTrainer(replace(take, images=images), load_open_head(), person(), budget_s=20.0)
    trainer._follow()
    assert trainer.left_out == len(covered)
    trainer._order = []
    assert {trainer._next() for _ in range(len(take.train_indices) - 2)} == set(range(12)) - set(covered)


def _late(trainer: LinearTrainer) -> LinearTrainer:
    """`trainer` near its end, where the network would look."""
    trainer.spent_s = 0.99 * trainer.budget_s
    return trainer


def test_nothing_is_learned_from_what_the_recording_does_not_show() -> None:
    trainer = LinearTrainer(replace(guest_take(), inner=(0, 64, SIDE, 400)), load_open_head(), person(), budget_s=20.0)
    worker = trainer._workers[0]
    worker.run(_late(trainer)._task(0, SIDE))
    planes = worker._raster.gradient_planes()
    assert not planes[:, :64].any()
    assert not planes[:, 400:].any()
    assert planes[:, 100:390].any()


def test_a_recording_too_narrow_for_the_network_is_trained_without_it() -> None:
    narrow = replace(guest_take(), inner=(200, 0, 300, SIDE))
    trainer = LinearTrainer(narrow, load_open_head(), person(), budget_s=20.0, lpips=cast("Any", object()))
    assert _late(trainer)._task(0, SIDE).looked_at is None
