"""Hair: strands that grow out of the scalp along a comb field and lie on a shell around the head.

A style says where hair grows, which way it is combed, how far it stands off and how long it is; this module grows the
strands; tools.guests.hair_paint turns them into Gaussians.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Mask, Spots, normalized, smoothstep
from tools.guests.sampling import nearest_neighbours, spread_spots
from tools.guests.skin import ear_mask

MM = 1e-3
CROWN = np.array([0.0, 0.095, -0.115])
MID_Z = -0.075
"""Depth of the vertical axis around which the hairline is drawn."""

HAIRLINE = np.array(
    [[0, 58], [22, 61], [40, 55], [52, 42], [64, 24], [73, 2], [80, -20], [86, -14], [92, 20], [104, 20], [112, -8],
     [125, -42], [145, -62], [180, -66]], float
)  # fmt: skip
"""Degrees from the front, height above the eyes in mm."""


class HeadField:
    """Distance to the bald head, from points spread on its skin."""

    def __init__(self, canvas: Canvas, spots: Spots, with_ears: bool) -> None:
        place = canvas.interpolate(canvas.template, spots)
        keep = np.ones(len(spots), bool) if with_ears else ear_mask(place) < 0.5
        self.points, self.normals = canvas.points(spots.take(keep))

    def distance(self, points: Array) -> tuple[Array, Array]:
        """[n] signed distance (positive outside) and [n, 3] smooth outward direction."""
        index, gaps = nearest_neighbours(self.points, points, 8)
        weights = 1 / (gaps**2 + (4 * MM) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        normals = self.normals[index]
        heights = ((points[:, None] - self.points[index]) * normals).sum(axis=2)
        return (weights * heights).sum(axis=1), normalized((weights[:, :, None] * normals).sum(axis=1))


@dataclass(frozen=True, eq=False)
class Strands:
    """S strands of K points.

    Args:
        points: [S, K, 3] from root to tip.
        outward: [S, K, 3] away from the head.
        depth: [S] 0 at the skin .. 1 in the outermost layer.
        tone: [S] brightness in standard deviations.
    """

    points: Array
    outward: Array
    depth: Array
    tone: Array


@dataclass(frozen=True, eq=False)
class Style:
    """A haircut. Functions take points [n, 3] in the head frame and return one row each.

    Args:
        comb: wanted direction from (points, normals, progress 0..1 along the strand).
        stand: distance of the outer layer from the skin in metres, at points.
        length: strand length in metres at root points.
        hairline: heights in mm over HAIRLINE's angles.
        steps: segments of a strand.
        spacing: distance between roots, metres.
        width: standard deviation across a strand, metres.
        stick: how firmly strands keep to their shell, 0 (only kept out of the head) .. 1.
        over_ears: whether hair falls over the ears (else it keeps clear of them).
        coil: radius of tight curls, metres; 0 for hair that is combed.
        clump: size of locks, metres.
        layers: share of `stand` that the innermost and the outermost strands reach.
        tip_taper: how much thinner strands get towards their tip.
        cut: height at which all strands are cut, metres, or None.
        extra: strands beside those that grow on the scalp, such as a bun.
    """

    comb: Callable[[Array, Array, Array], Array]
    stand: Callable[[Array], Array]
    length: Callable[[Array], Array]
    hairline: Array
    steps: int = 6
    spacing: float = 6.0 * MM
    width: float = 1.25 * MM
    stick: float = 0.85
    over_ears: bool = False
    coil: float = 0.0
    clump: float = 15 * MM
    layers: tuple[float, float] = (0.45, 1.0)
    tip_taper: float = 0.55
    cut: float | None = None
    extra: Callable[[HeadField], Strands] | None = None


def hairline_height(style_line: Array, place: Array) -> Array:
    """[n] metres above (+) or below (-) the hairline, at template points."""
    angle = np.degrees(np.arctan2(np.abs(place[:, 0]), place[:, 2] - MID_Z))
    return place[:, 1] - np.interp(angle, style_line[:, 0], style_line[:, 1]) * MM


def scalp_faces(canvas: Canvas) -> Mask:
    """[F] triangles hair may be bound to: the skull's skin."""
    return (canvas.face_parts == Part.SKIN) & (canvas.template[canvas.faces][:, :, 1].min(axis=1) > -0.12)


def grow(canvas: Canvas, field: HeadField, style: Style, volume: float, seed: int) -> Strands:
    """Grows all strands of a style."""
    rng = np.random.default_rng(seed)
    spots = _root_spots(canvas, style, rng, seed)
    roots, normals = canvas.points(spots)
    count = len(roots)
    lock_noise = _locks(roots, style.clump, rng)
    depth = style.layers[0] + (style.layers[1] - style.layers[0]) * rng.permutation(count) / max(count - 1, 1)
    length = style.length(roots) * rng.uniform(0.88, 1.06, count) * (1 + 0.08 * lock_noise[:, 0])
    step = length / (style.steps - 1)
    points, outward = [roots + 0.5 * MM * normals], [normals]
    for k in range(1, style.steps):
        progress = np.full(count, k / (style.steps - 1))
        position, normal = points[-1], outward[-1]
        heading = style.comb(position, normal, progress)
        heading = heading + 0.16 * lock_noise[:, 1:2] * np.cross(normal, normalized(heading))
        if style.stick > 0:
            heading = heading - style.stick * (heading * normal).sum(axis=1, keepdims=True) * normal
        moved = position + step[:, None] * normalized(heading)
        gap, normal = field.distance(moved)
        ramp = smoothstep(-0.15, 0.45, progress)
        target = depth * style.stand(moved) * volume * ramp * (1 + 0.10 * lock_noise[:, 2])
        pull = np.where(gap < target, 1.0, style.stick)
        moved = moved + (pull * (target - gap))[:, None] * normal
        points.append(moved)
        outward.append(normal)
    stacked, directions = np.stack(points, axis=1), np.stack(outward, axis=1)
    if style.cut is not None:
        stacked, directions = _cut(stacked, directions, style.cut + rng.normal(0, 1.5 * MM, count))
    tone = rng.normal(0, 1, count) * 0.4 + lock_noise[:, 3]
    tidy = ~_in_face(stacked, style.hairline).any(axis=1)
    if not style.over_ears:
        tidy &= ~_on_ear(stacked).any(axis=1)
    return Strands(stacked[tidy], directions[tidy], depth[tidy], tone[tidy])


def _root_spots(canvas: Canvas, style: Style, rng: np.random.Generator, seed: int) -> Spots:
    """Where strands are rooted: evenly above the hairline, a little ragged at it."""
    allowed = np.flatnonzero(scalp_faces(canvas))
    centers = canvas.template[canvas.faces[allowed]].mean(axis=1)
    allowed = allowed[(hairline_height(style.hairline, centers) > -0.012) & (ear_mask(centers) < 0.5)]
    spots, _ = spread_spots(canvas.template, canvas.faces, allowed, lambda s: np.full(len(s), style.spacing), seed)
    place = canvas.interpolate(canvas.template, spots)
    above = hairline_height(style.hairline, place)
    return spots.take((above > rng.uniform(0, 0.003, len(above))) & (ear_mask(place) < 0.5))


def _in_face(points: Array, line: Array) -> Mask:
    """Whether points of strands hang before the face, more than a fringe does."""
    place = points.reshape(-1, 3)
    angle = np.degrees(np.arctan2(np.abs(place[:, 0]), place[:, 2] - MID_Z))
    inside = (hairline_height(line, place) < -0.016) & (angle < 56)
    return inside.reshape(points.shape[:2])


def _on_ear(points: Array) -> Mask:
    """Whether points of strands lie on an ear; `ear_mask` with a margin."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    return (x > 0.067) & (y > -0.064) & (y < 0.014) & (z > -0.112) & (z < -0.066)


def _cut(points: Array, outward: Array, height: Array) -> tuple[Array, Array]:
    """Ends strands where they first fall below a height; those that do not reach it stay as they are."""
    count, steps = points.shape[:2]
    below = points[:, :, 1] < height[:, None]
    hit = np.where(below.any(axis=1), below.argmax(axis=1), steps - 1)
    previous = np.maximum(hit - 1, 0)
    rows = np.arange(count)
    before, after = points[rows, previous, 1], points[rows, hit, 1]
    share = np.clip((before - height) / np.maximum(before - after, 1e-6), 0, 1)
    end = np.where(below.any(axis=1), previous + share, steps - 1)
    position = end[:, None] * np.linspace(0, 1, steps)
    low = np.minimum(position.astype(np.int64), steps - 2)
    t = (position - low)[:, :, None]
    at = rows[:, None]
    blend = points[at, low] * (1 - t) + points[at, low + 1] * t
    return blend, normalized(outward[at, low] * (1 - t) + outward[at, low + 1] * t)


def _locks(roots: Array, size: float, rng: np.random.Generator) -> Array:
    """[n, 4] noises that the strands of a lock share."""
    order = rng.permutation(len(roots))
    centers: list[int] = []
    for i in order:
        if all(np.linalg.norm(roots[i] - roots[j]) > size for j in centers):
            centers.append(i)
    lock = nearest_neighbours(roots[centers], roots, 1)[0][:, 0]
    return rng.normal(0, 1, (len(centers), 4)).clip(-1.6, 1.6)[lock]


def coils(canvas: Canvas, field: HeadField, style: Style, volume: float, seed: int) -> Strands:
    """Tight curls: little rings in three layers up to the shell, each tilted its own way."""
    rng = np.random.default_rng(seed)
    roots, normals = canvas.points(_root_spots(canvas, style, rng, seed))
    layers = []
    for layer in (0.35, 0.68, 1.0):
        lift = layer * style.stand(roots) * volume
        keep = (lift > 2.2 * MM) | (layer == 1.0)
        centers = roots + lift[:, None] * normals
        centers = centers + rng.normal(0, 0.30 * style.spacing, centers.shape) * (lift > 4 * MM)[:, None]
        gap, outward = field.distance(centers)
        centers = centers + (lift - gap)[:, None] * outward
        count = len(centers)
        axis = normalized(outward + rng.normal(0, 0.75, (count, 3)))
        x = normalized(np.cross(axis, rng.normal(0, 1, (count, 3))))
        y = np.cross(axis, x)
        turn = np.linspace(0, 1.8 * np.pi, style.steps)
        size = np.minimum(style.coil, 0.35 * lift + 1.0 * MM) * rng.uniform(0.8, 1.2, count)
        ring = np.cos(turn)[:, None, None] * x + np.sin(turn)[:, None, None] * y  # [K, n, 3]
        points = centers[:, None] + size[:, None, None] * ring.transpose(1, 0, 2)
        faces = normalized(outward[:, None] + 0.45 * ring.transpose(1, 0, 2))
        tone = rng.normal(0, 0.7, count)
        layers.append(Strands(points[keep], faces[keep], np.full(keep.sum(), 0.35 + 0.65 * layer), tone[keep]))
    return Strands(
        *(np.concatenate([getattr(one, name) for one in layers]) for name in ("points", "outward", "depth", "tone"))
    )
