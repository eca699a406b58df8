from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch: pip install 'visavis[train]'")

import torch

from codec.latent_avatar import MAX_LATENT
from codec.paper_avatar import PaperAvatar
from enrolment.paper_latents import DIRECT_LEVELS, Latents, direct_ranges, first_latents, rounded, settled
from enrolment.torch_training.latent_splats import LatentSplats
from enrolment.torch_training.paper_splats import bind
from enrolment.torch_training.paper_trainer import RATES
from renderer.head.model import HeadModel
from visavis.bench.synthetic_paper import synthetic_paper_avatar

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def start(head: HeadModel) -> tuple[PaperAvatar, Latents]:
    avatar = settled(synthetic_paper_avatar(head, 300, 2, 8))
    neutral = bind(head, avatar.shape_offsets, (avatar.faces_bound, avatar.barycentrics)).neutral
    cameras = 0.6 * np.stack([np.sin(np.linspace(-1, 1, 9)), np.zeros(9), np.ones(9)], axis=1)
    return first_latents(avatar, neutral, cameras)


def test_what_is_trained_is_what_the_file_decodes_to(start: tuple[PaperAvatar, Latents]) -> None:
    avatar, latents = start
    ranges = direct_ranges(avatar)
    splats = LatentSplats(avatar, latents, CPU)
    splats.ranges = torch.from_numpy(ranges)
    shown, kept = splats.avatar(avatar), rounded(splats.avatar(avatar), splats.latents(), ranges).avatar()
    for name in ("sh0", "log_scales", "logit_opacities", "sh_rest", "quats"):
        tolerance = 2e-3 * np.abs(getattr(shown, name)).max()  # decoders in half precision
        np.testing.assert_allclose(getattr(kept, name), getattr(shown, name), atol=tolerance, err_msg=name)


def test_color_and_scale_are_rounded_only_when_they_are_to_be(start: tuple[PaperAvatar, Latents]) -> None:
    avatar, latents = start
    splats = LatentSplats(avatar, latents, CPU)
    np.testing.assert_array_equal(splats.avatar(avatar).sh0, avatar.sh0)
    ranges = direct_ranges(avatar)
    splats.ranges = torch.from_numpy(ranges)
    error = np.abs(splats.avatar(avatar).log_scales - avatar.log_scales)
    assert error.max() > 0
    inner = np.abs((avatar.log_scales - ranges[0, 3:]) / ranges[1, 3:]) < DIRECT_LEVELS
    assert (error <= 0.501 * ranges[1, 3:])[inner].all()


def test_gradients_go_straight_through_the_rounding(start: tuple[PaperAvatar, Latents]) -> None:
    avatar, latents = start
    splats = LatentSplats(avatar, latents, CPU)
    splats.attributes().logit_opacities.sum().backward()
    weight = float(splats.weights_logit_opacities.detach())
    np.testing.assert_allclose(splats.latents_logit_opacities.grad.numpy(), weight, rtol=1e-6)
    rounded_latents = np.rint(latents.values[:, -1]).clip(-MAX_LATENT, MAX_LATENT)
    assert float(splats.weights_logit_opacities.grad) == pytest.approx(rounded_latents.sum(), rel=1e-4)


def test_a_step_moves_attributes_about_as_far_as_their_rate_says(start: tuple[PaperAvatar, Latents]) -> None:
    avatar, latents = start
    splats = LatentSplats(avatar, latents, CPU)
    found = {id(parameter): rate for parameter, rate in splats.rate_groups(RATES)}
    assert set(found) == {id(parameter) for parameter in splats.parameters()}
    step = found[id(splats.latents_quats)] * splats.weights_quats.detach()
    assert float(step.square().mean().sqrt()) == pytest.approx(RATES["quats"], rel=1e-4)
