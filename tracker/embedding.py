"""Ties MediaPipe's 478 landmarks to the surface of a head model, by running MediaPipe on drawings of it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from renderer.head import draw
from renderer.head.closest import closest_on_mesh
from renderer.head.model import Part
from tracker.assets import locate_model
from tracker.detection import LANDMARKS
from tracker.topology import LEFT_IRIS, RIGHT_IRIS

Array = NDArray[np.float64]
Poser = Callable[[float, float], Array]
"""(yaw, jaw opening in radians) -> [V, 3] vertices in the camera frame."""
Detector = Callable[[NDArray[np.uint8]], Array | None]
"""RGB picture -> [478, 2] pixels, or None without a face (tracker.finder.FaceFinder)."""

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
IRIS_RADIUS = 0.0062
VIEWS = ((0, 1.0), (12, 0.7), (-12, 0.7), (25, 0.5), (-25, 0.5), (38, 0.3), (-38, 0.3))
"""(degrees of yaw, trust) of the drawings."""


class NoFaceFound(ValueError):
    """MediaPipe sees no face in a drawing of the head model."""


@dataclass(frozen=True, eq=False)
class Sitter:
    """A head to be drawn.

    Args:
        vertices: [V, 3] template, head frame.
        faces: [F, 3].
        parts: [V], see renderer.head.model.Part.
        outer: face ids of the outer skin, without the insides of mouth and eye sockets.
        colors: [V, 3] albedo for the drawings.
        pose: poses the head.
        blockers: face ids of what can hide the outer skin; by default nothing but itself does.
        twins: [V] mirror image of each vertex, for a mesh that is mirror-symmetric.
    """

    vertices: Array
    faces: NDArray[np.integer]
    parts: NDArray[np.uint8]
    outer: NDArray[np.int64]
    colors: Array
    pose: Poser
    blockers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    twins: NDArray[np.int64] | None = None

    def drawing(self, posed: Array) -> NDArray[np.uint8]:
        """[SIZE, SIZE, 3] RGB picture of posed vertices in the camera frame."""
        return draw.shade(posed, self.faces, self.colors, FOCAL, SIZE)


@dataclass(frozen=True, eq=False)
class Embedding:
    """Landmark positions on the mesh; fields as in HeadModel."""

    faces: NDArray[np.int64]
    barycentrics: Array
    weights: Array

    def points(self, vertices: Array, faces: NDArray[np.integer]) -> Array:
        """[478, 3] landmarks on a posed mesh."""
        return (vertices[faces[self.faces]] * self.barycentrics[..., None]).sum(axis=1)


def find_face(detector: Detector, picture: NDArray[np.uint8]) -> Array:
    """[478, 2] landmarks of the one face in a drawing.

    Raises:
        NoFaceFound: there is none.
    """
    found = detector(picture)
    if found is None:
        raise NoFaceFound("MediaPipe sees no face in the drawings of this head model, so it cannot be tracked.")
    return found


def embed(sitter: Sitter, jaw_open: float, detector: Detector) -> Embedding:
    """Finds the embedding.

    Args:
        sitter: the head.
        jaw_open: opening (radians) at which the lips' inner landmarks are found.
        detector: the landmark detector.

    Raises:
        NoFaceFound: a drawing does not look like a face to it.
    """
    vertices, faces, pose = sitter.vertices, sitter.faces, sitter.pose
    frontal = find_face(detector, sitter.drawing(pose(0.0, 0.0)))
    mirror = mirror_pairs()
    embedding = Embedding(np.zeros(LANDMARKS, np.int64), np.zeros((LANDMARKS, 3)), np.ones(LANDMARKS))
    for opening, chosen in ((0.0, np.setdiff1d(np.arange(468), INNER_LIPS)), (jaw_open, np.array(INNER_LIPS))):
        rest = _to_head(pose(0.0, opening), pose(0.0, 0.0), vertices)
        points, scatter = _surface_points(sitter, rest, opening, detector)
        points = (points + points[mirror] * [-1.0, 1.0, 1.0]) / 2
        spread = np.hypot(scatter, scatter[mirror]) / np.sqrt(2)
        embedding.weights[chosen] = (1 / (1 + (spread / TRUSTED_SCATTER) ** 2))[chosen].clip(LEAST_WEIGHT)
        embedding.faces[chosen], embedding.barycentrics[chosen] = closest_on_mesh(
            points[chosen], rest, faces, sitter.outer
        )
    if sitter.twins is not None:
        _mirror_left_from_right(embedding, mirror, faces, sitter.twins, frontal[:, 0])
    for first, part in ((RIGHT_IRIS, Part.RIGHT_EYE), (LEFT_IRIS, Part.LEFT_EYE)):
        ball = np.flatnonzero((sitter.parts[faces] == part).all(axis=1))
        points = _iris_points(vertices[sitter.parts == part], frontal[first : first + 5])
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
    with zipfile.ZipFile(locate_model().path) as archive:
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


def _surface_points(sitter: Sitter, rest: Array, opening: float, detector: Detector) -> tuple[Array, Array]:
    """[478, 3] where the detected landmarks lie on the unturned mesh, averaged over views; [478] scatter over views."""
    squares = np.zeros((LANDMARKS, 1))
    total = np.zeros((LANDMARKS, 3))
    weight = np.zeros((LANDMARKS, 1))
    faces = sitter.faces
    visible = faces[np.concatenate([sitter.outer, sitter.blockers])]  # outer ones first
    for degrees, trust in VIEWS:
        posed = sitter.pose(np.radians(degrees), opening)
        found = find_face(detector, sitter.drawing(posed))
        hits = draw.cast(posed, visible, FOCAL, SIZE)
        found = _pull_inside(found, (hits.faces >= 0) & (hits.faces < len(sitter.outer)))
        column, row = np.floor(found).astype(int).T
        face, mix = hits.faces[row, column], hits.barycentrics[row, column]
        normals = draw.vertex_normals(posed, faces)
        normal = (normals[visible[face]] * mix[..., None]).sum(axis=1)
        towards = -(posed[visible[face]] * mix[..., None]).sum(axis=1)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        share = trust * ((normal * towards).sum(axis=1, keepdims=True).clip(0.02) ** 2)
        if degrees:
            share[OVAL] *= 1e-3
        place = (rest[visible[face]] * mix[..., None]).sum(axis=1)
        total += share * place
        squares += share * (place**2).sum(axis=1, keepdims=True)
        weight += share
    mean = total / weight
    variance = squares / weight - (mean**2).sum(axis=1, keepdims=True)
    return mean, np.sqrt(variance.clip(0.0))[:, 0]


def _pull_inside(points: Array, mask: NDArray[np.bool_]) -> Array:
    """Moves points that miss the head, or the picture, to the nearest pixel of it."""
    rows, columns = np.nonzero(mask)
    result = points.clip(0, len(mask) - 1)
    inside = result.astype(int)
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
