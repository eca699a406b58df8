"""Strands of hair as Gaussians: their color, their light, and the dark layer under them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.guests.canvas import Array, Canvas, normalized, smoothstep
from tools.guests.hair import MM, Strands, Style, hairline_height, scalp_faces
from tools.guests.light import KEY_DIRECTION, VIEW_DIRECTION, hex_color, shade, to_linear, to_srgb
from tools.guests.sampling import spread_spots
from tools.guests.skin import ear_mask
from tools.guests.splats import Splats, axes_from_normal, axes_from_tangent


@dataclass(frozen=True)
class HairSpec:
    """Color and amount of hair; the rest is the style's.

    Args:
        style: a name in tools.guests.styles.
        root: color at the root.
        tip: color at the tip.
        shine: strength of the highlight.
        gray: share of gray strands.
    """

    style: str
    root: str
    tip: str
    shine: float = 0.5
    gray: float = 0.0
    volume: float = 1.0


def hair_tone(spec: HairSpec, progress: Array, tone: Array, gray: Array) -> Array:
    """[n, 3] sRGB before light: root to tip, lock by lock."""
    root, tip = hex_color(spec.root), hex_color(spec.tip)
    color = root + (tip - root) * smoothstep(0.0, 0.75, progress)[:, None]
    color = color * (1 + 0.11 * tone)[:, None]
    silver = np.array([0.80, 0.79, 0.78])
    return np.clip(color + gray[:, None] * (silver - color), 0, 1)


def light_hair(color: Array, normals: Array, tangents: Array, depth: Array, shine: float) -> Array:
    """Soft light on the shell plus the band of light that crosses the strands (Kajiya and Kay 1989)."""
    lit = shade(color, normals, 0.35 + 0.65 * depth, 0.0, scatter=0.35)
    half = normalized(KEY_DIRECTION + 0.8 * VIEW_DIRECTION)
    band = np.sqrt(np.clip(1 - (tangents @ half) ** 2, 0, 1)) ** 16
    facing = np.clip(normals @ half, 0, 1) ** 1.5
    glow = (shine * band * facing * depth**2)[:, None]
    return to_srgb(1.12 * to_linear(lit) + glow * (0.75 * to_linear(np.clip(color * 1.5, 0, 1)) + 0.045))


def strands_to_splats(
    canvas: Canvas, strands: Strands, spec: HairSpec, width: float, taper: float, seed: int, opacity: float = 0.93
) -> Splats:
    """One long Gaussian for each segment."""
    rng = np.random.default_rng(seed)
    start, end = strands.points[:, :-1], strands.points[:, 1:]
    count, segments = start.shape[:2]
    middle = (0.5 * (start + end)).reshape(-1, 3)
    segment = (end - start).reshape(-1, 3)
    lengths = np.linalg.norm(segment, axis=1)
    tangents = normalized(segment)
    outward = normalized((strands.outward[:, :-1] + strands.outward[:, 1:]).reshape(-1, 3))
    progress = np.tile((np.arange(segments) + 0.5) / segments, count)
    depth = np.repeat(strands.depth, segments)
    tone = np.repeat(strands.tone, segments)
    gray = np.repeat(rng.random(count) < spec.gray, segments).astype(float) * 0.55
    color = hair_tone(spec, progress, tone, gray)
    axes = axes_from_tangent(tangents, outward)
    lit = light_hair(color, axes[:, :, 2], tangents, depth, spec.shine)
    across = width * (1 - taper * smoothstep(0.55, 1.0, progress)) * (0.7 + 0.3 * smoothstep(0.0, 0.2, progress))
    sigmas = np.stack([np.maximum(0.42 * lengths, across), across, 0.45 * across], axis=1)
    spots = canvas.nearest_spots(middle, scalp_faces(canvas))
    return Splats("hair", spots, middle, axes, sigmas, lit, np.full(len(middle), opacity), rigid=True)


def scalp_cap(canvas: Canvas, style: Style, spec: HairSpec, seed: int) -> Splats:
    """Flat dark Gaussians under the strands, so that no skin shines through."""
    allowed = np.flatnonzero(scalp_faces(canvas))
    centers = canvas.template[canvas.faces[allowed]].mean(axis=1)
    allowed = allowed[(hairline_height(style.hairline, centers) > -0.012) & (ear_mask(centers) < 0.5)]
    spots, gaps = spread_spots(canvas.template, canvas.faces, allowed, lambda s: np.full(len(s), 6.0 * MM), seed)
    place = canvas.interpolate(canvas.template, spots)
    above = hairline_height(style.hairline, place)
    keep = (above > 0.002) & (ear_mask(place) < 0.5)
    spots, gaps, above = spots.take(keep), gaps[keep], above[keep]
    means, normals = canvas.points(spots)
    rise = np.minimum(style.stand(means) * spec.volume * 0.5, 0.4 * above + 0.5 * MM)
    means = means + rise[:, None] * normals
    dark = hair_tone(spec, 0 * above, 0 * above, 0 * above + 0.5 * spec.gray) * 0.8
    lit = shade(dark, normals, 0.62 + 0 * above, 0.0, 0.3)
    sigmas = np.stack([0.72 * gaps, 0.72 * gaps, 0.2 * gaps], axis=1)
    alpha = 0.2 + 0.75 * smoothstep(0.003, 0.012, above)
    return Splats("hair", spots, means, axes_from_normal(normals), sigmas, lit, alpha, rigid=True)
