"""Eyelid shapes for heads that come without (FLAME): lids that turn about the eye until their rims meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.errors import HeadModelError
from renderer.head import draw
from renderer.head.pose import FLIP

Array = NDArray[np.float64]

SPAN_M, SIZE_PX, DISTANCE_M = 0.056, 224, 2.0
"""Width, pixels and distance of the picture in which the opening between the lids is looked for."""
MEETING = 0.15
"""Where the rims meet, as a share of the opening from below: the lower lid hardly rises."""
OVERLAP_M = 0.0004
"""How far the upper rim passes the lower one, so that no eye shines through."""
CLEARANCE_M = 0.0003
"""Between eyeball and half-closed lid. Lids move on straight lines, chords that would cut through the eyeball."""
FADE_UP, FADE_DOWN = 0.9, 0.6
"""Angles (radians) above the upper and below the lower rim at which the skin is still again."""
SKIN_M = (0.002, 0.008)
"""Heights over the eyeball between which the skin is less and less part of the lid."""
CORNER_M = 0.005
"""Beyond the eye's corners the skin is still again after this."""
STEP_M = 1e-5
"""Results are rounded to this, so that every machine makes the same head of the same file."""


@dataclass(frozen=True, eq=False)
class _Opening:
    """What is seen between the lids, relative to the eye's center: at x [n] metres, elevations of both rims [n] rad."""

    x: Array
    upper: Array
    lower: Array


def eyelid_closure(
    vertices: Array, faces: NDArray[np.integer], ball: NDArray[np.bool_], skin: NDArray[np.bool_], center: Array
) -> NDArray[np.float32]:
    """[V, 3] displacement (metres) that closes one eye, zero outside its lids.

    Args:
        vertices: [V, 3] head frame (RUB), metres.
        faces: [F, 3].
        ball: [V] vertices of the eyeball.
        skin: [V] vertices of the skin.
        center: [3] of the eyeball.

    Raises:
        HeadModelError: the eye is not open, or not seen from the front.
    """
    relative = vertices - center
    radius = float(np.linalg.norm(relative[ball & (relative[:, 2] > 0)], axis=1).max(initial=0.0))
    opening = _find_opening(relative, faces, ball, radius)
    x, y, z = relative.T
    elevation = np.arctan2(y, z)
    distance = np.linalg.norm(relative, axis=1)
    upper, lower = (np.interp(x, opening.x, rim) for rim in (opening.upper, opening.lower))
    size = upper - lower
    overlap = OVERLAP_M / radius * (size / size.max())
    down = (1 - MEETING) * size + overlap
    share_down = _fade((elevation - upper) / FADE_UP)
    share_up = _fade((lower - elevation) / FADE_DOWN)
    is_upper = elevation > (upper + lower) / 2
    angle = np.where(is_upper, down * share_down, -MEETING * size * share_up)
    beyond = np.maximum(opening.x[0] - x, x - opening.x[-1]) / CORNER_M
    angle *= _fade(beyond) * _fade((distance - radius - SKIN_M[0]) / (SKIN_M[1] - SKIN_M[0]))
    angle[~skin | (z < 0)] = 0.0
    moved = np.where(angle != 0, 1.0, 0.0)[:, None] * (_turned(relative, angle, radius) - relative)
    return (np.round(moved / STEP_M) * STEP_M + 0.0).astype(np.float32)  # no -0.0, whose bytes differ


def _find_opening(relative: Array, faces: NDArray[np.integer], ball: NDArray[np.bool_], radius: float) -> _Opening:
    near = (np.abs(relative[faces]) < SPAN_M).all(axis=(1, 2))
    seen = draw.cast(relative @ FLIP + [0.0, 0.0, DISTANCE_M], faces[near], SIZE_PX / SPAN_M * DISTANCE_M, SIZE_PX)
    of_ball = np.append(ball[faces[near]].all(axis=1), False)  # the last one: nothing is seen
    eye = of_ball[seen.faces]
    columns = np.flatnonzero(eye.sum(axis=0) >= 2)
    if len(columns) < SIZE_PX // 10 or radius <= 0:
        raise HeadModelError("The head model's eyes are not open or not where its joints say.")
    pixel = SPAN_M / SIZE_PX
    x = np.asarray((columns + 0.5) * pixel - SPAN_M / 2, np.float64)
    top = SPAN_M / 2 - eye[:, columns].argmax(axis=0) * pixel
    bottom = eye[::-1, columns].argmax(axis=0) * pixel - SPAN_M / 2
    kernel = np.ones(5) / 5

    def elevation(rim: NDArray[np.floating]) -> Array:
        smooth = np.convolve(np.pad(rim, 2, mode="edge"), kernel, mode="valid")
        return np.arctan2(smooth, np.sqrt((radius**2 - x**2 - smooth**2).clip((0.2 * radius) ** 2))).astype(np.float64)

    return _Opening(x, elevation(top), elevation(bottom))


def _fade(value: Array) -> Array:
    """1 at 0 and below .. 0 at 1 and above, smoothly."""
    t = value.clip(0.0, 1.0)
    return 1 - t * t * (3 - 2 * t)


def _turned(relative: Array, angle: Array, radius: float) -> Array:
    """[V, 3] points turned downwards by `angle` about the eye's x axis, moved out so that halfway is clear of it."""
    x, y, z = relative.T
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([x, cos * y - sin * z, sin * y + cos * z], axis=1)
    # The chord's middle is |p + s R p| / 2 from the center: the least s that keeps it clear of the eyeball.
    in_plane = (y**2 + z**2).clip(1e-12)
    wanted = np.minimum(np.linalg.norm(relative, axis=1), radius + CLEARANCE_M) ** 2 - x**2
    scale = np.sqrt((cos**2 - 1 + 4 * wanted / in_plane).clip(0.0)) - cos
    return turned * np.stack([np.ones_like(x), *(2 * [scale.clip(1.0, 1.15)])], axis=1)
