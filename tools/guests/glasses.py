"""Glasses: two round frames, a bridge and temples, fixed to the skull."""

from __future__ import annotations

import numpy as np

from tools.guests.canvas import Array, Canvas, normalized
from tools.guests.hair import scalp_faces
from tools.guests.light import hex_color, shade
from tools.guests.splats import Splats, axes_from_tangent

MM = 1e-3


def paint_glasses(canvas: Canvas, color: str) -> list[Splats]:
    """A frame around both eyes, and the temples back to the ears."""
    centers = canvas.eye_centers
    front = centers[:, 2].mean() + canvas.eye_radius + 12.0 * MM
    wires = []
    turns = np.linspace(0, 2 * np.pi, 65)
    for side in (0, 1):
        sign = 1 if side == 0 else -1
        x = centers[side, 0] + sign * 2.5 * MM + 23.0 * MM * _squircle(np.cos(turns))
        y = -4.0 * MM + 19.0 * MM * _squircle(np.sin(turns))
        z = front - 0.10 * np.abs(x - centers[side, 0]) - 0.6 * np.maximum(np.abs(x) - 0.040, 0)
        wires.append((np.stack([x, y, z], axis=1), 1.05))
        ear = np.array([sign * 0.0775, 0.003, -0.083])
        t = np.linspace(0, 1, 34)[:, None]
        start = np.array([sign * 0.0535, 0.004, front - 0.0115])
        corner = np.array([sign * 0.0765, 0.006, front - 0.030])
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * np.array([sign * 0.0785, 0.006, -0.035])
        wires.append((curve, 1.0))
        wires.append((curve[-1] + t * (ear - curve[-1]), 1.0))
    t = np.linspace(-1, 1, 15)
    bridge = np.stack([8.6 * MM * t, 3.0 * MM - 1.5 * MM * t**2, front - 1.0 * MM + 1.6 * MM * (1 - t**2)], axis=1)
    wires.append((bridge, 1.05))
    return [_wire(canvas, points, width * MM, color) for points, width in wires]


def _squircle(value: Array) -> Array:
    return np.sign(value) * np.abs(value) ** 0.82


def _wire(canvas: Canvas, points: Array, width: float, color: str) -> Splats:
    middle = 0.5 * (points[1:] + points[:-1])
    segment = points[1:] - points[:-1]
    length = np.linalg.norm(segment, axis=1)
    axes = axes_from_tangent(normalized(segment), np.broadcast_to([0.0, 0.35, 1.0], middle.shape))
    sigmas = np.stack([0.62 * length, 0 * length + width, 0 * length + 0.8 * width], axis=1)
    lit = shade(np.broadcast_to(hex_color(color), middle.shape), axes[:, :, 2], np.ones(len(middle)), 0.8, 0.0)
    spots = canvas.nearest_spots(middle, scalp_faces(canvas))
    return Splats("glasses", spots, middle, axes, sigmas, lit, np.full(len(middle), 0.97), rigid=True)
