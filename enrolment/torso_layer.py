"""Shoulders, clothes and whatever else of the person is below the chin: a layer of Gaussians over the torso's mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.placement import ACROSS, IN_PLANE, OPACITY, Splats
from enrolment.placement_surface import CHIN, ROOT, Surface, cast_mesh, nearest, normalized
from enrolment.placement_views import at_pixels, is_cut_short, median_pose, project
from enrolment.take import Take
from renderer.avatar.rotations import quat_from_matrix
from renderer.head.model import Part
from renderer.head.pose import pose_vertices

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GAUSSIANS = 2_800
_BORDER_PX = 40
"""The layer goes on beyond the picture by this much, where the person does."""
_EDGE_PX = 3
"""Rows at the picture's lower end whose matte is not believed."""
_COARSE = 8
"""Pixels of a cell of the depth map."""
_LIKELY = 0.06
"""Share of the pictures that must show the person in a pixel."""
_PICTURES = 60


@dataclass(frozen=True, eq=False)
class TorsoLayer:
    """Gaussians of the torso, and which triangles they stand for.

    Args:
        splats: the Gaussians.
        covered: [F] triangles of the torso that need none of their own.
    """

    splats: Splats
    covered: Mask


def torso_layer(take: Take, surface: Surface, count: int = GAUSSIANS) -> TorsoLayer:
    """Covers what the pictures show of the person below the chin and the mesh's head does not.

    The layer lies on a smooth surface through the mesh's torso in the typical pose, and moves with the shoulders: every
    Gaussian is bound to the nearest triangle that only the root joint moves.
    """
    head, params = surface.head, median_pose(take)
    posed = pose_vertices(head, surface.shape_offsets.astype(np.float32), params).astype(np.float64)
    pixels = project(posed, take.K)
    torso = surface.face_parts == Part.TORSO
    bound = _root_triangles(surface)
    if not len(bound):
        return TorsoLayer(_nothing(), np.zeros(len(head.faces), bool))
    depth = _depth_map(take, posed, pixels, head.faces[torso])
    wanted = _wanted(take, surface, posed, pixels)
    step = max(3.0, float(np.sqrt(wanted.sum() / count)))
    border = _BORDER_PX
    side = take.alphas.shape[1]
    grid = np.arange(-border + step / 2, side + border, step)
    x, y = (axis.ravel() for axis in np.meshgrid(grid, grid))
    x = x + np.where((np.round((y - grid[0]) / step) % 2) > 0, step / 2, 0.0)  # rows of a honeycomb
    column = np.floor(x + border).astype(int).clip(0, wanted.shape[1] - 1)
    row = np.floor(y + border).astype(int).clip(0, wanted.shape[0] - 1)
    keep = wanted[row, column]
    x, y, row, column = x[keep], y[keep], row[keep], column[keep]
    if not len(x):
        return TorsoLayer(_nothing(), np.zeros(len(head.faces), bool))
    z, normals = _sample_surface(depth, take.K, x, y)
    points = np.stack([(x - take.K[0, 2]) / take.K[0, 0] * z, (y - take.K[1, 2]) / take.K[1, 1] * z, z], axis=1)
    spacing = step * z / float(take.K[0, 0])
    splats = _bind(points, normals, spacing, posed, head.faces, bound)
    middle = pixels[head.faces].mean(axis=1) + border
    inside = (middle >= 0).all(axis=1) & (middle < np.array(wanted.shape[::-1])).all(axis=1)
    shadow = wanted[middle[:, 1].clip(0, wanted.shape[0] - 1).astype(int),
                    middle[:, 0].clip(0, wanted.shape[1] - 1).astype(int)]  # fmt: skip
    return TorsoLayer(splats, torso & inside & shadow)


def _root_triangles(surface: Surface) -> NDArray[np.int64]:
    """Triangles that move with the root joint alone."""
    head = surface.head
    rigid = (head.lbs_weights[:, ROOT] > 0.999) & (np.abs(head.posedirs).max(axis=(0, 2)) < 1e-4)
    return np.flatnonzero(rigid[head.faces].all(axis=1))


def _wanted(take: Take, surface: Surface, posed: Array, pixels: Array) -> Mask:
    """[SIDE + 2 border, same] where the layer is: below the chin, where the person is, and not on the mesh's neck."""
    indices = take.train_indices
    some = indices[np.linspace(0, len(indices) - 1, min(len(indices), _PICTURES)).astype(int)]
    likely = (take.alphas[some] > 128).mean(axis=0) > _LIKELY
    left, top, right, bottom = take.inner
    likely = cv2.dilate(likely.astype(np.uint8), np.ones((7, 7), np.uint8))
    border, side = _BORDER_PX, len(likely)
    size = side + 2 * border
    bottom -= 0 if is_cut_short(take) else _EDGE_PX
    around = (0, 0 if is_cut_short(take) else border + side - bottom, left + border, side - right + border)
    grown = cv2.copyMakeBorder(likely[top:bottom, left:right], *around, cv2.BORDER_REPLICATE) > 0
    likely = np.zeros((size, size), bool)
    likely[border + top : border + top + len(grown)] = grown
    above = surface.head.faces[surface.face_parts != Part.TORSO]
    shown, _ = cast_mesh(pixels + border, 1 / posed[:, 2].clip(0.01), above, size, size)
    mesh = cv2.erode((shown >= 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    jaw_corners = [CHIN, 172, 397]
    heights = take.landmarks_px[some][:, jaw_corners, 1]
    chin_row = float(np.median(heights[:, 1:].mean(axis=1)))
    likely[: max(0, int(chin_row) + border)] = False
    return likely & ~mesh


def _depth_map(take: Take, posed: Array, pixels: Array, torso: NDArray[np.integer]) -> Array:
    """[n, n] smooth depth (metres) of the torso's surface in cells of the picture with its border, holes filled."""
    size = (take.alphas.shape[1] + 2 * _BORDER_PX) // _COARSE + 1
    _, inverse = cast_mesh((pixels + _BORDER_PX) / _COARSE, 1 / posed[:, 2].clip(0.01), torso, size, size)
    known = (inverse > 0).astype(np.float64)
    if not known.any():
        return np.full((size, size), float(np.median(posed[:, 2])))
    depth = np.where(inverse > 0, 1 / np.maximum(inverse, 1e-6), 0.0)
    filled, trust = np.zeros_like(depth), np.zeros_like(depth)
    for sigma, weight in ((1.5, 1.0), (4.0, 1e-2), (12.0, 1e-4), (40.0, 1e-6)):
        share = cv2.GaussianBlur(known, (0, 0), sigma)
        filled += weight * cv2.GaussianBlur(depth * known, (0, 0), sigma)
        trust += weight * share
    return np.asarray(cv2.GaussianBlur(filled / trust.clip(1e-12), (0, 0), 2.0), np.float64)


def _sample_surface(depth: Array, K: NDArray[np.floating], x: Array, y: Array) -> tuple[Array, Array]:
    """Depth [n] and unit normals [n, 3] towards the camera at pixels."""

    def at(u: Array, v: Array) -> Array:
        return at_pixels(depth, (np.stack([u, v], axis=1) + _BORDER_PX) / _COARSE)

    def point(u: Array, v: Array) -> Array:
        z = at(u, v)
        return np.stack([(u - K[0, 2]) / K[0, 0] * z, (v - K[1, 2]) / K[1, 1] * z, z], axis=1)

    reach = 12.0
    normal = np.cross(point(x, y + reach) - point(x, y - reach), point(x + reach, y) - point(x - reach, y))
    normal = normalized(normal)
    ray = normalized(point(x, y))
    tilt = -(normal * ray).sum(axis=1, keepdims=True)
    return at(x, y), normalized(normal - ray * np.maximum(0.5 - tilt, 0))  # never seen edge-on


def _bind(
    points: Array, normals: Array, spacing: Array, posed: Array, faces: NDArray[np.integer], bound: NDArray[np.int64]
) -> Splats:
    corners = posed[faces[bound]]
    owner = nearest(corners.mean(axis=1), points, 1)[0][:, 0]
    own = corners[owner]
    x = normalized(own[:, 1] - own[:, 0])
    z = normalized(np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0]))
    frames = np.stack([x, np.cross(z, x), z], axis=2)
    local = np.einsum("nji,nj->ni", frames, points - own.mean(axis=1))
    side = normalized(np.cross([0.0, 1.0, 0.0], normals))
    axes = np.stack([side, np.cross(normals, side), normals], axis=2)
    count = len(points)
    return Splats(
        faces=bound[owner],
        barycentrics=np.full((count, 3), 1 / 3),
        local_means=local,
        local_quats=np.asarray(quat_from_matrix(np.einsum("nji,njk->nik", frames, axes)), np.float64),
        scales=spacing[:, None] * np.array([IN_PLANE, IN_PLANE, ACROSS]),
        opacities=np.full(count, OPACITY),
        rigid=np.zeros(count, bool),
    )


def _nothing() -> Splats:
    empty = np.zeros((0, 3))
    return Splats(np.zeros(0, np.int64), empty, empty, np.zeros((0, 4)), empty, np.zeros(0), np.zeros(0, bool))
