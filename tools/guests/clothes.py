"""Clothes: a layer over the torso with a neckline, a band or a collar, that fades out where the bust ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Mask, Spots, bump, normalized, smoothstep
from tools.guests.light import hex_color, shade
from tools.guests.sampling import nearest_neighbours, spread_spots
from tools.guests.splats import Splats, axes_from_normal

MM = 1e-3
NECK_Z = -0.085
"""Depth of the neck's axis."""

HEM_STEP = 22 * MM
HEM_STEPS = 3
BAND_ROWS = {
    "crew": (0.5, 2.6, 4.8, 7.0, 9.2),
    "v": (0.5, 2.6, 4.8, 7.0),
    "high": (0.5, 3.0, 5.5, 8.0, 10.5, 13.0, 15.5, 18.0),
}
"""Rows of the neckline's band, mm inside the edge."""


@dataclass(frozen=True)
class ClothesSpec:
    """A top.

    Args:
        color: cloth, sRGB.
        neckline: `crew`, `v` or `high`.
        trim: color of the band at the neckline.
        collar: color of a shirt collar, or None.
    """

    color: str
    trim: str
    neckline: str = "crew"
    collar: str | None = None
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


def hidden_by_clothes(spec: ClothesSpec, place: Array) -> Mask:
    """[n] bool: skin that no view shows."""
    return below_neckline(spec, place) > 0.010


def paint_clothes(canvas: Canvas, openness: Array, spec: ClothesSpec, seed: int) -> list[Splats]:
    """The cloth, its band or its collar."""
    skin = canvas.face_parts == Part.SKIN
    centers = canvas.template[canvas.faces].mean(axis=1)
    torso = skin & (below_neckline(spec, centers) > -0.02)
    band_width = 0.0 if spec.collar else BAND_ROWS[spec.neckline][-1] * MM + 1.5 * MM

    def spacing(spots: Spots) -> Array:
        inside = below_neckline(spec, canvas.interpolate(canvas.template, spots))
        return np.clip(4.6 + 0.12 * np.abs(inside) / MM, 4.6, 11.0) * MM

    spots, gaps = spread_spots(canvas.template, canvas.faces, np.flatnonzero(torso), spacing, seed)
    place = canvas.interpolate(canvas.template, spots)
    inside = below_neckline(spec, place)
    keep = inside > 0.65 * band_width
    spots, gaps, place = spots.take(keep), gaps[keep], place[keep]
    means, normals = canvas.points(spots)
    means = means + spec.thickness_mm * MM * normals
    tone = np.broadcast_to(hex_color(spec.color), means.shape)
    open_sky = 0.35 + 0.65 * canvas.interpolate(openness, spots)
    lit = shade(tone, normals, open_sky, 0.0, 0.1)
    sigmas = np.stack([0.86 * gaps, 0.86 * gaps, 0.15 * gaps], axis=1)
    alpha = np.full(len(spots), 0.985)
    groups = [Splats("clothes", spots, means, axes_from_normal(normals), sigmas, lit, alpha)]
    groups += _hem(canvas, groups[0], place)
    if spec.collar:
        groups.append(_collar(canvas, spec, torso))
    else:
        groups += _band(canvas, openness, spec, torso)
    return groups


def _hem(canvas: Canvas, cloth: Splats, place: Array) -> list[Splats]:
    """Continues the cloth below the end of the bust, fading: nobody ends in a cut."""
    bottom = canvas.template[:, 1].min()
    low = place[:, 1] < bottom + HEM_STEP
    groups = []
    for step in range(1, HEM_STEPS + 1):
        means = cloth.means[low] - np.array([0.0, step * HEM_STEP, 0.0])
        fade = 1 - smoothstep(0.3, 1.0, (step - (place[low, 1] - bottom) / HEM_STEP) / HEM_STEPS)
        alpha = 0.985 * fade + 0.006
        groups.append(
            Splats(
                "clothes", cloth.spots.take(low), means, cloth.axes[low], cloth.sigmas[low], cloth.colors[low], alpha
            )
        )
    return groups


def _ring(
    canvas: Canvas, spec: ClothesSpec, level: float, torso: Mask, turns: Array, blur: float
) -> tuple[Array, Array]:
    """The neckline `level` metres inside its edge at angles around the neck: points and skin normals, smoothed."""
    spots = canvas.isoline(below_neckline(spec, canvas.template) - level, torso, 1.5 * MM)
    edge, normals = canvas.points(spots)
    angle = np.arctan2(edge[:, 0], edge[:, 2] - NECK_Z)
    weights = np.exp(-0.5 * (np.angle(np.exp(1j * (turns[:, None] - angle))) / blur) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ edge, normalized(weights @ normals)


def _band(canvas: Canvas, openness: Array, spec: ClothesSpec, torso: Mask) -> list[Splats]:
    """The band along the neckline: rows of Gaussians that follow its edge."""
    turns = np.linspace(-np.pi, np.pi, 150, endpoint=False)
    rows = BAND_ROWS[spec.neckline]
    groups = []
    for number, level in enumerate(rows):
        ring, normals = _ring(canvas, spec, level * MM, torso, turns, 0.03 if spec.neckline == "v" else 0.06)
        share = number / (len(rows) - 1)
        roll = np.sin(np.pi * (0.12 + 0.88 * share))
        means = ring + ((spec.thickness_mm - 2.0 + 4.2 * roll) * MM) * normals
        along = np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0)
        tilt = normalized(normals + np.array([0.0, 0.8 * np.cos(np.pi * (0.1 + 0.8 * share)), 0.0]))
        spots = canvas.nearest_spots(means, torso)
        sky = 0.35 + 0.65 * canvas.interpolate(openness, spots)
        tone = hex_color(spec.trim) * (0.84 if number == len(rows) - 1 else 1.0)
        lit = shade(np.broadcast_to(tone, means.shape), tilt, sky, 0.0, 0.1)
        length = 0.5 * np.linalg.norm(along, axis=1)
        sigmas = np.stack([0.85 * length, 0 * length + 1.55 * MM, 0 * length + 0.9 * MM], axis=1)
        axes = axes_from_normal(normals, along)
        groups.append(Splats("clothes", spots, means, axes, sigmas, lit, np.full(len(spots), 0.985)))
    return groups


def _collar(canvas: Canvas, spec: ClothesSpec, torso: Mask) -> Splats:
    """A shirt collar: a fold around the neck with two points in front."""
    turns = np.linspace(-np.pi, np.pi, 130, endpoint=False)
    ring, _ = _ring(canvas, spec, 2 * MM, torso, turns, 0.10)
    outward = normalized(np.stack([np.sin(turns), 0 * turns, np.cos(turns)], axis=1))
    front = np.abs(turns)
    gap = smoothstep(0.05, 0.16, front)  # open under the chin
    reach = (15 + 22 * bump(0.38, 0.17, front)) * MM
    rows = np.linspace(0, 1, 11)
    points, facing, colors = [], [], []
    for row in rows:
        out = (5.5 + 9.0 * np.sin(0.5 * np.pi * row)) * MM
        up = 15 * MM * (1 - row) * (0.55 + 0.45 * smoothstep(0.1, 1.4, front)) - reach * row
        points.append(ring + out * outward + up[:, None] * np.array([0, 1.0, 0]))
        facing.append(normalized(outward + 0.55 * np.array([0, 1.0, 0]) * (1 - 0.4 * row)))
        shadow = 1 - 0.14 * smoothstep(0.86, 1.0, np.full(len(turns), row)) - 0.10 * (1 - gap)
        colors.append(np.broadcast_to(hex_color(str(spec.collar)), ring.shape) * shadow[:, None])
    keep = np.tile(gap > 0.5, len(rows))
    means, normals, tone = (np.concatenate(part)[keep] for part in (points, facing, colors))
    gaps = nearest_neighbours(means, means, 4)[1][:, 1:].max(axis=1)
    sigmas = np.stack([0.8 * gaps, 0.8 * gaps, 0.2 * gaps], axis=1)
    lit = shade(np.clip(tone, 0, 1), normals, np.full(len(tone), 0.92), 0.0, 0.1)
    bound = canvas.nearest_spots(means, torso)
    return Splats("clothes", bound, means, axes_from_normal(normals), sigmas, lit, np.full(len(means), 0.98))
