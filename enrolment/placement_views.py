"""Some pictures of a take with the posed mesh behind them: what initial avatars look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.placement_surface import Surface, cast_mesh, normalized
from enrolment.take import Take
from renderer.head.model import Part
from renderer.head.pose import FLIP, pose_vertices, rotation_matrix

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_ROTATION_UNIT, _EXPRESSION_UNIT, _JAW_UNIT, _LID_UNIT = 0.1, 3.0, 0.08, 0.6
"""Differences that count as one when pictures are compared: radians, standard deviations, radians, closure."""
_BOX_PICTURES, _BOX_ROWS = 12, 4


def choose_pictures(take: Take, count: int) -> Index:
    """At most `count` training pictures that differ as much as they can; the plainest face comes first."""
    indices = take.train_indices
    return indices[_far_apart(_features(take.vectors[indices]), count)]


def choose_calm_pictures(take: Take, count: int) -> Index:
    """At most `count` training pictures of a resting face from all sides; the plainest comes first."""
    indices = take.train_indices
    features = _features(take.vectors[indices])
    calm = np.argsort((features[:, 3:] ** 2).sum(axis=1), kind="stable")[: max(1, len(indices) // 3)]
    return indices[calm[_far_apart(features[calm, :3], count)]]


def _features(vectors: NDArray[np.float32]) -> Array:
    """[T, 58] rotation, expression, jaw and eyelids, in comparable units."""
    rows = vectors.astype(np.float64)
    rotation, rest = rows[:, 50:53] / _ROTATION_UNIT, rows[:, :50] / _EXPRESSION_UNIT
    return np.concatenate([rotation, rest, rows[:, 56:59] / _JAW_UNIT, rows[:, 59:61] / _LID_UNIT], axis=1)


def _far_apart(features: Array, count: int) -> list[int]:
    chosen = [int((features**2).sum(axis=1).argmin())]
    apart = np.linalg.norm(features - features[chosen[0]], axis=1)
    while len(chosen) < min(count, len(features)):
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return chosen


def is_cut_short(take: Take) -> bool:
    """Whether the person ends above the lower end of what was recorded, as before the bars of a wide film."""
    indices = take.train_indices
    some = indices[np.linspace(0, len(indices) - 1, min(len(indices), _BOX_PICTURES)).astype(int)]
    return not bool((take.alphas[some, take.inner[3] - _BOX_ROWS : take.inner[3]] > 128).any())


def median_pose(take: Take) -> FaceParams:
    """The tracker's typical face: the median of the training pictures."""
    return FaceParams.from_vector(np.median(take.vectors[take.train_indices], axis=0))


def project(points: NDArray[np.floating], K: NDArray[np.floating]) -> Array:
    """[..., 2] pixels of points [..., 3] in the camera frame."""
    return points[..., :2] / points[..., 2:] * K[[0, 1], [0, 1]].astype(np.float64) + K[:2, 2].astype(np.float64)


@dataclass(frozen=True, eq=False)
class View:
    """One picture and the mesh as it is posed there.

    Args:
        picture: index into the take.
        posed: [V, 3] vertices, camera frame.
        skull: [V, 3] the resting head moved by the skull alone.
        inverse_depth: [SIDE, SIDE] of the head without the torso, 0 where it is not.
    """

    picture: int
    posed: Array
    skull: Array
    inverse_depth: Array


def view_of(take: Take, surface: Surface, picture: int, params: FaceParams) -> View:
    """The mesh of one picture, posed by `params`."""
    head = surface.head
    posed = pose_vertices(head, surface.shape_offsets.astype(np.float32), params).astype(np.float64)
    turn = FLIP @ rotation_matrix(params.global_rotation)
    skull = surface.vertices @ turn.T + params.translation
    height, width = take.alphas.shape[1:]
    above = head.faces[surface.face_parts != Part.TORSO]
    _, inverse_depth = cast_mesh(project(posed, take.K), 1.0 / posed[:, 2].clip(0.01), above, height, width)
    return View(picture, posed, skull, inverse_depth)


def share_inside(take: Take, pixels: Array, pictures: list[int]) -> Array:
    """[N] share of the pictures in whose matte points lie, of those that show their place; 1 where none does.

    Args:
        take: the person.
        pixels: [P, N, 2] where the points are in each picture.
        pictures: the P pictures.
    """
    left, top, right, bottom = take.inner
    lowest = np.inf if is_cut_short(take) else bottom
    shown = (pixels >= [left, top]).all(axis=2) & (pixels < [right, lowest]).all(axis=2)
    mattes = np.array([at_pixels(take.alphas[picture], place) for picture, place in zip(pictures, pixels, strict=True)])
    inside = (mattes > 128) & shown & (pixels[..., 1] < bottom)
    return np.where(shown.any(axis=0), inside.sum(axis=0) / shown.sum(axis=0).clip(1), 1.0)


def facing(posed: Array, faces: NDArray[np.integer]) -> Array:
    """[F] cosine between each triangle's normal and the direction to the camera."""
    corners = posed[faces]
    normal = normalized(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    return -(normal * normalized(corners.mean(axis=1))).sum(axis=1)


def at_pixels(picture: NDArray[np.generic], pixels: Array) -> Array:
    """[n] or [n, C] bilinear samples of `picture` [H, W(, C)] at positions [n, 2] (pixel centers at +0.5)."""
    at = (pixels - 0.5).astype(np.float32)[None]
    x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    source: Any = picture
    return np.asarray(cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0], np.float64)
