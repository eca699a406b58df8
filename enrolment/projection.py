"""First colors: what the pictures show at every Gaussian, mirrored and spread to where they show nothing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.placement import IN_PLANE, Splats
from enrolment.placement_surface import FOREHEAD, LEFT_TEMPLE, Surface, landmarks_on, nearest, normalized, smoothstep
from enrolment.placement_views import View, at_pixels, project, share_inside
from enrolment.take import Take
from renderer.head.model import Part

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MATTE = 0.6
"""Less of the person than this in a pixel says nothing about them."""
_EDGE_PX = 7
"""Edges of mattes hold some background: half of this is left out."""
_NEAR_M = 0.006
"""A point this far behind the mesh is hidden."""
_SHARPNESS = 3.0
"""Power of the cosine of view: pictures that see a point frontally count most, and blur each other least."""
_ODD_COLOR = 0.12
_ENOUGH, _PLENTY = 0.01, 0.12
"""Sums of weights from which a color is believed at all, and wholly."""
_FIRST_PICTURE = 4.0
"""How much more the plainest face counts than another picture: averages blur."""
_LIVELY = 0.15
"""How much a lively face counts, which is needed for what only it shows."""
_PLAIN_HAIR = 0.7
"""Share of the hair's usual color in what is guessed of hair: the nearest seen may be a glint or the forehead."""
_CLOTHES_M = (0.01, 0.06)
"""So far from what was seen of it, a body begins to have the usual color of its clothes, and has nothing else."""
_NORMAL_WEIGHT = 0.02
_SHARPEN, _SHARPEN_ROUNDS = 0.7, 3
DARK_MOUTH, TOOTH, TONGUE, _SKIN = (0.26, 0.11, 0.10), (0.68, 0.62, 0.56), (0.52, 0.27, 0.26), 0.6
"""What is seldom seen, in a light in which skin is as bright as the last number."""


@dataclass(frozen=True, eq=False)
class Paint:
    """What the pictures say of N Gaussians.

    Args:
        colors: [N, 3] sRGB 0..1.
        trust: [N] 0 where no picture showed the Gaussian.
        inside: [N] share of the pictures in whose matte it lies; 1 if it lies in no picture.
    """

    colors: Array
    trust: Array
    inside: Array


def paint(
    take: Take, surface: Surface, splats: Splats, views: list[View], calm: int, torso: Mask, shell: Mask
) -> Paint:
    """Colors of all Gaussians.

    Args:
        take: the pictures.
        surface: the person.
        splats: N Gaussians.
        views: the pictures to look at, the plainest face first.
        calm: so many of the first ones show a resting face.
        torso: [N] the torso layer, which nothing hides but the head.
        shell: [N] what floats before the skin: what is behind it does not matter.
    """
    sampled = [_sample(take, surface, splats, view, torso, shell) for view in views]
    colors, weights, pixels = (
        np.array(values) for values in zip(*sampled, strict=True)
    )  # [P, N, 3], [P, N], [P, N, 2]
    inside = share_inside(take, pixels, [view.picture for view in views])
    weights *= np.array([_FIRST_PICTURE] + [1.0 if index < calm else _LIVELY for index in range(1, len(views))])[
        :, None
    ]
    trust = weights.sum(axis=0)
    mean = _weighted(colors, weights)
    for _ in range(3):
        odd = ((colors - mean) ** 2).sum(axis=2) / _ODD_COLOR**2
        mean = _weighted(colors, weights / (1 + odd) ** 2 + 1e-12)
    mean = _fill(surface, splats, mean, trust, torso, shell)
    mean = _plain_inside(surface, splats, mean, trust)
    mean = _sharpen(surface, splats, mean, torso, shell)
    return Paint(mean.clip(0, 1), trust, inside)


def _sample(
    take: Take, surface: Surface, splats: Splats, view: View, torso: Mask, shell: Mask
) -> tuple[Array, Array, Array]:
    """Color [N, 3] of one picture behind each Gaussian, its weight [N], and where it is [N, 2]."""
    points, normals = posed_splats(surface, splats, view)
    pixels = project(points, take.K)
    picture, matte = take.images[view.picture], take.alphas[view.picture]
    color = at_pixels(cv2.GaussianBlur(picture, (0, 0), 0.8), pixels) / 255
    core = at_pixels(cv2.erode(matte, np.ones((_EDGE_PX, _EDGE_PX), np.uint8)), pixels) / 255
    height, width = matte.shape
    inside = (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1) & (points[:, 2] > 0.05)
    cosine = -(normals * normalized(points)).sum(axis=1)
    column = np.floor(pixels[:, 0].clip(0, width - 1)).astype(int)
    row = np.floor(pixels[:, 1].clip(0, height - 1)).astype(int)
    before = view.inverse_depth[row, column]
    hidden = (before > 0) & (1 / np.maximum(before, 1e-6) < points[:, 2] - _NEAR_M)
    cosine = np.where(torso, 0.8, np.where(shell, np.maximum(cosine, 0.3), cosine))
    weight = np.maximum(cosine - 0.05, 0) ** _SHARPNESS * inside * ~hidden
    return color, weight * (core > _MATTE) * core, pixels


def posed_splats(surface: Surface, splats: Splats, view: View) -> tuple[Array, Array]:
    """Positions and normals [N, 3] of the Gaussians in one picture, camera frame."""
    corners = surface.head.faces[splats.faces]
    triangles = np.where(splats.rigid[:, None, None], view.skull[corners], view.posed[corners])
    x = normalized(triangles[:, 1] - triangles[:, 0])
    z = normalized(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]))
    y = np.cross(z, x)
    local = splats.local_means
    origins = (triangles * splats.barycentrics[..., None]).sum(axis=1)
    return origins + local[:, :1] * x + local[:, 1:2] * y + local[:, 2:] * z, z


def _weighted(colors: Array, weights: Array) -> Array:
    return np.einsum("pn,pnc->nc", weights, colors) / weights.sum(axis=0)[:, None].clip(1e-9)


def _resting(surface: Surface, splats: Splats) -> tuple[Array, Array]:
    return posed_splats(surface, splats, View(0, surface.vertices, surface.vertices, np.zeros((1, 1))))


def _fill(surface: Surface, splats: Splats, colors: Array, trust: Array, torso: Mask, shell: Mask) -> Array:
    """Gives what was not seen the color of its mirror image, or of its surroundings."""
    points, normals = _resting(surface, splats)
    known = trust > _ENOUGH
    result = colors.copy()
    regions = surface.regions
    hairy = regions.hair[surface.head.faces[splats.faces]].mean(axis=1)
    marks = landmarks_on(surface.head, surface.vertices)
    top, temple = marks[FOREHEAD, 1] + 0.025, marks[LEFT_TEMPLE, 1] + 0.03
    ears = regions.ears[surface.head.faces[splats.faces]].mean(axis=1) > 0.5
    hair = (hairy > 0.4) & ~torso & ~shell & ~ears
    crown = hair & (hairy > 0.8) & (points[:, 1] > np.where(points[:, 2] < marks[LEFT_TEMPLE, 2], temple, top))
    body = torso | (surface.face_parts[splats.faces] == Part.TORSO)
    for group, like in ((body, body), (hair & ~body, crown), (~body & ~hair, ~body & ~hair & ~shell)):
        sources = np.flatnonzero(like & (trust > 0.5 * _PLENTY))
        missing = np.flatnonzero(group & (trust < _PLENTY))
        if not len(missing):
            continue
        if not len(sources):
            hidden = missing[trust[missing] <= _ENOUGH]
            result[hidden] = np.median(colors[known], axis=0) if known.any() else 0.5
            continue
        bend = np.array([-1.0, 1.0, 1.0])
        features = np.concatenate([points, _NORMAL_WEIGHT * normals], axis=1)
        mirrored = np.concatenate([points * bend, _NORMAL_WEIGHT * normals * bend], axis=1)
        partner, apart = nearest(features[sources], mirrored[missing], 4)
        guess = _blend(colors[sources[partner]], apart)
        far = apart[:, 0] > 0.012
        around, apart = nearest(features[sources], features[missing[far]], 12)
        guess[far] = _blend(colors[sources[around]], apart)
        plain = np.median(colors[sources], axis=0)
        if like is crown:
            guess[far] += _PLAIN_HAIR * (plain - guess[far])
        if like is body:
            guess[far] += smoothstep(*_CLOTHES_M, apart[:, :1]) * (plain - guess[far])
        share = smoothstep(_ENOUGH, _PLENTY, trust[missing])[:, None]
        result[missing] = guess + share * (colors[missing] - guess)
    return result


def _blend(colors: Array, apart: Array) -> Array:
    """[n, 3] mean of [n, k, 3], nearer ones counting more."""
    weights = 1 / (apart + 0.003) ** 2
    return (colors * weights[..., None]).sum(axis=1) / weights.sum(axis=1, keepdims=True)


def _plain_inside(surface: Surface, splats: Splats, colors: Array, trust: Array) -> Array:
    """Gives mouth, teeth and tongue, as far as they were hardly seen, the colors that people have there."""
    head = surface.head
    parts = surface.face_parts[splats.faces]
    mouth = surface.regions.mouth[head.faces[splats.faces]].mean(axis=1) > 0.5
    skin = colors[(parts == Part.SKIN) & (trust > _PLENTY)]
    light = float(np.clip(np.median(skin) / _SKIN, 0.4, 1.2)) if len(skin) else 1.0
    result = colors.copy()
    teeth = (parts == Part.UPPER_TEETH) | (parts == Part.LOWER_TEETH)
    for where, color in ((mouth, DARK_MOUTH), (teeth, TOOTH), (parts == Part.TONGUE, TONGUE)):
        share = 0.9 * smoothstep(0.0, _PLENTY, trust[where])[:, None]
        result[where] = light * np.array(color) + share * (colors[where] - light * np.array(color))
    return result


def _sharpen(surface: Surface, splats: Splats, colors: Array, torso: Mask, shell: Mask) -> Array:
    """Undoes the blur of overlapping Gaussians (Van Cittert's iteration on nearest neighbors)."""
    points, normals = _resting(surface, splats)
    spacing = splats.scales[:, 0] / IN_PLANE
    features = np.concatenate([points, 0.004 * normals * ~torso[:, None]], axis=1)
    rows = np.flatnonzero(~shell)
    neighbors, apart = nearest(features[rows], features[rows], 9)
    weights = np.exp(-0.5 * (apart / (IN_PLANE * spacing[rows][neighbors])) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    sharp = colors[rows]
    for _ in range(_SHARPEN_ROUNDS):
        sharp = sharp + _SHARPEN * (colors[rows] - (sharp[neighbors] * weights[..., None]).sum(axis=1))
    result = colors.copy()
    result[rows] = sharp
    return result
