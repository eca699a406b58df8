from __future__ import annotations

from dataclasses import replace

import numpy as np

from enrolment.hull import HIGHEST_M, fit_hull
from enrolment.placement_surface import Surface
from enrolment.take import Take
from renderer.head.open_head import load_open_head
from tests.support.known_heads import HAIR_M, known_hair, known_shape, known_take


def hulled(take: Take, start=None):
    surface = Surface(load_open_head(), known_shape() if start is None else start)
    return fit_hull(take, surface, [(index, take.params(index)) for index in range(len(take))])


def heights(moved, start):
    rows = Surface(load_open_head(), start).regions.hair > 0.9
    return np.linalg.norm((moved - start)[rows], axis=1)


def test_hair_is_found_where_it_is():
    found = heights(hulled(known_take(24)), known_shape())
    assert abs(np.median(found) - HAIR_M) < 0.005
    assert np.quantile(found, 0.95) < HAIR_M + 0.012


def test_a_skull_that_is_too_large_comes_in():
    start = known_hair() + (known_hair() - known_shape())  # twice the hair
    middle = load_open_head().v_template + start
    moved = load_open_head().v_template + hulled(known_take(24), start)
    rows = Surface(load_open_head(), start).regions.hair > 0.9
    center = middle[rows].mean(axis=0)
    inwards = np.linalg.norm(middle[rows] - center, axis=1) - np.linalg.norm(moved[rows] - center, axis=1)
    assert np.median(inwards) > 0.006


def test_the_face_stays_where_it_is():
    start = known_shape()
    surface = Surface(load_open_head(), start)
    moved = hulled(known_take(24))
    np.testing.assert_array_equal(moved[surface.regions.hair == 0], start[surface.regions.hair == 0])


def test_bad_mattes_do_no_harm():
    take = known_take(24)
    for value in (0, 255):
        moved = hulled(replace(take, alphas=np.full_like(take.alphas, value)))
        assert np.isfinite(moved).all()
        assert heights(moved, known_shape()).max() <= HIGHEST_M + 1e-6
