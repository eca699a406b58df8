"""Guests are thinned by what pictures with and without each Gaussian show, and by how much that counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from avatar_store.guests import list_guests
from codec.avatar_file import unpack_avatar
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import GaussianCloud
from renderer.head.open_head import load_open_head
from tools.guests.guest import take
from tools.guests.thinning import differences, thin

CAMERA = Camera.orbit(np.array([0.0, 0.0, 1.0]), 1.0, 0.0, 0.0, 48, 30.0)
BACKGROUND = (0.2, 0.7, 0.4)
COLUMNS = ("means", "quats", "scales", "opacities", "colors")


def cloud_of(count: int, seed: int) -> GaussianCloud:
    rng = np.random.default_rng(seed)
    columns = {
        "means": np.array([0, 0, 1]) + rng.normal(0, 0.08, (count, 3)),
        "quats": rng.normal(0, 1, (count, 4)),
        "scales": rng.uniform(0.01, 0.05, (count, 3)),
        "opacities": rng.uniform(0.1, 0.6, count),  # so that no pixel ever is opaque
        "colors": rng.uniform(0, 1, (count, 3)),
    }
    return GaussianCloud(**{name: column.astype(np.float32) for name, column in columns.items()})


def without(cloud: GaussianCloud, number: int) -> GaussianCloud:
    return replace(cloud, **{name: np.delete(getattr(cloud, name), number, axis=0) for name in COLUMNS})


def test_differences_are_those_of_pictures_with_and_without():
    cloud = cloud_of(16, seed=1)
    draw = ReferenceRasterizer().rasterize
    whole = draw(cloud, CAMERA, BACKGROUND)
    expected = [np.abs(draw(without(cloud, i), CAMERA, BACKGROUND) - whole).max() for i in range(16)]
    assert np.allclose(differences(cloud, CAMERA, np.array(BACKGROUND)), expected, atol=1e-6)
    assert np.ptp(expected) > 0.1


def test_what_is_hidden_or_has_the_color_behind_it_makes_no_difference():
    rows = np.array([0, 0, 0, 0])
    cloud = cloud_of(1, seed=2)
    cloud = replace(cloud, **{name: getattr(cloud, name)[rows] for name in COLUMNS})
    cloud = replace(
        cloud,
        means=np.array([[0, 0, 0.9], [0, 0, 0.95], [0, 0, 1.0], [0, 0, -1.0]], np.float32),
        scales=np.array([[5.0] * 3, [5.0] * 3, [0.02] * 3, [0.02] * 3], np.float32),
        opacities=np.array([0.5, 0.99, 0.99, 0.99], np.float32),
        colors=np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]], np.float32),
    )
    same, cover, hidden, behind_the_camera = differences(cloud, CAMERA, np.array(BACKGROUND))
    assert same < 0.01
    assert cover > 0.4
    assert hidden < 0.01
    assert behind_the_camera == 0


def test_the_budget_goes_to_what_matters_most():
    guest = unpack_avatar(list_guests()[0].file.read_bytes())
    few = take(guest, np.arange(0, guest.count, guest.count // 60)[:60])  # apart from each other: nearly all are seen
    importance = np.repeat([0.0, 1.0, 1000.0], 20)
    kept = thin(load_open_head(), few, importance, 30, seed=1)
    assert np.all(np.diff(kept) > 0)
    assert len(kept) <= 30
    assert kept.min() >= 20
    assert (kept >= 40).sum() >= 18
