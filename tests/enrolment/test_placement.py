from __future__ import annotations

import numpy as np
import pytest

from enrolment.placement import HEAD_GAUSSIANS, place_on_head, place_shell, seen_triangles
from enrolment.placement_surface import Surface
from enrolment.placement_views import view_of
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from tests.support.known_heads import known_shape, known_take


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface(load_open_head(), known_shape())


@pytest.fixture(scope="module")
def seen(surface):
    take = known_take(24)
    return seen_triangles(surface, [view_of(take, surface, index, take.params(index)) for index in range(0, 24, 3)])


@pytest.fixture(scope="module")
def splats(surface, seen):
    return place_on_head(surface, seen, surface.face_parts == Part.TORSO, HEAD_GAUSSIANS, 1)


def test_there_are_as_many_as_asked_and_none_where_forbidden(surface, splats):
    assert 0.9 * HEAD_GAUSSIANS < len(splats.faces) <= HEAD_GAUSSIANS
    assert not (surface.face_parts[splats.faces] == Part.TORSO).any()


def test_eyes_and_lips_are_densest_and_the_back_of_the_head_is_not_empty(surface, seen, splats):
    corners = surface.vertices[surface.head.faces]
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    count = np.bincount(splats.faces, minlength=len(areas))

    def per_cm2(which) -> float:
        return count[which].sum() / areas[which].sum() * 1e-4

    regions, faces = surface.regions, surface.head.faces
    skin = surface.face_parts == Part.SKIN
    lids = skin & (regions.from_lids[faces].mean(axis=1) < 0.008) & ~regions.sockets[faces].any(axis=1)
    cheeks = skin & (regions.from_face[faces].mean(axis=1) < 0.01) & (regions.from_lids[faces].mean(axis=1) > 0.02)
    back = skin & ~seen & (regions.hair[faces].mean(axis=1) > 0.9)
    assert per_cm2(lids) > 2 * per_cm2(cheeks) > 4 * per_cm2(back) > 0.5


def test_nothing_wide_lies_at_the_lids_nor_anything_behind_them(surface, splats):
    regions, corners = surface.regions, surface.head.faces[splats.faces]
    near = (regions.from_lids[corners].mean(axis=1) < 0.003) & (surface.face_parts[splats.faces] == Part.SKIN)
    assert near.sum() > 100
    assert splats.scales[near, :2].max() < 0.0016
    assert not (regions.sockets[corners].mean(axis=1) > 0.5).any()


def test_only_bone_is_rigid(surface, splats):
    corners = surface.head.faces[splats.faces[splats.rigid]]
    moves = np.abs(surface.head.expressiondirs[corners]).max()
    assert splats.rigid.sum() > 500
    assert moves < 1e-3


def test_spots_are_even(surface, splats):
    calm = splats.rigid & (surface.face_parts[splats.faces] == Part.SKIN)
    corners = surface.vertices[surface.head.faces[splats.faces[calm]]]
    points = (corners * splats.barycentrics[calm][..., None]).sum(axis=1)
    apart = np.linalg.norm(points[:, None] - points, axis=2) + np.eye(len(points))
    assert np.quantile(apart.min(axis=1) / splats.scales[calm, 0], 0.05) > 0.6


def test_the_shell_floats_before_the_eyes_and_follows_the_skull(surface):
    shell = place_shell(surface, 600, 2)
    assert shell.rigid.all()
    assert 500 < len(shell.faces) <= 600
    assert shell.local_means[:, 2].min() >= 0.004
    assert shell.opacities.max() < 0.1
    places = surface.vertices[surface.head.faces[shell.faces]].mean(axis=1)
    assert places[:, 2].max() > 0.02 > -0.03 > places[:, 2].min()  # nose bridge to temples
