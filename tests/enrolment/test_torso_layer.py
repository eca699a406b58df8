from __future__ import annotations

from dataclasses import replace

import numpy as np

from codec.params import FaceParams
from enrolment.placement_surface import ROOT, Surface
from enrolment.placement_views import median_pose, project, view_of
from enrolment.projection import posed_splats
from enrolment.torso_layer import torso_layer
from renderer.head.open_head import load_open_head
from tests.support.known_heads import known_shape, known_take


def test_the_layer_covers_the_shoulders_that_the_pictures_show():
    take, surface = known_take(24), Surface(load_open_head(), known_shape())
    layer = torso_layer(take, surface)
    assert 2200 < len(layer.splats.faces) < 3400
    posed = posed_at(take, surface, layer, median_pose(take))
    pixels = np.floor(project(posed, take.K)).astype(int)
    inside = ((pixels >= 0) & (pixels < 512)).all(axis=1)
    shoulders = (take.alphas[0] > 0) & (np.arange(512)[:, None] > 440)
    cells = np.zeros((512 // 16, 512 // 16), bool)
    cells[pixels[inside, 1] // 16, pixels[inside, 0] // 16] = True
    wanted = shoulders.reshape(32, 16, 32, 16).all(axis=(1, 3))
    assert wanted.sum() > 20
    assert cells[wanted].mean() > 0.97
    assert (pixels[:, 1] >= 512).any()  # and a bit farther down


def posed_at(take, surface, layer, params: FaceParams):
    vectors = take.vectors.copy()
    vectors[0] = params.to_vector()
    view = view_of(replace(take, vectors=vectors), surface, 0, params)
    return posed_splats(surface, layer.splats, view)[0]


def test_the_layer_moves_with_the_shoulders_as_one():
    take, surface = known_take(24), Surface(load_open_head(), known_shape())
    layer = torso_layer(take, surface)
    assert (surface.head.lbs_weights[surface.head.faces[layer.splats.faces], ROOT] > 0.999).all()
    one, other = (posed_at(take, surface, layer, take.params(index)) for index in (0, 6))
    between = [np.linalg.norm(points[::97] - points[5], axis=1) for points in (one, other)]
    np.testing.assert_allclose(between[0], between[1], atol=1e-5)


def test_the_layer_goes_on_where_the_recording_ends_and_ends_where_the_person_does():
    take, surface = known_take(24), Surface(load_open_head(), known_shape())
    bottom = 512 - 30
    alphas = take.alphas.copy()
    alphas[:, bottom:] = 0
    lowest = {}
    for name, inner in (("recording ends", (0, 0, 512, bottom)), ("person ends", (0, 0, 512, 512))):
        barred = replace(take, alphas=alphas, inner=inner)
        posed = posed_at(barred, surface, torso_layer(barred, surface), median_pose(barred))
        lowest[name] = project(posed, take.K)[:, 1].max()
    assert lowest["recording ends"] > bottom + 25
    assert lowest["person ends"] < bottom + 10


def test_a_person_without_a_matte_has_no_layer():
    take, surface = known_take(24), Surface(load_open_head(), known_shape())
    layer = torso_layer(replace(take, alphas=np.zeros_like(take.alphas)), surface)
    assert len(layer.splats.faces) == 0
    assert not layer.covered.any()
