"""The shipped guests are whole, look like different people and move; their generator's geometry holds."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from avatar_store.guests import GUESTS_DIRECTORY, Guest, list_guests
from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id, unpack_avatar
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.reference import ReferenceRasterizer
from renderer.camera import Camera
from renderer.gaussians import SH_C0
from renderer.head.model import Part
from renderer.head.open_head import load_open_head
from tools.guests.canvas import Spots, triangle_frames
from tools.guests.sampling import nearest_neighbours, relax, spread_spots
from tools.guests.splats import quaternions

GUESTS = list_guests()
every_guest = pytest.mark.parametrize("guest", GUESTS, ids=lambda guest: guest.name)

EYES, FACE = np.array([0.0, 0.0, 0.58], np.float32), np.array([0.0, 0.03, 0.6], np.float32)
"""Targets of the camera in the world frame (y is down; the eyes' middle of the neutral face is at z = 0.6)."""


@lru_cache(maxsize=8)
def load(guest: Guest) -> AvatarAsset:
    return unpack_avatar(guest.file.read_bytes())


def draw(asset: AvatarAsset, params: FaceParams, target: np.ndarray, fov_deg: float) -> tuple[np.ndarray, np.ndarray]:
    cloud = AvatarModel(load_open_head(), asset).pose(params)
    camera = Camera.orbit(target, 1.0, 0.0, 0.0, 64, fov_deg)
    return ReferenceRasterizer().rasterize_float64(cloud, camera)


def parts_of(asset: AvatarAsset) -> np.ndarray:
    head = load_open_head()
    return head.parts[head.faces[asset.faces_bound]].max(axis=1)


def places_of(asset: AvatarAsset) -> np.ndarray:
    """[N, 3] where the Gaussians are bound, on the template."""
    head = load_open_head()
    return (head.v_template[head.faces[asset.faces_bound]] * asset.barycentrics[:, :, None]).sum(axis=1)


def only(asset: AvatarAsset, keep: np.ndarray) -> AvatarAsset:
    names = [field.name for field in fields(asset)]
    rows = {name: getattr(asset, name)[keep] for name in names[names.index("faces_bound") : names.index("basis_grid")]}
    return replace(asset, **rows)


def test_there_are_at_least_five_with_different_names_and_ids():
    assert len(GUESTS) >= 5
    assert len({guest.name for guest in GUESTS}) == len({guest.avatar_id for guest in GUESTS}) == len(GUESTS)


@every_guest
def test_files_are_what_the_list_says(guest: Guest):
    data = guest.file.read_bytes()
    assert avatar_id(data) == guest.avatar_id
    assert len(data) <= 260_000
    assert load(guest).count <= 16_000
    assert load(guest).name == guest.name
    picture = cv2.imread(str(guest.thumbnail))
    assert picture is not None
    assert picture.shape == (256, 256, 3)


@every_guest
def test_fits_the_open_head_as_shipped(guest: Guest):
    asset = load(guest)
    AvatarModel(load_open_head(), asset)  # raises if made for another head or out of range
    assert np.linalg.norm(asset.shape_offsets, axis=1).max() < 0.12
    assert np.linalg.norm(asset.local_means[~asset.rigid_to_skull], axis=1).max() < 0.09
    assert np.linalg.norm(asset.local_means[asset.rigid_to_skull], axis=1).max() < 0.25


@every_guest
def test_has_eyes_teeth_brows_hair_and_clothes(guest: Guest):
    asset, part = load(guest), parts_of(load(guest))
    # Thinning leaves about half of what is painted of eyes, teeth and hair; far less would show holes.
    minimum = {Part.LEFT_EYE: 300, Part.RIGHT_EYE: 300, Part.UPPER_TEETH: 80, Part.LOWER_TEETH: 80, Part.TONGUE: 60}
    for kind, count in minimum.items():
        assert (part == kind).sum() >= count, kind
    assert asset.rigid_to_skull.sum() >= 2500, "hair"
    where = places_of(asset)
    sigmas = np.sort(np.exp(asset.log_scales), axis=1)
    brow = (np.abs(np.abs(where[:, 0]) - 0.031) < 0.02) & (np.abs(where[:, 1] - 0.018) < 0.01) & (where[:, 2] > -0.02)
    hairs = brow & ~asset.rigid_to_skull & (sigmas[:, 2] > 3 * sigmas[:, 1])
    for side in (1, -1):
        assert (hairs & (np.sign(where[:, 0]) == side)).sum() >= 80, "brow"
    assert (~asset.rigid_to_skull & (where[:, 1] < -0.16)).sum() >= 800, "clothes"
    counts = next(e["gaussians"] for e in json.loads((GUESTS_DIRECTORY / "guests.json").read_text())
                  if e["avatar_id"] == guest.avatar_id)  # fmt: skip
    assert sum(counts.values()) == asset.count


def test_faces_are_opaque_and_differ():
    colors = []
    for guest in GUESTS:
        image, through = draw(load(guest), FaceParams.neutral(), FACE, 14.0)
        face = np.s_[16:48, 20:44]
        assert through[face].max() < 0.02, guest.name
        colors.append(image[face].reshape(-1, 3).mean(axis=0))
    apart = np.linalg.norm(np.array(colors)[:, None] - np.array(colors), axis=2) + np.eye(len(colors))
    assert apart.min() > 0.015


@every_guest
def test_lids_close_over_the_eyes(guest: Guest):
    x, y, z = places_of(load(guest)).T
    asset = only(load(guest), (np.abs(x) < 0.06) & (np.abs(y) < 0.035) & (z > -0.04) & ~load(guest).rigid_to_skull)
    red = np.where(np.isin(parts_of(asset), (Part.LEFT_EYE, Part.RIGHT_EYE))[:, None], [[1, -1, -1]], [[-1, -1, -1]])
    marked = replace(asset, sh0=(0.5 * red / SH_C0).astype(np.float32))
    rest = FaceParams.neutral()
    seen = draw(marked, rest, EYES, 6.0)[0][:, :, 0].sum()
    left = draw(marked, replace(rest, eyelids=np.ones(2, np.float32)), EYES, 6.0)[0][:, :, 0].sum()
    assert seen > 20
    assert left < 0.04 * seen


@every_guest
def test_gaze_moves_the_irises(guest: Guest):
    asset, rest = load(guest), FaceParams.neutral()
    model, left_eye = AvatarModel(load_open_head(), asset), parts_of(asset) == Part.LEFT_EYE
    aside = model.pose(replace(rest, gaze=np.array([0.4, 0, 0.4, 0], np.float32)))
    before = model.pose(rest).means[left_eye]
    front = before[:, 2] < before[:, 2].min() + 0.001
    assert front.sum() > 30
    assert (aside.means[left_eye] - before)[front, 0].min() > 0.003


def test_spots_cover_a_surface_evenly():
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0.1, 0.1, 0], [0, 0.1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])

    def spacing(spots: Spots) -> np.ndarray:
        return np.full(len(spots), 0.005)

    spots, gaps = spread_spots(vertices, faces, np.arange(2), spacing, seed=3)
    points = (vertices[faces[spots.faces]] * spots.barycentrics[:, :, None]).sum(axis=1)
    assert len(points) == len(gaps) == pytest.approx(0.68 * (0.1 / 0.005) ** 2, rel=0.1)
    assert np.quantile(nearest_neighbours(points, points, 2)[1][:, 1], 0.05) > 0.8 * 0.005
    everywhere = np.random.default_rng(0).uniform(0.003, 0.097, (2000, 2))
    queries = np.column_stack([everywhere, np.zeros(2000)])
    assert nearest_neighbours(points, queries, 1)[1].max() < 1.1 * 0.005
    again, _ = spread_spots(vertices, faces, np.arange(2), spacing, seed=3)
    assert np.array_equal(again.barycentrics, spots.barycentrics)


def test_sharpening_keeps_flat_color_and_steepens_edges():
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2) * 1e-3
    points, normals = np.column_stack([grid, np.zeros(400)]), np.tile([0.0, 0.0, 1.0], (400, 1))
    gray = np.full((400, 3), 0.4)
    assert np.allclose(relax(points, normals, np.full(400, 1e-3), gray, 0.5), gray)
    edge = np.where(points[:, :1] < 0.0095, 0.4, 0.6) * np.ones(3)
    sharp = relax(points, normals, np.full(400, 1e-3), edge, 0.5)
    assert sharp.min() < 0.39
    assert sharp.max() > 0.61


def test_quaternions_give_back_the_rotation():
    corners = np.random.default_rng(5).normal(size=(300, 3))
    frames = triangle_frames(corners, np.arange(300).reshape(100, 3))
    w, x, y, z = quaternions(frames).T
    again = np.array(
        [[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
         [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
         [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]]
    )  # fmt: skip
    assert np.allclose(np.moveaxis(again, 2, 0), frames, atol=1e-9)
