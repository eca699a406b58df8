"""Eyes: eyeballs that turn with the gaze, lash lines and the lids' shadow that move with the lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Index, Mask, bump, normalized, smoothstep
from tools.guests.light import hex_color
from tools.guests.sampling import relax
from tools.guests.splats import Splats, axes_from_normal, axes_from_tangent

MM = 1e-3
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class EyeSpec:
    """Colors of iris and lashes (sRGB) and the length of the lashes in mm; sizes are of the iris, in mm."""

    iris: str
    iris_inner: str
    lashes: str = "#1d1512"
    lash_length: float = 3.0
    line_width: float = 0.42
    lower_line: float = 0.35
    iris_radius: float = 6.9


def _cap(spacing: float, radius: float, half_angle: float, inner_angle: float = 0.0) -> Array:
    """[n, 3] directions around +z between two angles, evenly spread (Fibonacci spiral)."""
    area = 2 * np.pi * radius**2
    count = int(area / (0.87 * spacing**2))
    height = 1 - (np.arange(count) + 0.5) / count
    angle = np.arange(count) * GOLDEN_ANGLE
    ring = np.sqrt(1 - height**2)
    directions = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    return directions[(height > np.cos(half_angle)) & (height <= np.cos(inner_angle))]


def paint_eyeballs(canvas: Canvas, spec: EyeSpec) -> list[Splats]:
    """Sclera, iris, pupil and highlights of both eyes."""
    groups = []
    for side, part in enumerate((Part.LEFT_EYE, Part.RIGHT_EYE)):
        center, radius = canvas.eye_centers[side], canvas.eye_radius
        iris_angle = np.arcsin(spec.iris_radius * MM / radius)
        allowed = canvas.face_parts == part
        white_spacing, iris_spacing = 1.5 * MM, 0.8 * MM
        white = _cap(white_spacing, radius, np.radians(66), iris_angle - 0.02)
        iris = _cap(iris_spacing, radius, iris_angle)
        for directions, spacing, colors, lift in (
            (white, white_spacing, _white_color(white, side), -0.55 * MM),
            (iris, iris_spacing, _iris_color(iris, iris_angle, spec), -0.4 * MM),
        ):
            means = center + (radius + lift) * directions
            colors = relax(means, directions, np.full(len(means), spacing), colors, 0.6)
            sigma = np.full(len(means), 0.66 * spacing)
            sigmas = np.stack([sigma, sigma, 0.15 * sigma], axis=1)
            spots = canvas.nearest_spots(means, allowed)
            groups.append(Splats("eyes", spots, means, axes_from_normal(directions), sigmas, colors, 0 * sigma + 0.985))
        glints = normalized(np.array([[-0.145, 0.125, 1.0], [0.15, -0.17, 1.0]]))
        means = center + (radius + 0.05 * MM) * glints
        sigmas = np.array([[0.92, 0.92, 0.1], [0.6, 0.6, 0.1]]) * MM
        spots = canvas.nearest_spots(means, allowed)
        colors = np.array([[1.0, 1.0, 1.0], [0.9, 0.95, 1.0]])
        groups.append(Splats("eyes", spots, means, axes_from_normal(glints), sigmas, colors, np.array([0.97, 0.35])))
    return groups


def _white_color(directions: Array, side: int) -> Array:
    """Not quite white: shaded towards the lids, pink at the inner corner."""
    inward = directions[:, 0] * (-1 if side == 0 else 1)
    tone = (
        0.93 - 0.20 * smoothstep(0.1, 0.55, directions[:, 1]) - 0.12 * smoothstep(0.3, 0.85, np.abs(directions[:, 0]))
    )
    color = tone[:, None] * np.array([1.0, 0.985, 0.97])
    pink = smoothstep(0.55, 0.9, inward)[:, None]
    return color + pink * (np.array([0.80, 0.55, 0.52]) - color)


def _iris_color(directions: Array, half_angle: float, spec: EyeSpec) -> Array:
    """Pupil, inner glow, fibres, dark rim; lit from above, so bright below (light focused by the cornea)."""
    radius = np.arccos(np.clip(directions[:, 2], -1, 1)) / half_angle
    angle = np.arctan2(directions[:, 1], directions[:, 0])
    outer, inner = hex_color(spec.iris), hex_color(spec.iris_inner)
    fibre = 1 + 0.10 * np.sin(23 * angle + 2 * np.sin(5 * angle)) * smoothstep(0.4, 0.6, radius)
    color = outer + (inner - outer) * smoothstep(0.95, 0.42, radius)[:, None]
    glow = 0.72 + 0.55 * smoothstep(0.35, -0.9, directions[:, 1] / np.sin(half_angle))
    color = color * (fibre * glow)[:, None]
    color = color * (1 - 0.72 * smoothstep(0.80, 0.99, radius))[:, None]
    pupil = smoothstep(0.47, 0.37, radius)[:, None]
    return np.clip(color + pupil * (0.025 - color), 0, 1)


@dataclass(frozen=True, eq=False)
class LidLine:
    """A polyline along a lid's margin from the inner to the outer corner, resampled evenly: [n, 3] each; t in 0..1."""

    points: Array
    tangents: Array
    outward: Array
    t: Array


def lid_line(canvas: Canvas, side: int, upper: bool, count: int, ring: int = 0) -> LidLine:
    """The margin of one lid (side 0 = left eye)."""
    loop = canvas.lid_loop(side, ring)
    points = canvas.vertices[loop]
    x = canvas.template[loop, 0] * (1 if side == 0 else -1)
    inner, outer = int(x.argmin()), int(x.argmax())
    one = _arc(loop, inner, outer)
    other = _arc(loop[::-1], len(loop) - 1 - inner, len(loop) - 1 - outer)
    if (canvas.template[one, 1].mean() > canvas.template[other, 1].mean()) != upper:
        one = other
    points = canvas.vertices[one]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    t = (np.arange(count) + 0.5) / count
    dense = np.stack([_spline(length / length[-1], points[:, k], t) for k in range(3)], axis=1)
    outward = np.stack([_spline(length / length[-1], canvas.normals[one][:, k], t) for k in range(3)], axis=1)
    return LidLine(dense, normalized(np.gradient(dense, axis=0)), normalized(outward), t)


def _arc(loop: Index, start: int, end: int) -> Index:
    rolled = np.roll(loop, -start)
    return rolled[: (end - start) % len(loop) + 1]


def _spline(knots: Array, values: Array, t: Array) -> Array:
    """Catmull-Rom style cubic through the knots."""
    slopes = np.gradient(values, knots)
    right = np.clip(np.searchsorted(knots, t), 1, len(knots) - 1)
    left = right - 1
    width = knots[right] - knots[left]
    s = (t - knots[left]) / width
    h00, h10, h01, h11 = 2 * s**3 - 3 * s**2 + 1, s**3 - 2 * s**2 + s, -2 * s**3 + 3 * s**2, s**3 - s**2
    return h00 * values[left] + h10 * width * slopes[left] + h01 * values[right] + h11 * width * slopes[right]


def paint_lashes(canvas: Canvas, spec: EyeSpec, seed: int) -> list[Splats]:
    """Dark lines on the lid margins, lashes, and the soft shadow that the upper lid casts on the eye."""
    rng = np.random.default_rng(seed)
    groups = []
    color = hex_color(spec.lashes)
    for side in (0, 1):
        outward_x = np.array([1.0 if side == 0 else -1.0, 0, 0])
        for upper in (True, False):
            faces = _lid_faces(canvas, side, upper)
            line = lid_line(canvas, side, upper, 46)
            fade = smoothstep(0.0, 0.16, line.t) * (0.75 + 0.25 * smoothstep(1.0, 0.9, line.t))
            weight = spec.line_width * (0.55 + 0.75 * line.t) if upper else 0.24 + 0 * line.t
            means = line.points + 0.35 * MM * line.outward
            sigmas = np.stack([0 * fade + 0.75, weight, 0.12 + 0 * fade], axis=1) * MM
            strength = (0.95 if upper else spec.lower_line) * fade
            axes = axes_from_tangent(line.tangents, line.outward)
            groups.append(_group("lashes", canvas, faces, means, axes, sigmas, color, strength))
            length = spec.lash_length * (1.0 if upper else 0.45)
            if length > 0.5:
                count = 40 if upper else 18
                roots = lid_line(canvas, side, upper, count)
                jitter = rng.uniform(0.8, 1.1, count)
                fan = (roots.t - 0.42) * 1.5
                rise = 0.75 if upper else -0.75
                tips = normalized(np.array([0, 0, 1.0]) + rise * np.array([0, 1.0, 0]) + fan[:, None] * outward_x)
                reach = length * jitter * smoothstep(0.02, 0.3, roots.t) * (0.75 + 0.5 * roots.t)
                base = roots.points + 0.3 * MM * roots.outward
                means = base + tips * (0.45 * reach * MM)[:, None]
                sigmas = np.stack([0.30 * reach, 0 * reach + 0.17, 0 * reach + 0.12], axis=1) * MM
                sigmas = np.maximum(sigmas, 0.05 * MM)
                axes = axes_from_tangent(tips, np.broadcast_to([0, 0, 1.0], tips.shape))
                strength = (0.8 if upper else 0.4) * smoothstep(0.02, 0.2, roots.t)
                groups.append(_group("lashes", canvas, faces, means, axes, sigmas, color, strength))
        line = lid_line(canvas, side, True, 26)
        center = canvas.eye_centers[side]
        for drop, strength, width in ((0.8, 0.42, 0.75), (2.0, 0.22, 1.1)):
            means = line.points - np.array([0, drop * MM, 0])
            direction = normalized(means - center)
            means = center + (canvas.eye_radius + 0.2 * MM) * direction
            sigmas = np.broadcast_to(np.array([1.1, width, 0.1]) * MM, means.shape)
            axes = axes_from_tangent(line.tangents, direction)
            alpha = strength * bump(0.5, 0.33, line.t)
            faces = _lid_faces(canvas, side, True)
            groups.append(_group("lid shadow", canvas, faces, means, axes, sigmas, np.array([0.16, 0.09, 0.08]), alpha))
    return groups


def _lid_faces(canvas: Canvas, side: int, upper: bool) -> Mask:
    """[F] triangles right outside the margin of one lid."""
    corners = canvas.template[canvas.faces]
    rings = canvas.lid_rings[canvas.faces]
    near = (rings.min(axis=1) >= 0) & (rings.max(axis=1) <= 1)
    line = lid_line(Canvas(canvas.head, canvas.source, 0 * canvas.shape_offsets), side, upper, 30).points
    other = lid_line(Canvas(canvas.head, canvas.source, 0 * canvas.shape_offsets), side, not upper, 30).points
    centers = corners.mean(axis=1)
    same = np.full(len(centers), False)
    index = np.flatnonzero(near & ((centers[:, 0] > 0) == (side == 0)))
    to_line = np.linalg.norm(centers[index][:, None] - line, axis=2).min(axis=1)
    to_other = np.linalg.norm(centers[index][:, None] - other, axis=2).min(axis=1)
    same[index] = to_line <= to_other
    return same


def _group(
    part: str, canvas: Canvas, faces: Mask, means: Array, axes: Array, sigmas: Array, color: Array, alpha: Array
) -> Splats:
    spots = canvas.nearest_spots(means, faces)
    colors = np.broadcast_to(color, means.shape)
    return Splats(part, spots, means, axes, sigmas, colors, np.clip(alpha, 0.01, 0.99))
