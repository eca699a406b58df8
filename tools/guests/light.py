"""Baked light: a soft studio with a large key light above the camera, sky and floor, and a faint rim."""

from __future__ import annotations

import numpy as np

from tools.guests.canvas import Array, Canvas, Index, normalized, vertex_normals

KEY_DIRECTION = normalized(np.array([-0.38, 0.62, 0.75]))
RIM_DIRECTION = normalized(np.array([0.75, 0.35, -0.55]))
VIEW_DIRECTION = normalized(np.array([0.0, 0.05, 1.0]))
KEY = np.array([0.78, 0.74, 0.69])
SKY = np.array([0.50, 0.53, 0.58])
FLOOR = np.array([0.30, 0.25, 0.23])
RIM = np.array([0.16, 0.17, 0.20])


def to_linear(srgb: Array) -> Array:
    """sRGB 0..1 to linear light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: Array) -> Array:
    """Linear light to sRGB 0..1."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def hex_color(text: str) -> Array:
    """`#rrggbb` as sRGB 0..1."""
    return np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)]) / 255.0


def shade(albedo: Array, normals: Array, openness: Array, gloss: Array | float, scatter: float) -> Array:
    """[n, 3] sRGB of a lit surface.

    Args:
        albedo: [n, 3] sRGB 0..1.
        normals: [n, 3].
        openness: [n] 0..1, how much of the sky is seen (ambient occlusion).
        gloss: [n] or number, strength of the soft highlight.
        scatter: 0 for cloth .. 1 for skin: light that bleeds into the shadow and warms it.
    """
    linear = to_linear(albedo)
    up = 0.5 + 0.5 * normals[:, 1:2]
    shadow = openness[:, None] ** (1.0 + (1 - linear) * scatter * 0.35)  # occluded skin turns warm, not gray
    ambient = (FLOOR + (SKY - FLOOR) * up) * shadow
    facing = normals @ KEY_DIRECTION
    wrap = 0.25 + 0.25 * scatter
    key = np.clip((facing + wrap) / (1 + wrap), 0, 1)[:, None]
    red_lag = np.clip((facing[:, None] + wrap + scatter * np.array([0.18, 0.04, 0.0])) / (1 + wrap), 0, 1)
    diffuse = KEY * (0.5 * key + 0.5 * red_lag) * (0.35 + 0.65 * shadow)
    rim = RIM * np.clip(normals @ RIM_DIRECTION, 0, 1)[:, None] ** 2 * shadow
    half = normalized(KEY_DIRECTION + VIEW_DIRECTION)
    highlight = np.clip(normals @ half, 0, 1) ** 22 * np.asarray(gloss) * openness
    return to_srgb(linear * (ambient + diffuse + rim) + (0.05 + 0.11 * linear) * highlight[:, None])


def openness_of_vertices(canvas: Canvas, closed_eyes: Array) -> Array:
    """[V] ambient occlusion of the template, with lids half way between open and shut: they show both."""
    lids = (canvas.lid_rings >= 0) & (canvas.lid_rings < 9)
    opened = _openness(canvas.template, canvas.faces)
    return np.where(lids, 0.35 * opened + 0.65 * _openness(closed_eyes, canvas.faces), opened)


def _openness(vertices: Array, faces: Index) -> Array:
    """[V] ambient occlusion by disks (Bunnell 2005): 1 in the open, towards 0 in the mouth and behind the ears."""
    corners = vertices[faces]
    centers = corners.mean(axis=1)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas, directions = 0.5 * np.linalg.norm(cross, axis=1), normalized(cross)
    normals = vertex_normals(vertices, faces)
    openness = np.empty(len(vertices))
    for chunk in np.array_split(np.arange(len(openness)), max(1, len(openness) // 200)):
        offset = centers - (vertices[chunk] + 5e-4 * normals[chunk])[:, None]  # [n, F, 3]
        squared = (offset**2).sum(axis=2) + 1e-9
        distance = np.sqrt(squared)
        seen = np.clip((offset * normals[chunk][:, None]).sum(axis=2) / distance, 0, 1)
        turned = np.clip(-(offset * directions).sum(axis=2) / distance, 0, 1)
        covered = (areas * seen * turned / (np.pi * squared + areas)).sum(axis=1)
        openness[chunk] = np.exp(-1.15 * covered)
    return openness
