"""A person's face shape from landmarks: what stays between the head model and many tracked pictures of one face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.identity_pose import Seen, Turn, errors, fit_turn, look_at, mean_turn, robust
from enrolment.placement_surface import (
    LEFT_LIDS,
    MESH_LANDMARKS,
    RIGHT_LIDS,
    ROOT,
    cast_mesh,
    landmarks_on,
    nearest,
    regions_of,
    smoothstep,
)
from enrolment.take import Take
from renderer.head.model import HeadModel, Part
from tracker.landmark_model import LandmarkModel

Array = NDArray[np.float64]

MOST_PICTURES = 100
"""More pictures teach nothing new about a shape."""
_ROUNDS = 3
_OFFSET_SIGMA_M = 0.012
"""How far a person's landmarks lie from the head model's."""
_ROUGHNESS_SIGMA_M = 0.0025
"""How far a landmark strays from what its neighbors do."""
_INDEPENDENT_PICTURES = 12.0
"""Errors of neighboring pictures are alike: however many there are, they count as no more than these."""
_FORBIDDEN = 1e3
"""Weight against turns, which are a matter of the pose."""
_KERNEL_STIFFNESS_M = (0.006, 0.06)
"""Smoothing of the warp at a well tied landmark, and at one of weight 0."""
_SCALE_LIMIT = 0.15
_NEAR_M, _FAR_M = 0.03, 0.11
"""The warp follows the landmarks up to the first distance, and is a mere scaling beyond the second."""
_RIGID_SCALE = 0.12
_BEHIND_LIPS_M = 0.004
"""Teeth and tongue stay at least so far behind the skin of the closed mouth, if the template's do."""
_CAST_PX, _CAST_M = 128, 0.12


@dataclass(frozen=True, eq=False)
class Identity:
    """A person's face.

    Args:
        shape_offsets: [V, 3] metres.
        landmark_offsets: [468, 3] metres, what the shape follows.
        bias: what the tracker's poses are constantly off by; it is part of the shape.
        model: the head model's landmarks.
        weights: [468] how much they count for poses; the outline, which slides, tells turns all the same.
    """

    shape_offsets: Array
    landmark_offsets: Array
    bias: Turn
    model: LandmarkModel
    weights: Array

    def params(self, take: Take, index: int) -> FaceParams:
        """One picture's face with the pose that suits this shape best."""
        seen = look_at(take, self.model, index)
        turn = fit_turn(seen, self.landmark_offsets, self.weights, take.K, self.bias)
        return turn.after(self.bias.inverse()).then_pose(take.params(index))


def fit_identity(take: Take, head: HeadModel) -> Identity:
    """Makes the head model's landmarks fit those of the training pictures.

    Expressions are those of the tracker. The face is mirror-symmetric and not turned in itself. What the tracker's
    poses are constantly off by becomes part of the shape, so that both agree.
    """
    model = LandmarkModel.of(head, np.arange(MESH_LANDMARKS))
    weights = head.landmark_weights[:MESH_LANDMARKS].astype(np.float64) + 1e-3
    indices = take.train_indices
    some = indices[np.linspace(0, len(indices) - 1, min(len(indices), MOST_PICTURES)).astype(int)]
    pictures = [look_at(take, model, int(index)) for index in some]
    turns = [Turn.none() for _ in pictures]
    offsets = np.zeros_like(model.rest)
    for _ in range(_ROUNDS):
        offsets = _solve_offsets(pictures, turns, model.rest, weights, take.K)
        turns = [
            fit_turn(seen, offsets, np.sqrt(weights), take.K, turn) for seen, turn in zip(pictures, turns, strict=True)
        ]
    bias = mean_turn(turns)
    shaped = head.v_template + warp(head, offsets)
    skull = 1 - head.lbs_weights[:, ROOT, None].astype(np.float64)
    moved = shaped @ bias.rotation.T + bias.shift
    posed_by = np.sqrt(weights)
    return Identity(shaped + skull * (moved - shaped) - head.v_template, offsets, bias, model, posed_by)


def _solve_offsets(
    pictures: list[Seen], turns: list[Turn], rest: Array, weights: Array, K: NDArray[np.floating]
) -> Array:
    """[468, 3] symmetric offsets of the landmarks, head frame, metres."""
    information, target = _normal_equations(pictures, turns, len(rest), K)
    mirror = nearest(rest, rest * [-1, 1, 1], 1)[0][:, 0]
    flip = np.array([-1.0, 1.0, 1.0])
    information = information + np.outer(flip, flip) * information[mirror]
    target = target + flip * target[mirror]
    count = len(rest)
    system = np.zeros((count, 3, count, 3))
    each = np.arange(count)
    system[each, :, each, :] = information + np.eye(3) / _OFFSET_SIGMA_M**2
    smooth = _roughness(rest) / _ROUGHNESS_SIGMA_M**2
    for axis in range(3):
        system[:, axis, :, axis] += smooth
    modes = _turn_modes(rest, weights)
    strength = _FORBIDDEN * np.trace(information.mean(axis=0)) / 3
    flat = system.reshape(3 * count, 3 * count) + strength * modes @ modes.T
    return np.linalg.solve(flat, target.ravel()).reshape(count, 3)


def _normal_equations(
    pictures: list[Seen], turns: list[Turn], count: int, K: NDArray[np.floating]
) -> tuple[Array, Array]:
    """Of each landmark's offset: [n, 3, 3] and [n, 3], in expected landmark errors."""
    information, target = np.zeros((count, 3, 3)), np.zeros((count, 3))
    for seen, turn in zip(pictures, turns, strict=True):
        error, jacobian, _ = errors(seen, np.zeros((count, 3)), turn, K)
        by_offset = jacobian @ turn.rotation @ seen.by_offset
        trust = seen.trust * robust(error / 1.5)
        by_metre = np.swapaxes(by_offset, 1, 2)
        information += trust[:, None, None] * (by_metre @ by_offset)
        target += trust[:, None] * (by_metre @ error[..., None])[..., 0]
    share = min(1.0, _INDEPENDENT_PICTURES / max(sum(seen.trust for seen in pictures), 1e-9))
    return information * share, target * share


def _roughness(points: Array) -> Array:
    """[n, n] quadratic form of the differences to the mean of the six nearest landmarks."""
    index, _ = nearest(points, points, 7)
    differences = np.eye(len(points))
    for column in range(1, index.shape[1]):
        differences[np.arange(len(points)), index[:, column]] -= 1 / (index.shape[1] - 1)
    return differences.T @ differences


def _turn_modes(points: Array, weights: Array) -> Array:
    """[3 n, 3] turns about the axes, weighted: a displacement d holds none of them if modes.T @ d = 0."""
    centered = points - np.average(points, axis=0, weights=weights)
    turns = np.cross(np.eye(3)[:, None], centered)  # [3, n, 3]
    root = np.sqrt(np.repeat(weights, 3))[:, None]
    return np.linalg.qr(turns.reshape(3, -1).T * root)[0] * root


def warp(head: HeadModel, offsets: Array) -> Array:
    """[V, 3] smooth displacement of the whole head model that follows `offsets` [468, 3] of its landmarks.

    Near the landmarks it is a spline (kernel r and an affine map), far from them a scaling along the axes. Eyeballs,
    teeth and tongue keep their form.
    """
    points = head.v_template.astype(np.float64)
    marks = landmarks_on(head, points)[:MESH_LANDMARKS]
    weights = head.landmark_weights[:MESH_LANDMARKS].astype(np.float64)
    center = np.average(marks, axis=0, weights=weights)
    near = _spline(marks, offsets, weights, center, points)
    scale = _scales(marks - center, offsets, weights)
    shift = np.average(offsets, axis=0, weights=weights)
    far = (points - center) * scale + shift
    share = smoothstep(_FAR_M, _NEAR_M, regions_of(head).from_face)[:, None]
    moved = far + share * (near - far)
    lids = {Part.LEFT_EYE: LEFT_LIDS, Part.RIGHT_EYE: RIGHT_LIDS}
    for part in (Part.LEFT_EYE, Part.RIGHT_EYE, Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE):
        rows = head.parts == part
        if rows.any():
            around = list(lids[part]) if part in lids else None
            guide = (marks[around], offsets[around]) if around else (points[rows], near[rows])
            moved[rows] = _similar(*guide, points[rows])
    for part in (Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE):
        rows = np.flatnonzero(head.parts == part)
        if len(rows):
            moved[rows, 2] -= _protrusion(head, points, points + moved, rows)
    return moved


def _protrusion(head: HeadModel, template: Array, shaped: Array, rows: NDArray[np.intp]) -> float:
    """How far back (metres) the points `rows` have to go to be as deep behind the closed lips as they should."""
    skin = head.faces[(head.parts == Part.SKIN)[head.faces].all(axis=1)]
    depths = []
    for points in (template, shaped):
        middle = points[rows].mean(axis=0)
        xy = (points[:, :2] - middle[:2]) * [_CAST_PX / _CAST_M, -_CAST_PX / _CAST_M] + _CAST_PX / 2
        _, inverse = cast_mesh(xy, 1 / (1 - points[:, 2]), skin, _CAST_PX, _CAST_PX)
        column, row = np.floor(xy[rows]).astype(int).clip(0, _CAST_PX - 1).T
        depths.append(1 - 1 / inverse[row, column].clip(1e-3) - points[rows, 2])
    wanted = np.minimum(depths[0], _BEHIND_LIPS_M)
    return float((wanted - depths[1]).max().clip(0, 0.03))


def _spline(marks: Array, offsets: Array, weights: Array, center: Array, points: Array) -> Array:
    count = len(marks)
    system = np.zeros((count + 4, count + 4))
    strong, weak = _KERNEL_STIFFNESS_M
    stiffness = weak + (strong - weak) * np.sqrt(weights.clip(0, 1))
    apart = np.linalg.norm(marks[:, None] - marks, axis=2)
    system[:count, :count] = np.diag(stiffness) - apart
    affine = np.concatenate([marks - center, np.full((count, 1), 0.1)], axis=1)
    system[:count, count:], system[count:, :count] = affine, affine.T
    solution = np.linalg.solve(system, np.concatenate([offsets, np.zeros((4, 3))]))
    distances = np.linalg.norm(points[:, None] - marks, axis=2)
    linear = np.concatenate([points - center, np.full((len(points), 1), 0.1)], axis=1)
    return linear @ solution[count:] - distances @ solution[:count]


def _scales(centered: Array, offsets: Array, weights: Array) -> Array:
    """[3] relative scaling along x, y, z; depth is seen badly, so half of it comes from width and height."""
    moved = offsets - np.average(offsets, axis=0, weights=weights)
    scale = (weights[:, None] * centered * moved).sum(axis=0) / (weights[:, None] * centered**2).sum(axis=0)
    scale[2] = 0.5 * scale[2] + 0.25 * (scale[0] + scale[1])
    return scale.clip(-_SCALE_LIMIT, _SCALE_LIMIT)


def _similar(guides: Array, moves: Array, points: Array) -> Array:
    """[n, 3] displacement of `points` by the shift and even scaling that fit `moves` at `guides` best."""
    center, shift = guides.mean(axis=0), moves.mean(axis=0)
    centered = guides - center
    scale = float((centered * (moves - shift)).sum() / (centered**2).sum().clip(1e-12))
    return (points - center) * np.clip(scale, -_RIGID_SCALE, _RIGID_SCALE) + shift
