"""The open head without its torso, cut and refined to FLAME's numbers of vertices and triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.flame_file import EXPRESSION, FACES, IDENTITY, PARENTS, VERTICES
from renderer.head.model import HeadModel, Part
from renderer.head.open_head import load_open_head

ORIGIN = np.array([0.001, 0.026, 0.031])
"""Where the eyes' middle lies: FLAME's origin is somewhere else than ours."""
JOINT_VERTICES = 80
Array = NDArray[np.float64]


def synthetic_flame(seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """FLAME's arrays by FLAME's names, float64 and uint32 as published.

    Identity directions are smooth random fields. The first 50 expression directions are the open head's in a random
    orthogonal mixture, so that nothing can work by accident of the same basis.
    """
    rng = np.random.default_rng(seed)
    head = load_open_head()
    vertex_data, faces = _without_torso(head)
    for part in (Part.LEFT_EYE, Part.RIGHT_EYE):
        eye = np.flatnonzero(vertex_data[:, -1] == part)
        vertex_data, faces = _split(vertex_data, faces, _edges(faces[np.isin(faces[:, 0], eye)])[0])
    vertex_data, faces = _refine_to_size(vertex_data, faces)
    order = np.argsort(np.isin(vertex_data[:, -1], [Part.LEFT_EYE, Part.RIGHT_EYE]), kind="stable")  # eyes last
    vertex_data, faces = vertex_data[order], np.argsort(order)[faces]
    template, expression, correctives, weights = np.split(vertex_data[:, :-1], np.cumsum([3, 150, 108]), axis=1)
    mixture = np.linalg.qr(rng.normal(size=(50, 50)))[0]
    rest = _smooth_fields(template, EXPRESSION - 50, 0.0002, rng)
    template = template + ORIGIN
    directions = [
        _smooth_fields(template, IDENTITY, 0.001, rng),
        expression.reshape(VERTICES, 3, 50) @ mixture,
        rest,
    ]
    joints = (head.J_regressor @ head.v_template).astype(np.float64) + ORIGIN
    return {
        "v_template": template,
        "f": faces.astype(np.uint32),
        "shapedirs": np.concatenate(directions, axis=2),
        "posedirs": correctives.reshape(VERTICES, 3, 36),
        "J_regressor": _regressor(template, joints),
        "J": joints,
        "kintree_table": np.array([PARENTS, range(5)], np.int64).astype(np.uint32),
        "weights": weights / weights.sum(axis=1, keepdims=True),
    }


def _without_torso(head: HeadModel) -> tuple[Array, NDArray[np.int64]]:
    """[v, 267] position, expression, correctives, weights, part of each vertex that is left; [f, 3] triangles."""
    kept = np.isin(head.parts, [Part.SKIN, Part.LEFT_EYE, Part.RIGHT_EYE])
    faces = head.faces[kept[head.faces].all(axis=1)]
    used, faces = np.unique(faces, return_inverse=True)
    data = [
        head.v_template,
        head.expressiondirs.reshape(-1, 150),
        np.moveaxis(head.posedirs, 0, 2).reshape(-1, 108),
        head.lbs_weights,
        head.parts[:, None],
    ]
    return np.concatenate(data, axis=1)[used].astype(np.float64), faces.reshape(-1, 3).astype(np.int64)


def _refine_to_size(data: Array, faces: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Splits the longest edges; one inside adds two triangles, one at the rim adds one."""
    more, more_faces = VERTICES - len(data), FACES - len(faces)
    inside, rim = more_faces - more, 2 * more - more_faces
    points, halved = data[:, :3], []
    for wanted, uses in ((inside, 2), (rim, 1)):
        for _ in range(wanted):
            edges, counts = _edges(faces)
            edges = edges[counts == uses]
            lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
            longest = edges[lengths.argmax()]
            points, faces = _split(points, faces, longest[None])
            halved.append(longest)
    if (len(points), len(faces)) != (VERTICES, FACES):
        raise ValueError("the open head does not refine to FLAME's size")
    refined = np.concatenate([data, np.zeros((more, data.shape[1]))])
    for row, edge in enumerate(halved, len(data)):
        refined[row] = refined[edge].mean(axis=0)
    return refined, faces


def _edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n, 2] vertices of each edge, sorted; [n] in how many triangles it is."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    count = pairs.max() + 1
    keys, uses = np.unique(pairs[:, 0] * count + pairs[:, 1], return_counts=True)
    return np.stack([keys // count, keys % count], axis=1), uses


def _split(data: Array, faces: NDArray[np.int64], edges: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Puts a vertex into the middle of each edge [n, 2] of these triangles, one edge after the other."""
    for middle, edge in enumerate(edges, len(data)):
        touched = ((faces == edge[0]) | (faces == edge[1])).sum(axis=1) == 2
        first, second = (np.where(faces[touched] == corner, middle, faces[touched]) for corner in edge)
        faces = np.concatenate([faces[~touched], first, second])
    return np.concatenate([data, data[edges].mean(axis=1)]), faces


def _smooth_fields(points: Array, count: int, size_m: float, rng: np.random.Generator) -> Array:
    """[V, 3, count] random waves of about a head's length, smaller from one to the next."""
    waves = rng.normal(0, 15, (count, 3))
    directions = rng.normal(0, 1, (count, 3))
    phases = rng.uniform(0, 2 * np.pi, count)
    sizes = size_m / np.sqrt(1 + np.arange(count))
    return np.cos(points @ waves.T + phases)[:, None, :] * (directions.T * sizes)[None]


def _regressor(template: Array, joints: Array) -> Array:
    """[5, V] least-norm affine combinations of the nearest vertices."""
    regressor = np.zeros((len(joints), len(template)))
    for row, joint in zip(regressor, joints, strict=True):
        near = np.argsort(np.linalg.norm(template - joint, axis=1), kind="stable")[:JOINT_VERTICES]
        system = np.concatenate([template[near] - joint, np.full((len(near), 1), 0.1)], axis=1).T
        row[near] = np.linalg.pinv(system) @ np.array([0.0, 0.0, 0.0, 0.1])
    return regressor
