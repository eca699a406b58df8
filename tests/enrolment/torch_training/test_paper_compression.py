from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

from codec.paper_avatar import PaperAvatar
from codec.paper_file import unpack_paper_avatar
from enrolment.paper_stages import PUBLISHED_MIB, Compression
from enrolment.take import Take
from enrolment.torch_training.paper_compression import PaperCompression
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel
from visavis.bench.synthetic_paper import synthetic_paper_avatar


@pytest.fixture(scope="module")
def avatar(head: HeadModel) -> PaperAvatar:
    return synthetic_paper_avatar(head, 1200)


def compressed(avatar: PaperAvatar, head: HeadModel, take: Take | None, tell=lambda doing, share: None) -> Compression:
    """With a clock that moves on by a second when it is looked at."""
    ticks = count()
    return PaperCompression(avatar, head, take, 20.0, threads=1, tell=tell, clock=lambda: float(next(ticks))).run()


@pytest.fixture(scope="module")
def compression(avatar: PaperAvatar, head: HeadModel, small_take: Take) -> Compression:
    return compressed(avatar, head, small_take)


def test_stages_shrink_and_the_file_is_the_last_one(compression: Compression, head: HeadModel) -> None:
    assert [stage.name for stage in compression.stages] == list(PUBLISHED_MIB)
    totals = [stage.total_mib for stage in compression.stages]
    assert totals == sorted(totals, reverse=True)
    kept, last = unpack_paper_avatar(compression.data), compression.stages[-1].avatar
    np.testing.assert_array_equal(kept.sh_rest, last.sh_rest)
    assert [len(stage.avatar.layers) - 1 for stage in compression.stages] == [6, 6, 4, 4, 4]
    for stage in compression.stages:
        PaperAvatarModel(head, stage.avatar)
    places = sum(stage.total_mib for stage in compression.stages[-1:])
    assert places < len(compression.data) / 2**20


def test_pictures_are_learned_from(compression: Compression, avatar: PaperAvatar) -> None:
    latents = compression.stages[1].avatar
    assert compression.trained_on is not None
    for trained in (latents, compression.trained_on):
        assert np.abs(np.sort(trained.sh0, axis=0) - np.sort(avatar.sh0, axis=0)).max() > 1e-3


def test_pictures_that_are_held_out_are_never_looked_at(
    compression: Compression, avatar: PaperAvatar, head: HeadModel, small_take: Take
) -> None:
    images, vectors = small_take.images.copy(), small_take.vectors.copy()
    images[small_take.held_out], vectors[small_take.held_out] = 7, 0
    again = compressed(avatar, head, replace(small_take, images=images, vectors=vectors))
    np.testing.assert_array_equal(again.stages[1].avatar.sh0, compression.stages[1].avatar.sh0)


def test_without_a_recording_nothing_but_the_network_is_trained(avatar: PaperAvatar, head: HeadModel) -> None:
    told: list[str] = []
    found = compressed(avatar, head, None, lambda doing, share: told.append(doing))
    assert set(told) == {"pruning"}
    assert found.trained_on is None
    np.testing.assert_array_equal(found.stages[1].avatar.log_scales, found.stages[2].avatar.log_scales)
