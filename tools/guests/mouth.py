"""Teeth, gums and tongue; the dark of the mouth is part of the skin."""

from __future__ import annotations

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Spots, bump, smoothstep
from tools.guests.light import hex_color, shade
from tools.guests.sampling import relax, spread_spots
from tools.guests.splats import Splats, axes_from_normal

MM = 1e-3
TOOTH_EDGES = np.array([0.0, 8.4, 15.0, 22.0, 28.5, 35.0, 44.0]) * MM
"""Borders between teeth along the arch, from the middle."""


def paint_mouth(canvas: Canvas, openness: Array, seed: int) -> list[Splats]:
    """Upper and lower teeth with their gums, and the tongue."""
    groups = []
    for part, spacing in ((Part.UPPER_TEETH, 1.7 * MM), (Part.LOWER_TEETH, 1.7 * MM), (Part.TONGUE, 3.4 * MM)):
        allowed = np.flatnonzero(canvas.face_parts == part)
        spots, gaps = spread_spots(
            canvas.template, canvas.faces, allowed, lambda s, d=spacing: np.full(len(s), d), seed + int(part)
        )
        means, normals = canvas.points(spots)
        visible = (
            (normals[:, 2] > 0.0) & (means[:, 2] > means[:, 2].max() - 0.026)
            if part != Part.TONGUE
            else normals[:, 1] > -0.5
        )
        spots, gaps, means, normals = spots.take(visible), gaps[visible], means[visible], normals[visible]
        color = _tongue_color(canvas, spots) if part == Part.TONGUE else _tooth_color(canvas, spots, part)
        depth = smoothstep(-0.045, 0.012, means[:, 2] - canvas.vertices[canvas.face_vertices(part), 2].max() + 0.014)
        dim = 0.35 + 0.65 * depth
        if part == Part.TONGUE:
            dim = 0.25 + 0.75 * smoothstep(-0.030, -0.004, means[:, 2] - means[:, 2].max())
        lit = shade(color, normals, 0.35 + 0.6 * depth, 0.5, scatter=0.5) * dim[:, None]
        lit = relax(means, normals, gaps, lit, 0.5)
        sigmas = np.stack([0.68 * gaps, 0.68 * gaps, 0.15 * gaps], axis=1)
        groups.append(Splats("mouth", spots, means, axes_from_normal(normals), sigmas, lit, np.full(len(spots), 0.98)))
    return groups


def _tooth_color(canvas: Canvas, spots: Spots, part: Part) -> Array:
    place = canvas.interpolate(canvas.template, spots)
    rows = canvas.template[canvas.head.parts == part]
    low, high = rows[:, 1].min(), rows[:, 1].max()
    height = (place[:, 1] - low) / (high - low)
    if part == Part.LOWER_TEETH:
        height = 1 - height
    front = rows[:, 2].max()
    along = np.hypot(place[:, 0], 0.8 * np.maximum(front - place[:, 2] - 0.002, 0))
    border = np.min(np.abs(along[:, None] - TOOTH_EDGES[1:]), axis=1)
    border = np.minimum(border, np.abs(place[:, 0]))
    ivory = hex_color("#f6f0e4")
    color = np.broadcast_to(ivory, (len(spots), 3)) * (1 - 0.16 * bump(0.0, 0.45 * MM, border))[:, None]
    gum = smoothstep(0.62, 0.75, height + 0.05 * bump(0.0, 1.2 * MM, border))[:, None]
    return color + gum * (hex_color("#c0646a") - color)


def _tongue_color(canvas: Canvas, spots: Spots) -> Array:
    x = np.abs(canvas.interpolate(canvas.template, spots)[:, 0])
    return hex_color("#c8656b") * (1 - 0.2 * bump(0.0, 1.5 * MM, x))[:, None]
