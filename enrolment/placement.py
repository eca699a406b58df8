"""Where an avatar's Gaussians sit on the head: dense on the face, densest at eyes and lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.placement_surface import Surface, nearest, normalized, smoothstep
from enrolment.placement_views import View, facing
from renderer.head.model import Part
from renderer.head.pose import pose_vertices

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HEAD_GAUSSIANS, SHELL_GAUSSIANS = 12_600, 600
IN_PLANE, ACROSS = 0.72, 0.2
"""Standard deviations of a Gaussian as shares of the spacing."""
OPACITY, UNSEEN_OPACITY, SHELL_OPACITY = 0.92, 0.8, 0.03
DENSITY = {
    "face": 3.0,
    "lips": 7.0,
    "lids": 7.0,
    "margins": 20.0,
    "eyeball": 12.0,
    "teeth": 6.0,
    "mouth": 2.0,
    "ears": 2.0,
}
"""Gaussians per area relative to the back of the head."""
_UNSEEN = 0.22
"""Density of what no picture shows."""
_CANDIDATES, _ROUNDS = 7, 4
_SPACING_OF_DISTANCE = 0.93
"""Square root of a point's area over the distance of its neighbors, in a honeycomb."""
_LEAST_SPACING_M, _SPACING_GROWTH = 0.0008, 0.35
"""Nothing at the border of lids and lips is so wide that it would cover the eye or the mouth."""
_NORMAL_WEIGHT = 0.004
"""Metres by which opposite normals set two points apart: the two sides of a closed mouth do not thin each other."""


@dataclass(frozen=True, eq=False)
class Splats:
    """n Gaussians of one kind before they have colors.

    Args:
        faces: [n] triangle.
        barycentrics: [n, 3].
        local_means: [n, 3] metres, triangle frame.
        local_quats: [n, 4] wxyz.
        scales: [n, 3] metres.
        opacities: [n].
        rigid: [n].
    """

    faces: NDArray[np.int64]
    barycentrics: Array
    local_means: Array
    local_quats: Array
    scales: Array
    opacities: Array
    rigid: Mask

    @staticmethod
    def on_surface(
        faces: NDArray[np.int64], barycentrics: Array, spacing: Array, opacities: Array, rigid: Mask
    ) -> Splats:
        """Flat Gaussians on the surface whose distance is `spacing` [n] metres."""
        count = len(faces)
        scales = spacing[:, None] * np.array([IN_PLANE, IN_PLANE, ACROSS])
        upright = np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
        return Splats(faces, barycentrics, np.zeros((count, 3)), upright, scales, opacities, rigid)


def seen_triangles(surface: Surface, views: list[View], margin: float = -0.1) -> Mask:
    """[F] whether any view has a triangle face its camera."""
    return np.max([facing(view.posed, surface.head.faces) for view in views], axis=0) > margin


def place_on_head(surface: Surface, seen: Mask, without: Mask, count: int, seed: int) -> Splats:
    """Gaussians all over the mesh.

    Args:
        surface: the person.
        seen: [F] what pictures show.
        without: [F] triangles that get none.
        count: about how many.
        seed: of the random numbers.
    """
    outer = (surface.face_parts == Part.SKIN) & ~surface.regions.mouth[surface.head.faces].any(axis=1)
    outer |= surface.face_parts == Part.TORSO
    density = triangle_density(surface) * np.where(seen | ~outer, 1.0, _UNSEEN)
    density[without] = 0.0
    faces, barycentrics, spacing = scatter(surface, density * _largest_areas(surface), density, count, seed)
    regions, corners = surface.regions, surface.head.faces[faces]
    from_margin = (np.minimum(regions.from_lids, regions.from_lips)[corners] * barycentrics).sum(axis=1)
    skin = surface.face_parts[faces] == Part.SKIN
    spacing = np.where(skin, np.minimum(spacing, _LEAST_SPACING_M + _SPACING_GROWTH * from_margin), spacing)
    bone = np.asarray(regions.bone & (regions.hair > 0.6), np.bool_)
    rigid = bone[corners].sum(axis=1) == 3
    opacities = np.where(seen[faces], OPACITY, UNSEEN_OPACITY)
    return Splats.on_surface(faces, barycentrics, spacing, opacities, rigid)


def triangle_density(surface: Surface) -> Array:
    """[F] wanted Gaussians per area, relative."""
    regions, head = surface.regions, surface.head

    def mean(values: NDArray[np.generic]) -> Array:
        return values[head.faces].astype(np.float64).mean(axis=1)

    parts = surface.face_parts
    skin = parts == Part.SKIN
    density = np.ones(len(head.faces))
    density = np.maximum(density, DENSITY["ears"] * (mean(regions.ears) > 0.5))
    density = np.maximum(density, 1 + (DENSITY["face"] - 1) * smoothstep(0.024, 0.010, mean(regions.from_face)))
    for name, away in (("lips", regions.from_lips), ("lids", regions.from_lids)):
        density = np.maximum(density, 1 + (DENSITY[name] - 1) * smoothstep(0.013, 0.005, mean(away)))
        density = np.maximum(density, 1 + (DENSITY["margins"] - 1) * smoothstep(0.008, 0.004, mean(away)))
    density[~skin] = 1.0
    density[skin & (mean(regions.mouth) > 0.5)] = DENSITY["mouth"]
    density[(parts == Part.LEFT_EYE) | (parts == Part.RIGHT_EYE)] = DENSITY["eyeball"]
    density[(parts >= Part.UPPER_TEETH) & (parts <= Part.TONGUE)] = DENSITY["teeth"]
    density[skin & (mean(regions.sockets) > 0.5)] = 0.0
    normal_z = surface.normals[:, 2]
    inner = (parts != Part.SKIN) & (parts != Part.TORSO) & (mean(normal_z) < -0.2)
    density[inner] = 0.0  # backs of eyeballs and teeth
    return density


def _largest_areas(surface: Surface) -> Array:
    """[F] area of each triangle at rest, with closed eyes or with an open mouth, whichever is largest."""
    head, areas = surface.head, []
    for eyelids, jaw in ((0.0, 0.0), (1.0, 0.0), (0.0, 0.25)):
        vector = FaceParams.neutral().to_vector()
        vector[56], vector[59:61] = jaw, eyelids
        posed = pose_vertices(head, surface.shape_offsets.astype(np.float32), FaceParams.from_vector(vector))
        corners = posed[head.faces].astype(np.float64)
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas.append(0.5 * np.linalg.norm(cross, axis=1))
    return np.minimum(np.max(areas, axis=0), 3 * areas[0] + 1e-12)


def scatter(
    surface: Surface, weights: Array, density: Array, count: int, seed: int
) -> tuple[NDArray[np.int64], Array, Array]:
    """Evenly spread points, so many per triangle as its weight [F] asks: triangles, barycentrics and spacing (m)."""
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(weights) / weights.sum()
    total = count * _CANDIDATES
    at = (np.arange(total) + rng.random(total)) / total
    faces = np.minimum(np.searchsorted(cumulative, at), len(weights) - 1)
    u, v = rng.random((2, total))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    barycentrics = np.stack([1 - u - v, u, v], axis=1)
    corners = surface.vertices[surface.head.faces[faces]]
    points = (corners * barycentrics[..., None]).sum(axis=1)
    normals = normalized(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    features = np.concatenate([points, _NORMAL_WEIGHT * normals], axis=1)
    chosen = np.arange(total)[rng.integers(0, _CANDIDATES) :: _CANDIDATES]
    for _ in range(_ROUNDS):  # Lloyd's iteration among the candidates
        owner = nearest(features[chosen], features, 1)[0][:, 0]
        members = np.maximum(np.bincount(owner, minlength=len(chosen)), 1)[:, None]
        sums = [np.bincount(owner, column, len(chosen)) for column in features.T]
        chosen = np.unique(nearest(features, np.stack(sums, axis=1) / members, 1)[0][:, 0])
    spacing = np.sqrt(weights.sum() / len(chosen) / density[faces[chosen]])
    around = nearest(features[chosen], features[chosen], 6)[1][:, 1:].mean(axis=1)
    spacing = np.clip(_SPACING_OF_DISTANCE * around, 0.5 * spacing, 2 * spacing)
    return faces[chosen], barycentrics[chosen], spacing


def place_shell(surface: Surface, count: int, seed: int) -> Splats:
    """A nearly transparent shell around eyes, nose bridge and temples, which moves with the skull alone, as glasses."""
    rng = np.random.default_rng(seed)
    regions, head = surface.regions, surface.head
    marks = regions.landmarks
    eyes = 0.5 * (marks[33] + marks[263])
    center = head.v_template[head.faces].astype(np.float64).mean(axis=1)
    x, y, z = center.T
    frames = smoothstep(0.036, 0.026, regions.from_lids[head.faces].mean(axis=1)) * (np.abs(y - eyes[1]) < 0.03)
    bridge = (np.abs(x) < 0.02) & (np.abs(y - eyes[1] + 0.008) < 0.012) & (z > eyes[2])
    temples = (np.abs(y - eyes[1]) < 0.012) & (np.abs(x) > 0.045) & (z > marks[454, 2] - 0.025)
    skin = (surface.face_parts == Part.SKIN) & (surface.normals[head.faces].mean(axis=1)[:, 2] > -0.3)
    density = np.maximum(frames, np.maximum(bridge, 0.7 * temples)) * skin * ~regions.mouth[head.faces].any(axis=1)
    area = _largest_areas(surface)
    faces, barycentrics, spacing = scatter(surface, density * area + 1e-15, density + 1e-6, count, seed)
    splats = Splats.on_surface(
        faces, barycentrics, spacing, np.full(len(faces), SHELL_OPACITY), np.ones(len(faces), bool)
    )
    splats.local_means[:, 2] = rng.uniform(0.004, 0.010, len(faces))
    return splats
