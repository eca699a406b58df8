from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar
from enrolment.take import Take
from enrolment.torch_training.linear_trainer import LinearTorchTrainer
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.model import HeadModel


@pytest.fixture(scope="module")
def grey(small_asset: AvatarAsset) -> AvatarAsset:
    """The guest without its colors."""
    return replace(small_asset, sh0=np.zeros_like(small_asset.sh0))


def trainer_of(take: Take, head: HeadModel, asset: AvatarAsset, budget_s: float = 1000.0) -> LinearTorchTrainer:
    """One whose clock moves on by a second when it is looked at."""
    ticks = count()
    mask = np.ones(asset.basis_grid.shape, bool)
    return LinearTorchTrainer(
        take, head, asset, budget_s, mask=mask, device="cpu", threads=1, clock=lambda: float(next(ticks))
    )


def test_the_picture_comes_closer_to_the_person(small_take: Take, head: HeadModel, grey: AvatarAsset) -> None:
    trainer = trainer_of(small_take, head, grey)
    trainer.train(2)
    before = trainer.loss
    trainer.train(20)
    assert trainer.steps == trainer.spent_s == 22
    assert trainer.loss < 0.8 * before
    asset = trainer.asset()
    AvatarModel(head, asset)
    pack_avatar(asset)
    assert np.abs(asset.sh0).mean() > 0.1
    assert (asset.basis_grid != grey.basis_grid).any()


def test_what_goes_on_from_a_checkpoint_is_what_was_never_stopped(
    small_take: Take, head: HeadModel, grey: AvatarAsset
) -> None:
    whole, first, second = (trainer_of(small_take, head, grey) for _ in range(3))
    whole.train(6)
    first.train(3)
    second.restore(first.checkpoint())
    assert (second.steps, second.spent_s) == (3, 3)
    second.train(3)
    for name, wanted in whole.checkpoint().items():
        np.testing.assert_allclose(second.checkpoint()[name], wanted, rtol=1e-3, atol=1e-6, err_msg=name)


def test_another_training_s_checkpoint_is_refused(small_take: Take, head: HeadModel, grey: AvatarAsset) -> None:
    trainer = trainer_of(small_take, head, grey)
    good = trainer.checkpoint()
    for broken in ({}, {**good, "tensor/colors": np.zeros((3, 3), np.float32)}, {**good, "more": np.zeros(2)}):
        with pytest.raises(ValueError, match="another training"):
            trainer.restore(broken)


def test_bad_arguments_are_refused(small_take: Take, head: HeadModel, grey: AvatarAsset) -> None:
    with pytest.raises(ValueError, match="no picture"):
        trainer_of(replace(small_take, held_out=np.ones(5, bool)), head, grey)
    bare = replace(grey, basis_grid=grey.basis_grid[:0], basis_weights=grey.basis_weights[:0])
    with pytest.raises(ValueError, match="bases"):
        trainer_of(small_take, head, bare)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA card here")
def test_training_on_a_card(small_take: Take, head: HeadModel, grey: AvatarAsset) -> None:
    mask = np.ones(grey.basis_grid.shape, bool)
    trainer = LinearTorchTrainer(small_take, head, grey, 10.0, mask=mask, device="cuda")
    trainer.train(1)
    before = trainer.loss
    trainer.train(9)
    assert trainer.loss < 0.5 * before
