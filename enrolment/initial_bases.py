"""The bases that training starts from: where Gaussians sample the control grid, and what drives each basis.

The grid's square is divided into rectangles that share no cell (`RECTANGLES`): skin, eyeballs, mouth, torso.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from enrolment.placement import Splats
from enrolment.placement_surface import JAW, Surface
from enrolment.take import Take
from renderer.head.model import Part

Array = NDArray[np.float64]

GRID = 48
FACE_BASES, LID_BASES, ROTATION_BASES = 12, 2, 3
BASES = FACE_BASES + LID_BASES + ROTATION_BASES
"""The first are driven by expression and jaw, then come left and right lid, then yaw, pitch and roll of the head."""
RECTANGLES = {
    "skin": (0, 0, 47, 31),
    "torso": (0, 33, 27, 47),
    "mouth": (29, 33, 38, 47),
    "left_eye": (40, 33, 47, 39),
    "right_eye": (40, 41, 47, 47),
}
"""First column, first row, last column, last row (grid points, inclusive) of each; a column or row apart."""
COLOR = slice(6, BASIS_CHANNELS)
_EXPRESSION, _ROTATION, _JAW, _LIDS = slice(0, 50), slice(50, 53), slice(56, 59), slice(59, 61)
_JAW_SCALE = 10.0
"""A tenth of a radian of the jaw weighs as much as a standard deviation of expression."""
_LEAST_SPREAD = {"face": 0.35, "lids": 0.3, "rotation": 0.05}
"""Spreads below these are not blown up to one: what the take hardly shows shall not shake the avatar."""
_SIDE_RAD = 2.1
_LIP_GAP = 0.16
"""Share of the skin's height by which the lower jaw is pulled away from the upper lip."""
_PLAIN_JAW_RAD, _PLAIN_LIDS, _PLAIN_TURN_RAD = 0.15, 0.5, 0.2
"""Spreads assumed where a single picture tells none."""


def place_on_grid(surface: Surface, splats: Splats, torso: NDArray[np.bool_], pixels: Array) -> Array:
    """[N, 2] where each Gaussian samples the control grid, 0..1.

    Args:
        surface: the person.
        splats: N Gaussians.
        torso: [N] the torso layer.
        pixels: [N, 2] where the Gaussians are in the typical picture.
    """
    head, parts = surface.head, surface.face_parts[splats.faces]
    template = head.v_template.astype(np.float64)
    corners = head.faces[splats.faces]
    points = (template[corners] * splats.barycentrics[..., None]).sum(axis=1)
    jaw = (head.lbs_weights[:, JAW].astype(np.float64)[corners] * splats.barycentrics).sum(axis=1)
    mouth = (surface.regions.mouth[corners].mean(axis=1) > 0.5) & (parts == Part.SKIN)
    inside = mouth | ((parts >= Part.UPPER_TEETH) & (parts <= Part.TONGUE))
    grid = np.zeros((len(points), 2))
    _put(grid, ~(inside | torso), "skin", *_unwrap_skin(surface, points, jaw), own=True)
    lower = (parts[inside] == Part.LOWER_TEETH) | (parts[inside] == Part.TONGUE) | (jaw[inside] > 0.5)
    height = _share(points[inside, 1]) * 0.35 + np.where(lower, 0.0, 0.65)
    _put(grid, inside, "mouth", _share(points[inside, 0]), 1 - height)
    for part, name in ((Part.LEFT_EYE, "left_eye"), (Part.RIGHT_EYE, "right_eye")):
        of_eye = parts == part
        _put(grid, of_eye, name, _share(points[of_eye, 0]), 1 - _share(points[of_eye, 1]))
    below = torso | (parts == Part.TORSO)
    _put(grid, below, "torso", _share(pixels[below, 0]), _share(pixels[below, 1]))
    return grid


def _unwrap_skin(surface: Surface, points: Array, jaw: Array) -> tuple[Array, Array]:
    """Cylinder about the vertical axis, stretched at the face; the lower jaw is pulled away from the upper lip."""
    marks = surface.regions.landmarks
    axis_z = 0.5 * (marks[454, 2] + marks[1, 2]) - 0.08
    azimuth = np.arctan2(points[:, 0], points[:, 2] - axis_z)
    bent = np.arctan(1.6 * azimuth) / np.arctan(1.6 * _SIDE_RAD)
    u = 0.5 + 0.5 * bent.clip(-1, 1)
    top, bottom = marks[10, 1] + 0.07, marks[152, 1] - 0.09
    middle = 0.5 * (marks[10, 1] + marks[152, 1])
    spread = 0.085
    height = np.arctan((points[:, 1] - middle) / spread)
    low, high = np.arctan((bottom - middle) / spread), np.arctan((top - middle) / spread)
    v = ((high - height) / (high - low)).clip(0, 1)
    return u, (1 - _LIP_GAP) * v + _LIP_GAP * jaw


def _share(values: Array) -> Array:
    """`values` mapped to 0..1."""
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    return (values - low) / max(high - low, 1e-9)


def _put(grid: Array, which: NDArray[np.bool_], name: str, u: Array, v: Array, own: bool = False) -> None:
    left, top, right, bottom = RECTANGLES[name]
    if own:
        u, v = u[which], v[which]
    grid[which, 0] = (left + u * (right - left)) / (GRID - 1)
    grid[which, 1] = (top + v * (bottom - top)) / (GRID - 1)


def basis_weights(take: Take) -> NDArray[np.float32]:
    """[BASES, 65] linear maps from face parameters to weights of about unit spread over the training pictures."""
    vectors = take.vectors[take.train_indices].astype(np.float64)
    weights = np.zeros((BASES, vectors.shape[1]))
    face = np.concatenate([vectors[:, _EXPRESSION], _JAW_SCALE * vectors[:, _JAW]], axis=1)
    directions, spread = _principal(face)
    weights[:FACE_BASES, _EXPRESSION] = directions[:, :50] / spread[:, None]
    weights[:FACE_BASES, _JAW] = _JAW_SCALE * directions[:, 50:] / spread[:, None]
    alone = len(vectors) == 1
    lids = np.sqrt((vectors[:, _LIDS] ** 2).mean(axis=0))
    turns = vectors[:, _ROTATION].std(axis=0)
    if alone:
        lids, turns = np.full(2, _PLAIN_LIDS), np.full(3, _PLAIN_TURN_RAD)
    for side in range(LID_BASES):
        weights[FACE_BASES + side, _LIDS.start + side] = 1 / max(lids[side], _LEAST_SPREAD["lids"])
    for row, axis in enumerate((1, 0, 2)):
        weights[FACE_BASES + LID_BASES + row, _ROTATION.start + axis] = 1 / max(turns[axis], _LEAST_SPREAD["rotation"])
    return weights.astype(np.float32)


def _principal(face: Array) -> tuple[Array, Array]:
    """[FACE_BASES, 53] directions in which faces differ most from rest, and their spreads."""
    if len(face) == 1:
        directions = np.zeros((FACE_BASES, face.shape[1]))
        directions[0, 50] = 1.0
        directions[np.arange(1, FACE_BASES), np.arange(FACE_BASES - 1)] = 1.0
        spread = np.ones(FACE_BASES)
        spread[0] = _JAW_SCALE * _PLAIN_JAW_RAD
        return directions, spread
    values, vectors = np.linalg.eigh(face.T @ face / len(face))
    order = np.argsort(values)[::-1][:FACE_BASES]
    directions = vectors[:, order].T
    directions *= np.sign(directions[np.arange(FACE_BASES), np.abs(directions).argmax(axis=1)])[:, None]
    return directions, np.sqrt(values[order].clip(0)).clip(_LEAST_SPREAD["face"])


def basis_mask(asset: AvatarAsset) -> NDArray[np.bool_]:
    """[K, 9, G, G] which entries of `asset.basis_grid` training may use.

    Bases that head rotation drives use all channels in the torso's rectangle and color elsewhere; all others (faces)
    stay out of the torso's rectangle.

    Raises:
        ValueError: the grid is not one of this module's.
    """
    bases, channels, size, _ = asset.basis_grid.shape
    if size != GRID:
        raise ValueError(f"a grid of {size}, expected {GRID}")
    left, top, right, bottom = RECTANGLES["torso"]
    torso = np.zeros((size, size), bool)
    torso[top : bottom + 1, left : right + 1] = True
    turning = (asset.basis_weights[:, _ROTATION] != 0).any(axis=1)
    mask = np.broadcast_to(~torso, (bases, channels, size, size)).copy()
    mask[turning] = torso
    mask[turning, COLOR] = True
    return mask
