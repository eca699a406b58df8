"""Brows and beards: short hairs that grow out of the skin and move with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Mask, Spots, normalized, smoothstep
from tools.guests.light import hex_color, shade
from tools.guests.sampling import spread_spots
from tools.guests.skin import beard_mask
from tools.guests.splats import Splats, axes_from_normal, axes_from_tangent

MM = 1e-3


@dataclass(frozen=True)
class BrowSpec:
    """A brow: color, thickness and lengths in mm, arch (mm at the peak), density 0..1."""

    color: str
    thickness: float = 6.5
    arch: float = 2.0
    lift: float = 0.0
    tilt: float = 0.0
    density: float = 1.0
    inner: float = 12.5
    outer: float = 51.0
    hair_length: float = 6.0


@dataclass(frozen=True)
class BeardSpec:
    """A beard: color; length, spacing and thickness (standard deviation) of its hairs in mm; their opacity."""

    color: str
    length: float = 5.0
    spacing: float = 2.9
    width: float = 0.72
    opacity: float = 0.9


def _surface_faces(canvas: Canvas) -> Mask:
    return (canvas.face_parts == Part.SKIN) & (canvas.lip_rings[canvas.faces].max(axis=1) < 6)


def paint_brows(canvas: Canvas, openness: Array, spec: BrowSpec, seed: int) -> list[Splats]:
    """Both brows: a soft base below single hairs."""
    rng = np.random.default_rng(seed)
    count = int(190 * spec.density)
    t = (np.arange(count) + rng.uniform(0, 1, count)) / count
    across = rng.uniform(-1, 1, count)
    center, slope = _center_line(spec, t)
    half = 0.5 * spec.thickness * MM * _taper(t)
    root = center + np.stack([0 * t, across * half], axis=1)
    angle = np.arctan(slope) + np.interp(t, [0, 0.2, 0.5, 1], [1.0, 0.6, 0.3, 0.05]) - 0.28 * across * (t > 0.12)
    angle = angle + rng.normal(0, 0.07, count)
    heading = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    length = spec.hair_length * MM * rng.uniform(0.75, 1.1, count) * (0.65 + 0.35 * smoothstep(0, 0.25, t))
    length = length * (1 - 0.35 * smoothstep(0.75, 1.0, t))
    base_t = (np.arange(46) + 0.5) / 46
    base_center, base_slope = _center_line(spec, base_t)
    groups = []
    for side in (1.0, -1.0):
        mirror = np.array([side, 1.0])
        allowed = _surface_faces(canvas)
        spots = canvas.front_spots(base_center * mirror, allowed)
        means, normals = canvas.points(spots)
        along = np.stack([side + 0 * base_slope, base_slope, 0 * base_slope], axis=1)
        width = 0.30 * spec.thickness * _taper(base_t)
        sigmas = np.stack([1.4 + 0 * width, width, 0.12 + 0 * width], axis=1) * MM
        alpha = 0.55 * spec.density * smoothstep(-0.05, 0.35, base_t)
        tone = shade(np.broadcast_to(hex_color(spec.color), means.shape), normals, 0.9 + 0 * width, 0.0, 0.3)
        groups.append(
            Splats("brows", spots, means + 0.25 * MM * normals, axes_from_normal(normals, along), sigmas, tone, alpha)
        )
        spots = canvas.front_spots((root + 0.45 * heading * length[:, None]) * mirror, allowed)
        means, normals = canvas.points(spots)
        along = np.stack([side * heading[:, 0], heading[:, 1], 0 * t], axis=1)
        axes = axes_from_normal(normals, along)
        means = means + (0.5 * MM + rng.uniform(0, 0.35, count)[:, None] * MM) * normals
        sigmas = np.stack([0.33 * length, 0 * t + 0.36 * MM, 0 * t + 0.2 * MM], axis=1)
        tone = hex_color(spec.color) * rng.uniform(0.82, 1.18, count)[:, None]
        lit = shade(np.clip(tone, 0, 1), normals, canvas.interpolate(openness, spots) ** 0.5, 0.2, 0.3)
        groups.append(Splats("brows", spots, means, axes, sigmas, lit, 0.55 + 0.33 * smoothstep(0.0, 0.2, t)))
    return groups


def _center_line(spec: BrowSpec, t: Array) -> tuple[Array, Array]:
    """[n, 2] center of the left brow in the template's frontal view, and its slope."""
    x = (spec.inner + (spec.outer - spec.inner) * t) * MM

    def height(u: Array) -> Array:
        arch = spec.arch * (1 - ((u - 0.62) / 0.62) ** 2)
        return (15.2 + spec.lift + (2.6 + spec.tilt) * u + arch - 4.0 * smoothstep(0.62, 1.05, u)) * MM

    step = 1e-3
    slope = (height(t + step) - height(t - step)) / (2 * step * (spec.outer - spec.inner) * MM)
    return np.stack([x, height(t)], axis=1), slope


def _taper(t: Array) -> Array:
    """Thickness along a brow: full near the nose, thin at the temple."""
    return (0.4 + 0.6 * smoothstep(0.0, 0.3, t)) * (1 - 0.72 * smoothstep(0.5, 1.0, t))


def paint_beard(canvas: Canvas, openness: Array, spec: BeardSpec, seed: int) -> Splats:
    """Hairs that grow down and outwards wherever the beard mask says."""
    rng = np.random.default_rng(seed)
    centers = Spots(np.arange(len(canvas.faces)), np.full((len(canvas.faces), 3), 1 / 3))
    allowed = np.flatnonzero(_surface_faces(canvas) & (beard_mask(canvas, centers) > 0.02))
    spots, _ = spread_spots(canvas.template, canvas.faces, allowed, lambda s: np.full(len(s), spec.spacing * MM), seed)
    mask = beard_mask(canvas, spots)
    keep = mask > 0.12 + 0.5 * rng.random(len(spots))
    spots, mask = spots.take(keep), mask[keep]
    place = canvas.interpolate(canvas.template, spots)
    means, normals = canvas.points(spots)
    down = np.stack(
        [0.35 * np.sign(place[:, 0]) * smoothstep(0, 0.03, np.abs(place[:, 0])), -1 + 0 * mask, 0.1 + 0 * mask], 1
    )
    down = down + rng.normal(0, 0.16, down.shape)
    tangent = normalized(down - 0.8 * (down * normals).sum(axis=1, keepdims=True) * normals + 0.35 * normals)
    length = spec.length * MM * rng.uniform(0.7, 1.15, len(spots)) * (0.45 + 0.55 * mask)
    means = means + tangent * (0.42 * length)[:, None] + 0.3 * MM * normals
    sigmas = np.stack([0.36 * length, 0 * length + spec.width * MM, 0 * length + 0.7 * spec.width * MM], axis=1)
    tone = np.clip(hex_color(spec.color) * rng.uniform(0.75, 1.25, len(spots))[:, None], 0, 1)
    lit = shade(tone, normalized(normals + 0.3 * tangent), canvas.interpolate(openness, spots), 0.3, 0.3)
    return Splats(
        "beard", spots, means, axes_from_tangent(tangent, normals), sigmas, lit, spec.opacity * (0.4 + 0.6 * mask)
    )
