from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrolment.initial_bases import BASES, FACE_BASES, GRID, LID_BASES, RECTANGLES, basis_mask, basis_weights
from enrolment.instant import instant_avatar
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from tests.support.known_heads import known_take


@pytest.fixture(scope="module")
def asset():
    return instant_avatar(known_take(24), load_open_head(), "Known")


def cells(asset, which) -> set[tuple[int, int]]:
    """Grid points that some Gaussians read."""
    low = np.floor(asset.grid_uv[which] * (GRID - 1) + 1e-4).astype(int)
    return {(int(x) + i, int(y) + j) for x, y in low for i in (0, 1) for j in (0, 1)}


def test_weights_have_unit_spread_over_the_take():
    take = known_take(24)
    spread = np.sqrt(((take.vectors @ basis_weights(take).T) ** 2).mean(axis=0))
    np.testing.assert_allclose(spread[:FACE_BASES], 1, atol=0.3)
    assert spread.max() < 1.05


def test_faces_are_driven_by_faces_and_turns_by_turns():
    weights = basis_weights(known_take(24))
    assert (weights[:FACE_BASES, 50:56] == 0).all()
    assert (weights[:, 53:56] == 0).all()
    assert (weights[:, 61:] == 0).all()
    assert (weights[FACE_BASES : FACE_BASES + LID_BASES, :59] == 0).all()
    assert (weights[FACE_BASES + LID_BASES :, :50] == 0).all()
    assert (np.abs(weights).max(axis=1) > 0).all()


def test_what_a_take_hardly_shows_is_not_blown_up():
    take = known_take(24)
    still = replace(take, vectors=np.tile(take.vectors[:1], (24, 1)) * 1e-4)
    assert np.abs(basis_weights(still)).max() < 35


def test_rectangles_share_no_grid_point():
    used = np.zeros((GRID, GRID), int)
    for left, top, right, bottom in RECTANGLES.values():
        used[top : bottom + 1, left : right + 1] += 1
    assert used.max() == 1


def test_eyes_mouth_torso_and_skin_read_their_own_grid_points(asset):
    head = load_open_head()
    parts = head.parts[head.faces[asset.faces_bound, 0]]
    groups = [
        np.isin(parts, [Part.LEFT_EYE]),
        np.isin(parts, [Part.RIGHT_EYE]),
        np.isin(parts, [Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE]),
        parts == Part.TORSO,
    ]
    read = [cells(asset, group) for group in groups]
    for index, one in enumerate(read):
        assert one
        for other in read[index + 1 :]:
            assert not one & other


def test_upper_and_lower_lip_read_different_grid_points(asset):
    head = load_open_head()
    corners, mixes = head.faces[asset.faces_bound], asset.barycentrics
    jaw = (head.lbs_weights[:, 2][corners] * mixes).sum(axis=1)
    skin = (head.parts[corners[:, 0]] == Part.SKIN) & ~asset.rigid_to_skull
    place = (head.v_template[corners] * mixes[..., None]).sum(axis=1)
    lips = skin & (np.abs(place[:, 0]) < 0.012) & (np.abs(place[:, 1] + 0.066) < 0.006) & (place[:, 2] > 0.02)
    upper, lower = cells(asset, lips & (jaw < 0.15)), cells(asset, lips & (jaw > 0.85))
    assert upper
    assert lower
    assert not upper & lower


def test_the_mask_keeps_faces_out_of_the_torso_and_turns_out_of_the_shape_of_faces(asset):
    mask = basis_mask(asset)
    left, top, right, bottom = RECTANGLES["torso"]
    inside = np.zeros((GRID, GRID), bool)
    inside[top : bottom + 1, left : right + 1] = True
    faces, turns = mask[: FACE_BASES + LID_BASES], mask[FACE_BASES + LID_BASES :]
    assert mask.shape == asset.basis_grid.shape
    assert not faces[:, :, inside].any()
    assert faces[:, :, ~inside].all()
    assert turns[:, :, inside].all()
    assert turns[:, 6:].all()
    assert not turns[:, :6, ~inside].any()


def test_a_mask_is_made_for_this_grid_alone(asset):
    with pytest.raises(ValueError, match="grid of 8"):
        basis_mask(replace(asset, basis_grid=np.zeros((BASES, 9, 8, 8), np.float16)))
