"""From an avatar of profile `paper` to latents, without pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.errors import AvatarFileError
from codec.latent_avatar import LATENTS, MAX_LATENT, harmonic_blocks
from codec.paper_avatar import PaperAvatar
from codec.params import FaceParams
from enrolment.paper_latents import (
    DIRECT_LEVELS,
    camera_centers,
    direct_ranges,
    first_latents,
    rounded,
    settled,
)
from enrolment.paper_stages import PUBLISHED_MIB, half_stage, latent_stage, uncompressed_stage
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.spherical_harmonics import evaluate
from visavis.bench.synthetic_paper import synthetic_paper_avatar

COUNT = 900


@pytest.fixture(scope="module")
def head() -> HeadModel:
    return load_open_head()


@pytest.fixture(scope="module")
def avatar(head: HeadModel) -> PaperAvatar:
    made = synthetic_paper_avatar(head, COUNT, 2, 8)
    return replace(made, shape_offsets=np.full_like(head.v_template, 1e-3))


def places(head: HeadModel, avatar: PaperAvatar) -> np.ndarray:
    points = (head.v_template + avatar.shape_offsets)[head.faces[avatar.faces_bound]]
    return np.einsum("nk,nkc->nc", avatar.barycentrics, points).astype(np.float32)


def cameras(count: int = 12) -> np.ndarray:
    """Around the front, half a metre away."""
    yaw = np.linspace(-0.4, 0.4, count)
    pitch = 0.2 * np.sin(9 * yaw)
    return 0.6 * np.stack([np.sin(yaw), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)


def test_places_are_rounded_and_sorted_and_nothing_else_changes(head: HeadModel, avatar: PaperAvatar) -> None:
    shuffled = np.random.default_rng(1).permutation(COUNT)
    names = ("faces_bound", "barycentrics", "log_scales", "quats", "logit_opacities", "sh0", "sh_rest")
    mixed = replace(avatar, **{name: getattr(avatar, name)[shuffled] for name in names})
    found, other = settled(avatar), settled(mixed)
    assert (np.diff(found.faces_bound) >= 0).all()
    np.testing.assert_array_equal(found.sh0, other.sh0)
    np.testing.assert_allclose(found.shape_offsets, avatar.shape_offsets, atol=2.0**-15)
    before, after = (places(head, each)[np.argsort(each.sh_rest[:, 0, 0])] for each in (avatar, found))
    np.testing.assert_allclose(after, before, atol=3e-4)
    PaperAvatarModel(head, found)


def test_a_camera_is_where_the_head_sees_it() -> None:
    face = replace(FaceParams.neutral(), translation=np.array([0, 0, 0.6], np.float32))
    np.testing.assert_allclose(camera_centers([face])[0], [0, 0, 0.6], atol=1e-6)
    turned = replace(face, global_rotation=np.array([0, 0.5, 0], np.float32))
    assert np.linalg.norm(camera_centers([turned])[0]) == pytest.approx(0.6)
    assert abs(camera_centers([turned])[0][0]) == pytest.approx(0.6 * np.sin(0.5), abs=1e-6)


def test_harmonics_of_one_kind_look_the_same(head: HeadModel, avatar: PaperAvatar) -> None:
    """If all are multiples of one, and what all share, one latent is enough."""
    random = np.random.default_rng(2)
    kind, shared = random.normal(0, 0.1, (2, 1, 15, 3))
    one = settled(replace(avatar, sh_rest=(random.normal(size=(COUNT, 1, 1)) * kind + shared).astype(np.float32)))
    assert look_error(head, one) < 0.02 * look_spread(head, one)


def test_one_latent_keeps_most_of_what_views_differ_in(head: HeadModel, avatar: PaperAvatar) -> None:
    """More than dropping the harmonics would."""
    assert look_error(head, settled(avatar)) < 0.95 * look_spread(head, settled(avatar))


def looks(head: HeadModel, avatar: PaperAvatar) -> np.ndarray:
    """[P, N, 3] colors seen from all cameras."""
    seen = []
    for camera in cameras():
        directions = places(head, avatar) - camera
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        seen.append(0.28209479177387814 * avatar.sh0 + evaluate(avatar.sh_rest, directions))
    return np.stack(seen)


def look_spread(head: HeadModel, avatar: PaperAvatar) -> float:
    seen = looks(head, avatar)
    return float(np.sqrt(np.mean((seen - seen.mean(axis=0)) ** 2)))


def look_error(head: HeadModel, avatar: PaperAvatar) -> float:
    start, latents = first_latents(avatar, places(head, avatar), cameras())
    after = rounded(start, latents, direct_ranges(start)).avatar()
    after = replace(start, sh_rest=after.sh_rest)
    return float(np.sqrt(np.mean((looks(head, after) - looks(head, avatar)) ** 2)))


def test_rounding_stays_within_half_a_step(head: HeadModel, avatar: PaperAvatar) -> None:
    base = settled(avatar)
    start, latents = first_latents(base, places(head, base), cameras())
    ranges = direct_ranges(start)
    small = rounded(start, latents, ranges)
    assert small.latents.shape == (COUNT, LATENTS)
    assert np.abs(small.latents).max() == MAX_LATENT
    assert np.abs(small.direct).max() == DIRECT_LEVELS
    found = small.avatar()
    inner = np.abs(small.direct[:, 3:]) < DIRECT_LEVELS
    error = np.abs(found.log_scales - base.log_scales)
    assert (error <= 0.501 * ranges[1, 3:])[inner].all()
    assert np.abs((found.quats * base.quats).sum(axis=1)).min() > 0.999
    inner = np.abs(small.latents[:, -1]) < MAX_LATENT
    np.testing.assert_allclose(found.logit_opacities[inner], base.logit_opacities[inner], atol=0.1)
    PaperAvatarModel(head, found)


def test_avatars_that_cannot_be_compressed_are_refused(avatar: PaperAvatar) -> None:
    with pytest.raises(AvatarFileError, match="harmonics"):
        settled(replace(avatar, sh_rest=np.zeros((COUNT, 0, 3), np.float32)))
    with pytest.raises(AvatarFileError, match="sum to 1"):
        settled(replace(avatar, barycentrics=2 * avatar.barycentrics))


def test_what_went_astray_is_refused(head: HeadModel, avatar: PaperAvatar) -> None:
    base = settled(avatar)
    start, latents = first_latents(base, places(head, base), cameras())
    with pytest.raises(AvatarFileError, match="not finite"):
        rounded(replace(start, sh0=np.full_like(start.sh0, np.nan)), latents, direct_ranges(start))


def test_sizes_of_the_paper_s_avatar_are_those_of_its_table(head: HeadModel) -> None:
    whole = synthetic_paper_avatar(head)
    pruned = synthetic_paper_avatar(head, hidden_layers=4)
    decoders = harmonic_blocks(whole.count) * 2 * 45 + 5 * 4 + 2
    stages = (
        uncompressed_stage(whole),
        latent_stage("latents", whole, decoders),
        latent_stage("pruned", pruned, decoders),
        half_stage(pruned, decoders),
    )
    for stage in stages:
        assert stage.difference == pytest.approx(stage.total_mib / PUBLISHED_MIB[stage.name] - 1)
        assert abs(stage.difference) < (0.001 if stage.name == "uncompressed" else 0.06)
