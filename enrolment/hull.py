"""Skull and hair from the outlines of a turning head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.placement_surface import Surface, nearest, normalized, smoothstep
from enrolment.placement_views import project
from enrolment.take import Take
from renderer.head.pose import FLIP, rotation_matrix

Array = NDArray[np.float64]

STEPS_M = np.arange(-0.021, 0.0541, 0.003)
"""Places along the outward direction at which the mattes are asked."""
HIGHEST_M = 0.045
_INSIDE = 110
"""Matte from which on a pixel is the person."""
_RIM = 0.30
"""Cosine between outward direction and view up to which a point lies on the outline."""
_QUANTILE = 0.3
"""Of the heights that the pictures tell: a person is inside (nearly) all of their outlines."""
_MIRRORED = 0.3
"""How much the other side's outline counts."""
_PASSES, _ROUNDS = 2, 400
_STIFFNESS, _SHRINK = 2.0, 0.002


def fit_hull(take: Take, surface: Surface, poses: list[tuple[int, FaceParams]]) -> Array:
    """[V, 3] shape offsets: those of `surface`, with scalp and hair moved to the outline of the mattes.

    Only points that lie on the outline of a picture tell a height; between them it is smooth. A matte that runs out
    of the picture or on into the shoulders tells nothing.

    Args:
        take: the person.
        surface: with the shape of the face.
        poses: pictures, and how the head stands there.
    """
    regions, head = surface.regions, surface.head
    rows = np.flatnonzero(regions.hair > 0)
    outward = _outward(surface)[rows]
    start = surface.vertices[rows]
    height = np.zeros(len(rows))
    template = head.v_template[rows].astype(np.float64)
    mirror = nearest(template, template * [-1, 1, 1], 1)[0][:, 0]
    for _ in range(_PASSES):
        told, weight = _told_heights(take, poses, start, outward, height)
        told = (weight * told + _MIRRORED * (weight * told)[mirror]) / (weight + _MIRRORED * weight[mirror]).clip(1e-9)
        weight = weight + _MIRRORED * weight[mirror]
        height = _smooth(len(head.v_template), rows, regions.edges, told, weight, regions.hair[rows])
    moved = surface.shape_offsets.copy()
    moved[rows] += (height * smoothstep(0, 0.5, regions.hair[rows]))[:, None] * outward
    return moved


def _outward(surface: Surface) -> Array:
    """[V, 3] directions away from an axis inside the skull, so that neighbors never cross."""
    points = surface.vertices
    scalp = points[surface.regions.hair > 0.5]
    center = np.array([0.0, np.quantile(scalp[:, 1], 0.55), 0.5 * (scalp[:, 2].min() + scalp[:, 2].max())])
    axis = np.tile(center, (len(points), 1))
    axis[:, 1] = np.minimum(points[:, 1], center[1])
    return normalized(points - axis)


def _told_heights(
    take: Take, poses: list[tuple[int, FaceParams]], start: Array, outward: Array, height: Array
) -> tuple[Array, Array]:
    """What the pictures say of each of n points: height [n] metres and trust [n]."""
    heights, trusts = [], []
    for picture, params in poses:
        matte = take.alphas[picture]
        turn = FLIP @ rotation_matrix(params.global_rotation)
        feet = start @ turn.T + params.translation
        direction = outward @ turn.T
        here = feet + height[:, None] * direction
        slant = (direction * normalized(here)).sum(axis=1)
        trust = np.exp(-0.5 * (slant / (0.5 * _RIM)) ** 2) * (np.abs(slant) < _RIM)
        pixels = np.floor(project(feet + STEPS_M[:, None, None] * direction, take.K)).astype(np.int64)
        shown = np.asarray(((pixels >= take.inner[:2]) & (pixels < take.inner[2:])).all(axis=2))
        column, row = pixels[..., 0].clip(0, matte.shape[1] - 1), pixels[..., 1].clip(0, matte.shape[0] - 1)
        inside = np.logical_and(matte[row, column] > _INSIDE, shown)
        crossing = np.argmin(inside, axis=0)  # first place outside; 0 also if there is none
        each = np.arange(len(start))
        known = ~inside.all(axis=0) & shown[crossing, each]
        heights.append(STEPS_M[np.maximum(crossing - 1, 0)] + 0.0015 * (crossing > 0))
        trusts.append(trust * known)
    return _weighted_quantile(np.array(heights), np.array(trusts), _QUANTILE), np.array(trusts).sum(axis=0)


def _weighted_quantile(values: Array, weights: Array, quantile: float) -> Array:
    order = np.argsort(values, axis=0)
    cumulative = np.cumsum(np.take_along_axis(weights, order, 0), axis=0)
    index = (cumulative >= quantile * cumulative[-1]).argmax(axis=0)
    return np.take_along_axis(np.take_along_axis(values, order, 0), index[None], 0)[0]


def _smooth(
    count: int, rows: NDArray[np.intp], edges: NDArray[np.int64], told: Array, weight: Array, hair: Array
) -> Array:
    """[n] heights of the points `rows` that follow what is told, smoothly, and end at 0 where hair does."""
    place = np.full(count, len(rows))
    place[rows] = np.arange(len(rows))
    pairs = place[edges]
    pairs = pairs[(pairs < len(rows)).any(axis=1)]
    degree = np.bincount(pairs.ravel(), minlength=len(rows) + 1)[:-1]
    trust = np.minimum(weight, 3.0)
    hold = 8.0 * (1 - hair)
    told = told.clip(STEPS_M[0], HIGHEST_M)
    height = np.zeros(len(rows) + 1)
    for _ in range(_ROUNDS):
        sums = np.bincount(pairs[:, 0], height[pairs[:, 1]], len(rows) + 1)
        sums += np.bincount(pairs[:, 1], height[pairs[:, 0]], len(rows) + 1)
        height[:-1] = (trust * told + _STIFFNESS * sums[:-1]) / (
            trust + _STIFFNESS * degree + hold + _SHRINK
        ).clip(1e-9)  # fmt: skip
    return height[:-1]
