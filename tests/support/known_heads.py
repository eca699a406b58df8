"""Takes of a head whose shape, hair and colors are known: a posed mesh, painted by place."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.identity import warp
from enrolment.placement_surface import MESH_LANDMARKS, cast_mesh, landmarks_on, regions_of
from enrolment.placement_views import project
from enrolment.take import SIDE, Take
from renderer.head.draw import vertex_normals
from renderer.head.open_head import load_open_head
from renderer.head.pose import pose_vertices

FOCAL = 650.0
HAIR_M = 0.018


def paint_by_place(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """[n, 3] colors 0..1 of places on the resting head."""
    return np.clip([0.5, 0.45, 0.5] + points @ np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0]]), 0.05, 0.95)


@cache
def known_shape() -> NDArray[np.float64]:
    """[V, 3] a long, narrow face with a strong nose."""
    head = load_open_head()
    marks = landmarks_on(head, head.v_template)[:MESH_LANDMARKS]
    offsets = (marks - marks.mean(axis=0)) * [-0.06, 0.08, 0.0]
    near_nose = np.exp(-0.5 * (np.linalg.norm(marks - marks[1], axis=1) / 0.015) ** 2)
    offsets[:, 2] += 0.008 * near_nose
    return warp(head, offsets)


@cache
def known_hair() -> NDArray[np.float64]:
    """[V, 3] the known shape with hair all around."""
    head, shape = load_open_head(), known_shape()
    vertices = head.v_template + shape
    return shape + HAIR_M * regions_of(head).hair[:, None] * vertex_normals(vertices, head.faces)


def known_faces(count: int) -> list[FaceParams]:
    """A head that turns and nods, with some expression, jaw and blinks."""
    rng = np.random.default_rng(3)
    faces = []
    for index in range(count):
        phase = 2 * np.pi * index / max(count, 2)
        vector = FaceParams.neutral(distance_m=0.6).to_vector()
        vector[:50] = 0.3 * rng.normal(size=50)
        vector[50:53] = 0.2 * np.sin(2 * phase), 0.5 * np.sin(phase), 0.1 * np.sin(3 * phase)
        vector[53:56] += 0.02 * np.sin(phase), 0.01, 0.02 * np.cos(phase)
        vector[56] = 0.1 * (1 + np.sin(5 * phase))
        vector[59:61] = float(index % 8 == 7)
        faces.append(FaceParams.from_vector(vector))
    return faces


@cache
def known_take(count: int) -> Take:
    """`count` pictures of the known head, told by a tracker that is always right; nothing is held out."""
    head, shape = load_open_head(), known_hair()
    K = np.array([[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1]], np.float32)
    colors = (255 * paint_by_place(head.v_template + shape)).astype(np.float64)[head.faces].mean(axis=1)
    images = np.full((count, SIDE, SIDE, 3), 90, np.uint8)
    alphas = np.zeros((count, SIDE, SIDE), np.uint8)
    landmarks, vectors = [], []
    for index, face in enumerate(known_faces(count)):
        posed = pose_vertices(head, shape.astype(np.float32), face).astype(np.float64)
        pixels = project(posed, K)
        seen, _ = cast_mesh(pixels, 1 / posed[:, 2], head.faces, SIDE, SIDE)
        alphas[index] = 255 * (seen >= 0)
        images[index][seen >= 0] = colors[seen[seen >= 0]]
        skin = pose_vertices(head, known_shape().astype(np.float32), face)
        landmarks.append(project(landmarks_on(head, skin), K))
        vectors.append(face.to_vector())
    return Take(
        images=images,
        alphas=alphas,
        time_s=np.arange(count) / 25,
        vectors=np.array(vectors, np.float32),
        landmarks_px=np.array(landmarks, np.float32),
        scores=np.zeros((count, 52), np.float32),
        K=K,
        held_out=np.zeros(count, bool),
        person=None,
        head_model_id=head.model_id,
    )
