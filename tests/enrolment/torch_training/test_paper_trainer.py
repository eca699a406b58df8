from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from codec.paper_file import pack_paper_avatar, unpack_paper_avatar
from enrolment.take import Take
from enrolment.torch_training.paper_trainer import ON_PROCESSOR, PaperTrainer
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel

SCHEDULE = replace(ON_PROCESSOR, small_until=1.0, anchors=200, degree_every=4, half_precision=False)


def trainer_of(take: Take, head: HeadModel, budget_s: float = 100.0, **changes) -> PaperTrainer:
    """One whose clock moves on by a second when it is looked at."""
    ticks = count()
    return PaperTrainer(
        take,
        head,
        np.zeros_like(head.v_template),
        budget_s,
        name="Ada",
        threads=1,
        count=1500,
        clock=lambda: float(next(ticks)),
        schedule=replace(SCHEDULE, **changes),
    )


def test_the_picture_comes_closer_to_the_person(small_take: Take, head: HeadModel) -> None:
    trainer = trainer_of(small_take, head)
    trainer.train(2)
    before = trainer.loss
    trainer.train(60)
    assert trainer.iterations == trainer.spent_s == 62
    assert trainer.loss < 0.5 * before
    renderer = FrameRenderer(PaperAvatarModel(head, trainer.asset()), 512)
    picture = renderer.render_rgb(small_take.params(0), small_take.camera(), (1.0, 1.0, 1.0))
    covered = small_take.alphas[0] > 250
    assert picture[covered].mean() < 200
    assert picture[small_take.alphas[0] == 0].mean() > 235


def test_training_ends_with_its_budget_and_gives_what_a_file_can_hold(small_take: Take, head: HeadModel) -> None:
    trainer = trainer_of(small_take, head, budget_s=3)
    trainer.train(1000)
    assert trainer.spent_s == trainer.budget_s == 3
    trainer.train(1000)
    assert trainer.iterations == 3
    asset = trainer.asset()
    assert (asset.name, asset.head_model_id) == ("Ada", head.model_id)
    again = unpack_paper_avatar(pack_paper_avatar(asset))
    cloud, wanted = (PaperAvatarModel(head, each).pose(small_take.params(1)) for each in (again, asset))
    np.testing.assert_array_equal(cloud.means, wanted.means)


def test_what_goes_on_from_a_checkpoint_is_what_was_never_stopped(small_take: Take, head: HeadModel) -> None:
    whole, first, second = (trainer_of(small_take, head) for _ in range(3))
    whole.train(7)
    first.train(3)
    second.restore(first.checkpoint())
    assert (second.iterations, second.spent_s) == (3, 3)
    second.train(4)
    for name, wanted in whole.checkpoint().items():
        np.testing.assert_allclose(second.checkpoint()[name], wanted, rtol=1e-5, atol=1e-7, err_msg=name)


def test_another_training_s_checkpoint_is_refused_and_changes_nothing(small_take: Take, head: HeadModel) -> None:
    trainer = trainer_of(small_take, head)
    trainer.train(1)
    before = trainer.checkpoint()
    for broken in (
        {},
        {**before, "more": np.zeros(1)},
        {**before, "tensor/sh0": np.zeros((3, 3), np.float32)},
        {**before, "exp_avg/sh0": np.zeros(5, np.float32)},
    ):
        with pytest.raises(ValueError, match="another training"):
            trainer.restore(broken)
    for name, value in trainer.checkpoint().items():
        np.testing.assert_array_equal(value, before[name])


def test_pictures_that_are_held_out_are_never_looked_at(small_take: Take, head: HeadModel) -> None:
    images = small_take.images.copy()
    images[small_take.held_out] = 7
    results = []
    for take in (small_take, replace(small_take, images=images)):
        trainer = trainer_of(take, head)
        trainer.train(6)
        results.append(trainer.asset().sh0)
    np.testing.assert_array_equal(*results)


def test_the_cheap_part_of_the_schedule_gives_way_to_the_whole_network(small_take: Take, head: HeadModel) -> None:
    trainer = trainer_of(small_take, head, budget_s=4, anchors_until=0.5)
    used = []
    for _ in range(4):
        trainer.train(1)
        used.append(trainer._splats.network.use_anchors)
    assert used == [True, True, False, False]


def test_a_take_without_a_picture_to_learn_from_is_refused(small_take: Take, head: HeadModel) -> None:
    with pytest.raises(ValueError, match="no picture"):
        trainer_of(replace(small_take, held_out=np.ones(5, bool)), head)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA card here")
def test_training_on_a_card(small_take: Take, head: HeadModel) -> None:
    trainer = PaperTrainer(small_take, head, np.zeros_like(head.v_template), 20.0, device="cuda")
    trainer.train(1)
    before = trainer.loss
    trainer.train(19)
    assert trainer.loss < 0.5 * before
