"""Clothes: a layer over the torso with a neckline, a band or a collar, that fades out where the bust ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Spots, bump, normalized, smoothstep
from tools.guests.light import hex_color, shade
from tools.guests.sampling import nearest_neighbours, relax, spread_spots
from tools.guests.splats import Splats, axes_from_normal

MM = 1e-3
NECK_Z = -0.085
"""Depth of the neck's axis."""


@dataclass(frozen=True)
class ClothesSpec:
    """A top.

    Args:
        color: cloth, sRGB.
        neckline: `crew`, `v` or `high`.
        trim: color of the band at the neckline.
        collar: color of a shirt collar, or None.
        knit: depth of a knitted rib pattern 0..1.
    """

    color: str
    trim: str
    neckline: str = "crew"
    collar: str | None = None
    knit: float = 0.0
    thickness_mm: float = 5.0


def below_neckline(spec: ClothesSpec, place: Array) -> Array:
    """[n] metres inside (+) the cloth, at template points."""
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    front = smoothstep(NECK_Z - 0.03, NECK_Z + 0.045, z)
    height = {"crew": -0.152, "v": -0.150, "high": -0.128}[spec.neckline]
    edge = height + 0.016 * (1 - front) - 0.022 * front * (spec.neckline != "high")
    if spec.neckline == "v":
        edge = edge - 0.055 * front * np.clip(1 - x / 0.055, 0, 1)
    return edge - y


def hidden_by_clothes(spec: ClothesSpec, place: Array) -> Array:
    """[n] bool: skin that no view shows."""
    return below_neckline(spec, place) > 0.010


def paint_clothes(canvas: Canvas, openness: Array, spec: ClothesSpec, seed: int) -> list[Splats]:
    """The cloth, its band or its collar."""
    allowed = np.flatnonzero(canvas.face_parts == Part.SKIN)
    centers = canvas.template[canvas.faces[allowed]].mean(axis=1)
    allowed = allowed[below_neckline(spec, centers) > -0.012]

    def spacing(spots: Spots) -> Array:
        inside = below_neckline(spec, canvas.interpolate(canvas.template, spots))
        return np.clip(3.0 + 0.2 * np.abs(inside) / MM, 3.0, 10.5) * MM

    spots, gaps = spread_spots(canvas.template, canvas.faces, allowed, spacing, seed)
    place = canvas.interpolate(canvas.template, spots)
    inside = below_neckline(spec, place)
    keep = inside > 0
    spots, gaps, place, inside = spots.take(keep), gaps[keep], place[keep], inside[keep]
    means, normals = canvas.points(spots)
    band = smoothstep(9.5 * MM, 7.5 * MM, inside)
    puff = spec.thickness_mm + 1.6 * band - 1.2 * bump(0, 1.2 * MM, inside)
    means = means + (puff * MM)[:, None] * normals
    color = np.broadcast_to(hex_color(spec.color), means.shape)
    color = color + band[:, None] * (hex_color(spec.trim) - color)
    folds = 0.05 * np.sin(38 * means[:, 0] + 60 * means[:, 1] + 2.5 * np.sin(55 * means[:, 1]))
    if spec.knit:
        angle = np.arctan2(place[:, 0], place[:, 2] - NECK_Z)
        folds = folds + 0.10 * spec.knit * np.sin(90 * angle)
    groove = 0.22 * bump(8.6 * MM, 1.0 * MM, inside)
    tone = color * (1 + folds * (1 - band) - groove)[:, None]
    open_sky = 0.25 + 0.75 * canvas.interpolate(openness, spots)
    lit = relax(means, normals, gaps, shade(np.clip(tone, 0, 1), normals, open_sky, 0.0, 0.1), 0.4)
    sigmas = np.stack([0.72 * gaps, 0.72 * gaps, 0.18 * gaps], axis=1)
    bottom = canvas.template[:, 1].min()
    fade = smoothstep(bottom + 0.002, bottom + 0.030, place[:, 1])
    groups = [Splats("clothes", spots, means, axes_from_normal(normals), sigmas, lit, 0.985 * fade + 0.006)]
    if spec.collar:
        groups.append(_collar(canvas, spots, means, normals, inside, spec.collar, allowed))
    return groups


def _collar(
    canvas: Canvas, spots: Spots, means: Array, normals: Array, inside: Array, color: str, allowed: Array
) -> Splats:
    """A shirt collar: a fold around the neck with two points in front."""
    edge = inside < 6 * MM
    angle = np.arctan2(means[edge, 0], means[edge, 2] - NECK_Z)
    turns = np.linspace(-np.pi, np.pi, 130, endpoint=False)
    weights = np.exp(-0.5 * ((np.angle(np.exp(1j * (turns[:, None] - angle)))) / 0.10) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    ring = weights @ means[edge]
    outward = normalized(np.stack([np.sin(turns), 0 * turns, np.cos(turns)], axis=1))
    front = np.abs(turns)
    gap = smoothstep(0.05, 0.16, front)  # open under the chin
    reach = (15 + 22 * bump(0.38, 0.17, front)) * MM
    rows = np.linspace(0, 1, 11)
    points, facing, colors = [], [], []
    for row in rows:
        out = (1.5 + 9.0 * np.sin(0.5 * np.pi * row)) * MM
        up = 15 * MM * (1 - row) ** 1.0 * (0.55 + 0.45 * smoothstep(0.1, 1.4, front)) - reach * row
        points.append(ring + out * outward + up[:, None] * np.array([0, 1.0, 0]))
        facing.append(normalized(outward + 0.55 * np.array([0, 1.0, 0]) * (1 - 0.4 * row)))
        shadow = 1 - 0.12 * smoothstep(0.86, 1.0, np.full(len(turns), row)) - 0.10 * (1 - gap)
        colors.append(np.broadcast_to(hex_color(color), ring.shape) * shadow[:, None])
    means_all, normals_all = np.concatenate(points), np.concatenate(facing)
    keep = np.tile(gap > 0.5, len(rows))
    means_all, normals_all, tone = means_all[keep], normals_all[keep], np.concatenate(colors)[keep]
    gaps = nearest_neighbours(means_all, means_all, 4)[1][:, 1:].max(axis=1)
    sigmas = np.stack([0.8 * gaps, 0.8 * gaps, 0.2 * gaps], axis=1)
    lit = shade(np.clip(tone, 0, 1), normals_all, np.full(len(tone), 0.92), 0.0, 0.1)
    mask = np.zeros(len(canvas.faces), bool)
    mask[allowed] = True
    bound = canvas.nearest_spots(means_all, mask)
    axes = axes_from_normal(normals_all)
    return Splats("clothes", bound, means_all, axes, sigmas, lit, np.full(len(means_all), 0.98))
