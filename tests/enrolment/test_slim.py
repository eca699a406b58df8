"""Slim avatars: they look as before, take fewer bytes, and are finest where pictures show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.avatar_layout import version_of
from codec.avatar_plan import SKIPPED_BLOCK, AvatarSteps
from enrolment.slim import Fineness, most_visible, place_on_levels, rebind_to_centers, slim_avatar
from enrolment.slim_bases import plan_blocks, principal_bases, used_points
from enrolment.slim_file import slim_file
from enrolment.slim_shots import standard_shots
from enrolment.visibility import Shot, measure_visibility
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from visavis.bench.blob import likeness_db

HEAD = load_open_head()


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    return standard_shots(256)[0][::3]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return standard_shots(256)[1]


def test_finer_steps_take_more_bytes_and_look_more_alike(shots: list[Shot], vectors: np.ndarray) -> None:
    person = drawn_person()
    coarse = Fineness(AvatarSteps(mean=200, covariance=120, color=40), 8.0)
    likeness: list[float] = []
    sizes: list[int] = []
    for fineness in (coarse, Fineness()):
        data = pack_avatar(*slim_avatar(HEAD, person, shots, vectors, fineness))
        assert version_of(data) == 1
        sizes.append(len(data))
        likeness.append(likeness_db(HEAD, person, unpack_avatar(data), shots))
    assert sizes[0] < sizes[1] < len(pack_avatar(person)) / 2
    assert likeness[0] < likeness[1]
    assert likeness[1] > 38


def test_rebinding_moves_nothing_at_rest() -> None:
    person = drawn_person()
    bound = rebind_to_centers(HEAD, person, AvatarSteps())
    rest = standard_shots(64)[0][0].params
    wanted, found = (AvatarModel(HEAD, without_bases(each)).pose(rest) for each in (person, bound))
    assert np.abs(wanted.means - found.means).max() < 1e-4
    assert np.abs(np.abs((wanted.quats * found.quats).sum(axis=1)) - 1).max() < 1e-3


def test_principal_bases_make_the_same_motions() -> None:
    person = drawn_person()
    vectors = standard_shots(64)[1]
    moved = principal_bases(person, np.ones((9, 16, 16)), vectors)
    sums = [np.einsum("nk,kcyx->ncyx", vectors @ each.basis_weights.T, each.basis_grid) for each in (person, moved)]
    np.testing.assert_allclose(sums[1], sums[0], atol=2e-4)
    energies = (moved.basis_grid.astype(float) ** 2).sum(axis=(1, 2, 3))
    assert (np.diff(energies) <= 1e-9).all()


def test_visibility_is_the_mean_square_of_what_a_change_shows(shots: list[Shot]) -> None:
    person = drawn_person()
    seen = np.mean([measure_visibility(HEAD, person, shots[:1], seed).colors for seed in range(12)], axis=0)
    strong = np.argsort(seen)[-40:]
    sh0 = person.sh0.copy()
    step = 0.02
    sh0[strong] += step / 0.28209479
    squares = 0.0
    for row in strong:
        one = person.sh0.copy()
        one[row] = sh0[row]
        squares += difference(person, replace(person, sh0=one), shots[0])
    assert seen[strong].sum() * 3 * step**2 == pytest.approx(squares, rel=0.35)


def test_what_is_hidden_is_left_out(shots: list[Shot], vectors: np.ndarray) -> None:
    person = drawn_person()
    faint = np.where(np.arange(person.count) < 500, -16, person.logit_opacities).astype(np.float32)
    slim, _ = slim_avatar(HEAD, replace(person, logit_opacities=faint), shots, vectors)
    assert slim.count <= person.count - 500


def test_only_the_most_visible_are_kept(shots: list[Shot], vectors: np.ndarray) -> None:
    person = drawn_person()
    visible = measure_visibility(HEAD, rebind_to_centers(HEAD, person, AvatarSteps()), shots)
    kept = most_visible(visible, 500)
    assert kept.sum() == 500
    assert visible.colors[kept].min() >= visible.colors[~kept].max()
    assert slim_avatar(HEAD, person, shots, vectors, Fineness(most=500))[0].count == 500


def test_gaussians_are_placed_where_they_come_back() -> None:
    person, steps = drawn_person(), AvatarSteps()
    classes = np.where(np.arange(person.count) % 2, steps.fine_classes, 0).astype(np.uint8)
    levels = place_on_levels(person, classes, steps).grid_uv.astype(np.float64) * steps.grid_uv
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    off = np.abs(levels - person.grid_uv.astype(np.float64) * steps.grid_uv)
    assert off[::2].max() <= 0.501
    assert off[1::2].max() <= 1.001
    inside = levels[1::2][levels[1::2] < steps.grid_uv - 0.5]
    assert (np.rint(inside) % 2 == 1).all()


def test_bases_that_turns_drive_stay_apart() -> None:
    person = drawn_person()
    weights = person.basis_weights.copy()
    weights[:, 50:53] = 0
    weights[-1] = 0
    weights[-1, 51] = 1
    apart = principal_bases(replace(person, basis_weights=weights), np.ones((9, 16, 16)), standard_shots(64)[1])
    assert (apart.basis_weights[:-1, 50:53] == 0).all()
    assert np.flatnonzero(apart.basis_weights[-1]).tolist() == [51]


def test_blocks_that_nobody_samples_are_skipped() -> None:
    used = np.zeros((10, 10), np.bool_)
    used[0, 0] = True
    visible = np.ones((9, 10, 10))
    visible[:3] *= 16
    exponents, steps = plan_blocks(visible, used, 0.01)
    assert exponents.shape == (3, 3, 3)
    assert (exponents[:, 0, 0] < SKIPPED_BLOCK).all()
    assert (exponents.reshape(3, -1)[:, 1:] == SKIPPED_BLOCK).all()
    assert steps[1] * 2.0 ** exponents[1, 0, 0] == pytest.approx(4 * steps[0] * 2.0 ** exponents[0, 0, 0], rel=0.5)


def test_used_points_are_those_that_gaussians_sample() -> None:
    person = replace(drawn_person(), rigid_to_skull=np.zeros(6000, np.bool_))
    corner = replace(person, grid_uv=np.full((6000, 2), 0.01, np.float32))
    assert np.argwhere(used_points(corner)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_take_says_what_is_seen_of_its_person() -> None:
    take = drawn_take(20)
    data = slim_file(take, HEAD, drawn_person(), None).data
    assert len(data) < len(pack_avatar(drawn_person())) / 2
    framed = standard_shots(256)[0][:1]  # more of the person than the take shows
    assert likeness_db(HEAD, drawn_person(), unpack_avatar(data), framed) > 33


def test_visibility_needs_shots() -> None:
    with pytest.raises(ValueError, match="shots"):
        measure_visibility(HEAD, drawn_person(), [])


def without_bases(asset: AvatarAsset) -> AvatarAsset:
    return replace(asset, basis_grid=asset.basis_grid[:0], basis_weights=asset.basis_weights[:0])


def difference(one: AvatarAsset, other: AvatarAsset, shot: Shot) -> float:
    """Mean squared difference of two drawings, gray levels."""
    from renderer.avatar.linear_poser import LinearPoser

    planes: list[np.ndarray] = []
    for asset in (one, other):
        poser = LinearPoser(AvatarModel(HEAD, asset), threads=1)
        poser.prepare(shot.params)
        poser.workspace.set_view(shot.camera, (1.0, 1.0, 1.0))
        drawn = poser.workspace.set_planar_output()
        poser.pose()
        poser.workspace.draw()
        planes.append(drawn[:3].astype(np.float64))
    return float((255**2 * (planes[0] - planes[1]) ** 2).mean())
