"""Skin: where its Gaussians sit, and its color from the places of the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from renderer.head.model import Part
from tools.guests.canvas import Array, Canvas, Index, Spots, bump, normalized, smoothstep, vertex_normals
from tools.guests.light import hex_color, shade
from tools.guests.sampling import relax, spread_spots
from tools.guests.splats import Splats, axes_from_normal

OVERLAP_FINE, OVERLAP_COARSE = 0.73, 0.82
"""Standard deviation of a skin Gaussian in spacings, where there is detail and where skin is smooth: closed without
being blurred."""

MM = 1e-3
BEARD_EDGE = np.array(
    [[0.0, 0.013, 0.020, 0.030, 0.045, 0.060, 0.070], [-0.047, -0.049, -0.058, -0.066, -0.062, -0.042, -0.010]]
)
"""Upper edge of a beard: height over distance from the middle, metres."""

UNDERCOAT_DEPTH = 2.6 * MM
UNDERCOAT_SPACING = 7.0 * MM


@dataclass(frozen=True)
class SkinSpec:
    """Colors of a skin (sRGB, `#rrggbb`) and how much of each accent there is (0..1)."""

    base: str
    lips: str
    blush: str
    blush_amount: float = 0.35
    lip_amount: float = 0.8
    lid: str = "#8a5a4a"
    lid_amount: float = 0.15
    stubble: str = "#3a2d28"
    stubble_amount: float = 0.0
    gloss: float = 0.5
    age: float = 0.0


def spacing_on_head(canvas: Canvas, spots: Spots) -> Array:
    """Metres between neighbouring skin Gaussians: dense at lids and lips, sparse on neck and scalp."""
    place = canvas.interpolate(canvas.template, spots)
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    lid = np.maximum(canvas.interpolate(canvas.lid_rings, spots), 0)
    lip = canvas.interpolate(canvas.lip_rings, spots)
    spacing = 3.6 + 0.0 * x
    stretched = smoothstep(-0.004, 0.0, y) * smoothstep(11, 8, lid)
    spacing = np.minimum(spacing, np.where(stretched > 0.5, 1.05 + 0.03 * lid, 0.95 + 0.21 * lid))
    spacing = np.minimum(spacing, 1.25 + 0.22 * np.maximum(np.maximum(-lip - 1, 1.6 * (lip - 7)), 0))
    nose = np.hypot(x / 1.2, y + 0.041) + 0.4 * np.abs(z - 0.028)
    spacing = np.minimum(spacing, 1.8 + 50 * nose)
    ear = ear_mask(place)
    spacing = np.where(ear > 0.5, 2.5, spacing)
    back = smoothstep(-0.02, -0.07, z) * (1 - ear)
    spacing = spacing + 2.6 * back
    neck = smoothstep(-0.105, -0.135, y)
    spacing = spacing + 2.6 * neck * (1 - 0.3 * back)
    return spacing * MM


def ear_mask(place: Array) -> Array:
    """1 on the ears, by the template's coordinates."""
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    side = 0.0715 + 0.12 * np.clip(y + 0.02, -0.03, 0.03)
    inside = (x > side) & (y > -0.062) & (y < 0.022) & (z > -0.125) & (z < -0.055)
    return inside.astype(np.float64)


def skin_faces(canvas: Canvas) -> Index:
    """Skin triangles worth painting: all but the depth of the eye sockets."""
    corners = canvas.lid_rings[canvas.faces]
    deep_socket = corners.min(axis=1) < -2
    return np.flatnonzero((canvas.face_parts == Part.SKIN) & ~deep_socket)


def spread_skin(canvas: Canvas, closed_eyes: Array, seed: int) -> tuple[Spots, Array]:
    """Spots for all guests alike, laid out on the template with half-closed lids so that they cover a blink.

    Returns:
        The spots and their spacing, metres.
    """
    return spread_spots(
        closed_eyes, canvas.faces, skin_faces(canvas), lambda spots: spacing_on_head(canvas, spots), seed
    )


def skin_color(canvas: Canvas, spots: Spots, spec: SkinSpec) -> tuple[Array, Array]:
    """Unlit color [n, 3] and gloss [n]."""
    place = canvas.interpolate(canvas.template, spots)
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    lid = canvas.interpolate(canvas.lid_rings, spots)
    lip = canvas.interpolate(canvas.lip_rings, spots)
    color = np.broadcast_to(hex_color(spec.base), (len(spots), 3)).copy()

    def blend(other: str | Array, amount: Array) -> None:
        target = hex_color(other) if isinstance(other, str) else other
        color[:] = color + (target - color) * np.clip(amount, 0, 1)[:, None]

    blush = bump(0.043, 0.017, x) * bump(-0.036, 0.016, y) * smoothstep(-0.05, 0.0, z)
    blush = blush + 0.7 * bump(0.0, 0.013, x) * bump(-0.042, 0.012, y) + 0.8 * ear_mask(place)
    blush = blush + 0.25 * bump(0.0, 0.02, x) * bump(-0.105, 0.01, y)
    blend(spec.blush, spec.blush_amount * blush)
    socket = bump(0.029, 0.021, x) * bump(0.002, 0.014, y) * smoothstep(-0.04, 0.0, z)
    blend(spec.lid, 0.5 * spec.lid_amount * socket)
    upper = smoothstep(-0.004, 0.002, y) * smoothstep(7, 1, lid) * (lid > -0.5)
    blend(spec.lid, spec.lid_amount * upper)
    crease = bump(4.2, 0.8, lid) * smoothstep(0.001, 0.006, y)
    blend(hex_color(spec.lid) * 0.72, 0.45 * crease)
    rim = smoothstep(0.3, -0.5, lid) * (lid > -50)
    blend(spec.blush, 0.55 * rim)
    if spec.stubble_amount:
        blend(spec.stubble, spec.stubble_amount * beard_mask(canvas, spots))
    red = smoothstep(0.15, 1.15, lip)
    blend(spec.lips, spec.lip_amount * red)
    seam = smoothstep(4.6, 6.5, lip)
    blend(hex_color(spec.lips) * 0.45, 0.85 * seam)
    mouth = smoothstep(7.5, 9.5, lip)
    blend("#4a1518", mouth)
    gloss = spec.gloss * (1 + 0.8 * red - mouth) + 0 * x
    return color, np.clip(gloss, 0, 1)


def beard_mask(canvas: Canvas, spots: Spots) -> Array:
    """0..1 where a full beard grows: jaw, chin, mustache, sideburns."""
    place = canvas.interpolate(canvas.template, spots)
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    lip = canvas.interpolate(canvas.lip_rings, spots)
    cheek_line = np.interp(x, BEARD_EDGE[0], BEARD_EDGE[1])
    beard = smoothstep(0.004, -0.005, y - cheek_line)
    beard = beard * smoothstep(-0.142, -0.122, y - 0.25 * np.clip(z, -0.05, 0.0) * 0)
    beard = beard * smoothstep(0.4, -0.8, lip) * smoothstep(-0.082, -0.066, z)
    soul = 1 - 0.4 * bump(0.012, 0.004, x) * bump(-0.088, 0.006, y)
    return beard * soul * (1 - ear_mask(place))


def paint_skin(canvas: Canvas, spots: Spots, spacing: Array, openness: Array, spec: SkinSpec) -> Splats:
    """The skin of one guest on the shared spots."""
    means, normals = canvas.points(spots)
    lip = canvas.interpolate(canvas.lip_rings, spots)
    means = means + (4 * MM * smoothstep(8, 11, lip))[:, None] * normals  # a smaller mouth, clear of the cheeks
    color, gloss = skin_color(canvas, spots, spec)
    lit = shade(
        color, _settled_normals(canvas, spots, normals), canvas.interpolate(openness, spots), gloss, scatter=1.0
    )
    lit = relax(means, normals, spacing, lit, amount=0.55 * smoothstep(4, 2, lip))
    lid = canvas.interpolate(canvas.lid_rings, spots)
    smooth = np.maximum(smoothstep(2.2 * MM, 3.2 * MM, spacing), smoothstep(-1.5, -3.5, lip) * (lip > -16))
    overlap = OVERLAP_FINE + (OVERLAP_COARSE - OVERLAP_FINE) * smooth
    sigma = overlap * spacing * (1 + 0.22 * smoothstep(0.5, 2.0, lid) * smoothstep(11, 9, lid))
    border = smoothstep(-2.6, -1.0, lip) * smoothstep(3.2, 1.6, lip)  # the lips' edge: long along it, thin across
    along = np.cross(normals, canvas.gradient(canvas.lip_rings, spots.faces))
    sigmas = np.stack(
        [sigma * (1 + 0.45 * border), sigma * (1 - 0.30 * border), np.maximum(0.16 * sigma, 0.1 * MM)], axis=1
    )
    soft = normalized(canvas.interpolate(canvas.soft_normals, spots))
    axes = axes_from_normal(soft, np.where(border[:, None] > 0, along, axes_from_normal(soft)[:, :, 0]))
    return Splats("skin", spots, means, axes, sigmas, lit, np.full(len(spots), 0.985))


def _settled_normals(canvas: Canvas, spots: Spots, normals: Array) -> Array:
    """Normals for light: on the lids half way between open and shut, so that a blink shows no baked crease."""
    closed = vertex_normals(canvas.vertices + canvas.head.eyelid_dirs.sum(axis=0), canvas.faces)
    lid = canvas.interpolate(canvas.lid_rings, spots)
    share = 0.65 * (smoothstep(-0.5, 0.5, lid) * smoothstep(10, 8, lid))[:, None]
    return normalized(normals + share * (canvas.interpolate(closed, spots) - normals))


def spread_undercoat(canvas: Canvas, seed: int) -> Spots:
    """Sparse spots below the skin, away from lids and lips, that close the pinholes between skin Gaussians."""
    corners = canvas.faces[skin_faces(canvas)]
    clear = (canvas.lid_rings[corners].min(axis=1) > 5) & (canvas.lip_rings[corners].max(axis=1) < 3)
    middle = canvas.template[corners].mean(axis=1)
    clear &= ear_mask(middle) < 0.5
    allowed = skin_faces(canvas)[clear]
    return spread_spots(canvas.template, canvas.faces, allowed, lambda spots: undercoat_spacing(canvas, spots), seed)[0]


def undercoat_spacing(canvas: Canvas, spots: Spots) -> Array:
    """Metres: finer around nose and mouth."""
    place = canvas.interpolate(canvas.template, spots)
    near = np.hypot(place[:, 0], place[:, 1] + 0.055)
    return np.clip(3.0 * MM + 0.14 * (near - 0.015), 3.2 * MM, UNDERCOAT_SPACING)


def paint_undercoat(canvas: Canvas, spots: Spots, openness: Array, spec: SkinSpec) -> Splats:
    """Large soft Gaussians of the skin's color, a little below it."""
    means, normals = canvas.points(spots)
    color, gloss = skin_color(canvas, spots, spec)
    lit = shade(color, normals, canvas.interpolate(openness, spots), gloss, scatter=1.0)
    sigma = 0.68 * undercoat_spacing(canvas, spots)
    sigmas = np.stack([sigma, sigma, 0 * sigma + 0.25 * MM], axis=1)
    lip = canvas.interpolate(canvas.lip_rings, spots)
    place = canvas.interpolate(canvas.template, spots)
    nose = smoothstep(0.026, 0.018, np.hypot(place[:, 0] / 1.2, place[:, 1] + 0.041))  # its walls are thin
    depth = UNDERCOAT_DEPTH * (1 - 0.6 * np.maximum(nose, smoothstep(-5, 0, lip)))
    means = means - depth[:, None] * normals
    return Splats("undercoat", spots, means, axes_from_normal(normals), sigmas, lit, np.full(len(spots), 0.98))
