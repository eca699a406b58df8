"""Haircuts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.guests.canvas import Array, bump, normalized, smoothstep
from tools.guests.hair import CROWN, HAIRLINE, MID_Z, MM, HeadField, Strands, Style

DOWN = np.array([0.0, -1.0, 0.0])
FORWARD = np.array([0.0, 0.0, 1.0])


def _side(points: Array, part: float) -> Array:
    """-1 .. 1 across a parting at x = part."""
    return np.tanh((points[:, 0] - part) / (5 * MM))


def _top(points: Array) -> Array:
    """1 on top of the head, 0 at the sides."""
    return smoothstep(0.035, 0.085, points[:, 1])


def _front(points: Array) -> Array:
    """1 above the forehead, 0 behind the crown."""
    return smoothstep(-0.12, -0.02, points[:, 2])


def _line(**changes: float) -> Array:
    """HAIRLINE with heights changed by `a<degrees>=mm`."""
    line = HAIRLINE.copy()
    for name, delta in changes.items():
        line[:, 1] += delta * bump(float(name[1:]), 12.0, line[:, 0])
    return line


def crop() -> Style:
    """Short sides, a textured top that is pushed forward and up."""

    def comb(points: Array, normals: Array, progress: Array) -> Array:
        radial = normalized(points - CROWN)
        top = _top(points)[:, None]
        forward = FORWARD + 0.25 * np.sign(points[:, :1]) * np.array([1.0, 0, 0])
        heading = (1 - top) * (DOWN + 0.25 * FORWARD) + top * (
            0.35 * radial + 0.75 * forward + np.array([0.4, 0.0, 0.0])
        )
        return heading + (0.55 * top[:, 0] * progress * _front(points))[:, None] * np.array([0.0, 1.0, 0.1])

    def stand(points: Array) -> Array:
        return (6.5 + 15.5 * _top(points) + 5 * _top(points) * _front(points)) * MM

    def length(points: Array) -> Array:
        return (13 + 25 * _top(points)) * MM

    return Style(comb, stand, length, _line(), steps=5, spacing=5.8 * MM, width=1.35 * MM, stick=0.6, clump=13 * MM)


def side_part() -> Style:
    """A parting on the left, the top swept over with some height."""
    part = 0.030

    def comb(points: Array, normals: Array, progress: Array) -> Array:
        top = _top(points)[:, None]
        side = _side(points, part)[:, None]
        sweep = side * np.array([1.0, 0.0, 0.0]) + (-0.35 + 0.1 * _front(points))[:, None] * FORWARD
        return (1 - top) * (DOWN - 0.35 * FORWARD) + top * (sweep + 0.25 * DOWN)

    def stand(points: Array) -> Array:
        top, side = _top(points), _side(points, part)
        crest = top * _front(points) * smoothstep(0.2, -0.6, side)
        return (6.5 + 8 * top + 10 * crest - 4.0 * bump(part, 6 * MM, points[:, 0]) * top) * MM

    def length(points: Array) -> Array:
        return (20 + 34 * _top(points)) * MM

    return Style(comb, stand, length, _line(a40=4, a52=3), steps=6, spacing=6.0 * MM, width=1.35 * MM)


def bob() -> Style:
    """A chin-length bob, parted beside the middle, with a long fringe swept to both sides."""
    part = -0.014
    return _falling(part, end=-0.105, stand_side=16.0, curl_in=0.9, extra=lambda field: _fringe(field, part))


def long_hair() -> Style:
    """Long hair from a middle parting, falling behind the shoulders."""
    return _falling(
        part=0.0, end=-0.215, stand_side=15.0, curl_in=0.0, behind=True, extra=lambda field: _fringe(field, 0)
    )


def _fringe(field: HeadField, part: float) -> Strands:
    """Strands that arch from the parting over the forehead's corners to the temples."""
    rng = np.random.default_rng(23)
    count, steps = 130, 9
    side = np.where(np.arange(count) % 5 < 3, 1.0, -1.0) if part else np.where(np.arange(count) % 2, 1.0, -1.0)
    back = rng.uniform(0, 1, count)
    start = np.stack([part + side * rng.uniform(0, 3 * MM, count), np.full(count, 0.075), 0.034 - 0.085 * back], axis=1)
    depth = rng.uniform(0.55, 1.0, count)
    gap, normal = field.distance(start)
    for _ in range(4):
        start = start - (gap - 4 * MM)[:, None] * normal
        gap, normal = field.distance(start)
    length = 0.098 + 0.02 * np.abs(part) / 0.014 * (side > 0) + rng.normal(0, 0.003, count)
    points, outward = [start], [normal]
    for k in range(1, steps):
        t = k / (steps - 1)
        x = side[:, None] * np.array([1.0, 0.0, 0.0])
        heading = (
            (1.1 - 0.9 * t) * x + (0.25 + 1.15 * t) * DOWN + (0.35 - 1.25 * t) * FORWARD * (1 - 0.6 * back)[:, None]
        )
        gap, normal = field.distance(points[-1])
        heading = heading - (heading * normal).sum(axis=1, keepdims=True) * normal
        moved = points[-1] + (length / (steps - 1))[:, None] * normalized(heading)
        gap, normal = field.distance(moved)
        target = (4 + 11 * depth * np.sin(np.pi * min(0.15 + t, 0.75))) * MM
        points.append(moved + (target - gap)[:, None] * normal)
        outward.append(normal)
    return Strands(np.stack(points, axis=1), np.stack(outward, axis=1), depth, rng.normal(0, 0.7, count))


def _falling(
    part: float,
    end: float,
    stand_side: float,
    curl_in: float,
    behind: bool = False,
    extra: Callable[[HeadField], Strands] | None = None,
) -> Style:
    def comb(points: Array, normals: Array, progress: Array) -> Array:
        top = _top(points)[:, None]
        side = _side(points, part)[:, None]
        face = smoothstep(-0.062, -0.018, points[:, 2])[:, None]
        aside = side * np.array([1.0, 0.0, 0.0]) - 0.55 * FORWARD
        back = np.array([0.0, 0.0, -1.0]) + 0.35 * side * np.array([1.0, 0.0, 0.0]) + 0.25 * DOWN
        heading = (1 - face) * (DOWN + top * aside) + face * (top * aside + (1 - top) * back)
        if behind:
            ahead = smoothstep(-0.13, -0.10, points[:, 2]) * smoothstep(-0.03, -0.075, points[:, 1])
            return heading - (1.0 * ahead)[:, None] * FORWARD
        low = smoothstep(end + 0.05, end, points[:, 1])
        inward = -normalized(points * np.array([1.0, 0, 1.0]) - np.array([0, 0, MID_Z]))
        return heading + (curl_in * low)[:, None] * inward

    def stand(points: Array) -> Array:
        top = _top(points)
        dent = bump(part, 7 * MM, points[:, 0]) * top
        low = smoothstep(0.0, 0.8 * end, points[:, 1]) * smoothstep(end, 0.75 * end, points[:, 1])
        front = smoothstep(-0.05, 0.0, points[:, 2])
        torso = smoothstep(-0.10, -0.15, points[:, 1]) if behind else 0 * top
        full = stand_side * (1 - 0.3 * top) * (1 - 0.45 * front) + 5 * low * (not behind) - 5 * dent
        return (full * (1 - 0.35 * torso)) * MM

    def length(points: Array) -> Array:
        return np.maximum(points[:, 1] - end, 0.02) + 0.06 + 0.07 * smoothstep(0.0, 0.1, points[:, 1])

    line = _line(a0=-2, a22=-6, a40=-6, a52=-6, a64=-8, a73=-8)
    return Style(
        comb, stand, length, line, steps=12, spacing=8.8 * MM, width=2.5 * MM, stick=0.55, over_ears=True,
        clump=20 * MM, cut=end, tip_taper=0.3, extra=extra, layers=(0.3, 1.0),
    )  # fmt: skip


def bun() -> Style:
    """All hair drawn up into a bun."""
    knot = np.array([0.0, 0.120, -0.152])
    radius = 0.034

    def comb(points: Array, normals: Array, progress: Array) -> Array:
        return normalized(knot - points) + 0.05 * np.array([0.0, 1.0, 0.0])

    def stand(points: Array) -> Array:
        return (9.0 + 7 * _top(points)) * MM

    def length(points: Array) -> Array:
        return 0.97 * np.linalg.norm(points - knot, axis=1) + 0.012

    def ball(field: HeadField) -> Strands:
        """Strands wound around an axis that leans back, in two layers."""
        del field  # the bun hangs on no skin
        rng = np.random.default_rng(31)
        axis = normalized(np.array([0.0, 0.75, -0.65]))
        x = normalized(np.cross(axis, [1.0, 0.0, 0.0]))
        y = np.cross(axis, x)
        count, steps = 120, 8
        latitude = np.linspace(-0.95, 0.97, count)[:, None] + 0.10 * np.linspace(-1, 1, steps)
        start = rng.uniform(0, 2 * np.pi, count)[:, None]
        turn = start + np.linspace(0, 1.5, steps)
        ring = np.sqrt(np.clip(1 - latitude**2, 0.02, 1))[:, :, None]
        radial = ring * (np.cos(turn)[:, :, None] * x + np.sin(turn)[:, :, None] * y)
        radial = normalized(radial + np.clip(latitude, -1, 1)[:, :, None] * axis)
        depth = rng.choice([0.75, 1.0], count)
        points = knot + radius * (0.9 + 0.1 * depth)[:, None, None] * radial
        return Strands(points, radial, depth, rng.normal(0, 0.8, count))

    line = _line(a0=-2, a22=-6, a40=-6, a52=-5)
    return Style(
        comb, stand, length, line, steps=9, spacing=7.6 * MM, width=2.1 * MM, stick=0.95, clump=16 * MM, extra=ball,
        tip_taper=0.1, layers=(0.65, 1.0),
    )  # fmt: skip


def curly() -> Style:
    """Short tight curls, faded at the sides."""

    def comb(points: Array, normals: Array, progress: Array) -> Array:
        return normals + 0.35 * normalized(points - CROWN)

    def stand(points: Array) -> Array:
        side = smoothstep(-0.015, 0.06, points[:, 1])
        return (2.5 + 19 * side) * MM

    def length(points: Array) -> Array:
        return stand(points)

    return Style(comb, stand, length, _line(a40=3, a52=2), spacing=8.8 * MM, width=1.75 * MM, coil=4.4 * MM, steps=5)


STYLES = {"crop": crop, "side part": side_part, "bob": bob, "long": long_hair, "bun": bun, "curly": curly}
