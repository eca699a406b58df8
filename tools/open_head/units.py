"""The face units on the bust, repaired where the average face needs it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import Part
from tools import anny_data
from tools.open_head.shape import Bust

LID_OVERLAP = 0.0004
"""How far (metres) a closed upper lid passes the lower one, so that no eye shines through."""
LID_LOOP = 2
"""Edge loops between the seam inside the lids and the visible rim of the lids."""
SMOOTHING_ROUNDS = 6
Array = NDArray[np.float64]


def face_units(bust: Bust) -> dict[str, Array]:
    """Face unit -> [V, 3] displacement in metres, sorted by name, mirror-symmetric.

    Three repairs: smiles crease the cheek of the average face, so mouth units are smoothed away from the lips; blinks
    were made for wider eyes, so they are scaled until the lids just meet; both halves of a mirror pair agree.
    """
    units = {name: bust.displacement(unit) for name, unit in anny_data.face_units().items()}
    mirror = mirror_vertices(bust)
    flip = np.array([-1.0, 1.0, 1.0])
    units = {name: (unit + units[_swap_sides(name)][mirror] * flip) / 2 for name, unit in units.items()}
    soft = _away_from_lips(bust)
    for name in units:
        if name.startswith("mouth") and name != "mouthClose":
            units[name] = _smooth(bust, units[name], soft)
    for side in ("Left", "Right"):
        units[f"eyeBlink{side}"] = _close_exactly(bust, units[f"eyeBlink{side}"], 1.0 if side == "Left" else -1.0)
    return units


def mirror_vertices(bust: Bust) -> NDArray[np.int64]:
    """[V] index of each vertex' mirror image.

    Raises:
        ValueError: the bust is not symmetric.
    """
    order = {tuple(row): index for index, row in enumerate(np.round(bust.vertices * 1e7).astype(int).tolist())}
    try:
        return np.array([order[(-x, y, z)] for x, y, z in order])
    except KeyError:
        raise ValueError("the bust is not mirror-symmetric") from None


def _swap_sides(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


def edge_loops(bust: Bust, ring: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """[V] number of edges between each vertex and `ring` on the outer skin, `count` + 1 where it is further."""
    skin = bust.faces[outer_skin(bust)]
    distance = np.full(len(bust.vertices), count + 1)
    distance[ring] = 0
    for step in range(count):
        touched = np.unique(skin[distance[skin].min(axis=1) == step])
        distance[touched] = np.minimum(distance[touched], step + 1)
    return distance


def lid_seam(bust: Bust, sign: float) -> NDArray[np.int64]:
    """Vertices of the seam between the outer skin and the socket of the left (+1) or right (-1) eye."""
    seam = _inner_seams(bust)
    return seam[(np.abs(bust.vertices[seam, 1]) < 0.02) & (sign * bust.vertices[seam, 0] > 0.005)]


def lip_seam(bust: Bust) -> NDArray[np.int64]:
    """Vertices of the seam between the outer skin and the inside of the mouth."""
    seam = _inner_seams(bust)
    x, y, z = bust.vertices[seam].T
    return seam[(np.abs(x) < 0.04) & (np.abs(y + 0.065) < 0.025) & (z > -0.02)]


def _inner_seams(bust: Bust) -> NDArray[np.int64]:
    outer = outer_skin(bust)
    inner = bust.faces[~outer & (bust.parts[bust.faces[:, 0]] == Part.SKIN)]
    return np.intersect1d(bust.faces[outer], inner)


def outer_skin(bust: Bust) -> NDArray[np.bool_]:
    """[F] which triangles are face, scalp and throat, not mouth cavity or eye sockets (MakeHuman's largest chart)."""
    label = np.arange(bust.uv_faces.max() + 1)
    while True:
        lowest = label[bust.uv_faces].min(axis=1)
        update = label.copy()
        np.minimum.at(update, bust.uv_faces.ravel(), np.repeat(lowest, 3))
        if (update == label).all():
            charts = label[bust.uv_faces[:, 0]]
            return charts == np.bincount(charts).argmax()
        label = update


def _away_from_lips(bust: Bust) -> Array:
    """[V, 1] 0 at lips, lids and inside the mouth .. 1 from about 15 mm away from the mouth's corners outwards."""
    x, y, z = bust.vertices.T
    sideways = np.clip((np.abs(x) - 0.026) / 0.01, 0.0, 1.0)
    below_eyes = np.clip((-0.02 - y) / 0.01, 0.0, 1.0)
    outer = np.zeros(len(x))
    outer[np.unique(bust.faces[outer_skin(bust)])] = 1.0
    return (sideways * below_eyes * outer * (z > -0.04))[:, None]


def _smooth(bust: Bust, unit: Array, share: Array) -> Array:
    edges = np.concatenate([bust.faces[:, [0, 1]], bust.faces[:, [1, 2]], bust.faces[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    valence = np.bincount(edges[:, 0], minlength=len(unit))[:, None]
    for _ in range(SMOOTHING_ROUNDS):
        mean = np.zeros_like(unit)
        np.add.at(mean, edges[:, 0], unit[edges[:, 1]])
        unit = unit + 0.6 * share * (mean / valence - unit)
    return unit


def _close_exactly(bust: Bust, blink: Array, sign: float) -> Array:
    """Scales a blink, as a function of the place along the lid, so that the visible rims meet and no more."""
    rim = np.flatnonzero(edge_loops(bust, lid_seam(bust, sign), LID_LOOP) == LID_LOOP)
    x, y = sign * bust.vertices[rim, 0], bust.vertices[rim, 1]
    corners = [x.argmin(), x.argmax()]
    line = np.interp(x, x[corners], y[corners])
    moving = blink[rim, 1] < -0.002
    upper, lower = np.flatnonzero((y > line) & moving), np.flatnonzero((y < line) & ~moving)
    lower = lower[np.argsort(x[lower])]
    lower_end = y + blink[rim, 1]
    gap = y[upper] - np.interp(x[upper], x[lower], y[lower])
    closed_gap = (y + blink[rim, 1])[upper] - np.interp(x[upper], x[lower], lower_end[lower])
    share = (gap + LID_OVERLAP) / (gap - closed_gap)
    curve = np.polyfit(x[upper], share, 2, w=gap)
    along = np.clip(sign * bust.vertices[:, 0], x[upper].min(), x[upper].max())
    return blink * np.clip(np.polyval(curve, along), 0.3, 1.1)[:, None]
