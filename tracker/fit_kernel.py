"""The Gauss-Newton iteration of tracker.fit, compiled.

In numpy the same steps are some sixty calls on small arrays: most of their time is overhead, and on a busy machine the
interpreter lock. Everything stands in this one file, because Numba's cache notices changes of one file only.

Shapes: n landmarks, E expression directions, p = 9 + E unknowns in the order rotation 3, translation 3, jaw 3,
expression E. All arrays are float64 and contiguous.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from renderer.jit import kernel

Array = NDArray[np.float64]

NEAREST_M = 1e-2
"""Landmarks are kept at least so far in front of the camera while the fit moves."""


class Model(NamedTuple):
    """tracker.landmark_model.LandmarkModel and Base, as the kernel wants them.

    Args:
        skull, jaw: [n, 3] parts of the landmarks that hang on either bone, before expression and jaw move.
        skull_dirs, jaw_dirs: [n, 3, E].
        skull_corrective, jaw_corrective: [n, 3, 9] by the jaw's rotation minus the identity, row-major.
        jaw_weight: [n].
        jaw_joint: [3].
    """

    skull: Array
    jaw: Array
    skull_dirs: Array
    jaw_dirs: Array
    skull_corrective: Array
    jaw_corrective: Array
    jaw_weight: Array
    jaw_joint: Array


class Seen(NamedTuple):
    """What one picture shows.

    Args:
        landmarks_px: [n, 2].
        weights: [n].
        center_px: [2] principal point.
        focal_px, unit_px: focal length and inter-ocular distance.
        robust_scale: landmark errors beyond this count less, inter-ocular units.
    """

    landmarks_px: Array
    weights: Array
    center_px: Array
    focal_px: float
    unit_px: float
    robust_scale: float


class Trust(NamedTuple):
    """The quadratic terms that hold the estimate: information (inverse variance) and center of each.

    Args:
        expression: [E] center and expression_information.
        previous_expression: [E] center and step_information.
        jaw: [3] center and [3] jaw_information.
        rotation: [3, 3] center and [3] rotation_information about x, y, z (0 where the rotation is unknown).
    """

    expression: Array
    expression_information: float
    previous_expression: Array
    step_information: float
    jaw: Array
    jaw_information: Array
    rotation: Array
    rotation_information: Array


class Bounds(NamedTuple):
    """What a step may reach and when the iteration ends.

    Args:
        jaw_lowest, jaw_highest: [3] radians.
        expression: largest absolute value.
        settled_rad, settled_sigma: a step below these is the last.
    """

    jaw_lowest: Array
    jaw_highest: Array
    expression: float
    settled_rad: float
    settled_sigma: float


@kernel
def rotation_of(vector: Array) -> Array:
    """[3, 3] rotation by the axis-angle vector [3] (Rodrigues)."""
    x, y, z = vector[0], vector[1], vector[2]
    square = x * x + y * y + z * z
    angle = np.sqrt(square)
    a = 1.0 - square / 6 if angle < 1e-4 else np.sin(angle) / angle
    b = 0.5 - square / 24 if angle < 1e-4 else (1 - np.cos(angle)) / square
    out = np.empty((3, 3))
    out[0, 0] = 1 - b * (y * y + z * z)
    out[1, 1] = 1 - b * (x * x + z * z)
    out[2, 2] = 1 - b * (x * x + y * y)
    out[0, 1], out[1, 0] = b * x * y - a * z, b * x * y + a * z
    out[0, 2], out[2, 0] = b * x * z + a * y, b * x * z - a * y
    out[1, 2], out[2, 1] = b * y * z - a * x, b * y * z + a * x
    return out


@kernel
def product(left: Array, right: Array) -> Array:
    """[3, 3] left @ right; Numba's own operator wants SciPy."""
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = left[i, 0] * right[0, j] + left[i, 1] * right[1, j] + left[i, 2] * right[2, j]
    return out


@kernel
def vector_of(rotation: Array) -> Array:
    """[3] axis-angle vector of the rotation [3, 3], for angles well below pi."""
    out = np.empty(3)
    out[0] = rotation[2, 1] - rotation[1, 2]
    out[1] = rotation[0, 2] - rotation[2, 0]
    out[2] = rotation[1, 0] - rotation[0, 1]
    sine = 0.5 * np.sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2])
    cosine = 0.5 * (rotation[0, 0] + rotation[1, 1] + rotation[2, 2] - 1)
    scale = 0.5 if sine < 1e-7 else 0.5 * np.arctan2(sine, cosine) / sine
    return out * scale


@kernel
def pose(model: Model, expression: Array, jaw_rotation: Array, points: Array, arms: Array) -> None:
    """Fills points [n, 3] in the head frame and arms [n, 3], each landmark's lever about the jaw joint."""
    dims = expression.size
    skull, jaw = np.empty(3), np.empty(3)
    for i in range(points.shape[0]):
        for c in range(3):
            on_skull, on_jaw = model.skull[i, c], model.jaw[i, c]
            for k in range(dims):
                on_skull += model.skull_dirs[i, c, k] * expression[k]
                on_jaw += model.jaw_dirs[i, c, k] * expression[k]
            for r in range(3):
                for s in range(3):
                    bend = jaw_rotation[r, s] - (1.0 if r == s else 0.0)
                    on_skull += model.skull_corrective[i, c, 3 * r + s] * bend
                    on_jaw += model.jaw_corrective[i, c, 3 * r + s] * bend
            skull[c], jaw[c] = on_skull, on_jaw - model.jaw_weight[i] * model.jaw_joint[c]
        for c in range(3):
            arm = jaw_rotation[c, 0] * jaw[0] + jaw_rotation[c, 1] * jaw[1] + jaw_rotation[c, 2] * jaw[2]
            arms[i, c] = arm
            points[i, c] = skull[c] + model.jaw_weight[i] * model.jaw_joint[c] + arm


@kernel
def _landmark_rows(
    model: Model,
    seen: Seen,
    i: int,
    turn: Array,
    jaw_rotation: Array,
    point: Array,
    arm: Array,
    translation: Array,
    rows: Array,
    error: Array,
) -> None:
    """Fills the two Jacobian rows [2, p] and errors [2] of landmark i, in inter-ocular units.

    A rotation vector d in front of the skull's rotation moves a turned point by (FLIP d) x point, where `turn` is
    FLIP @ rotation and FLIP = diag(1, -1, -1) takes head axes to camera axes.
    """
    dims = rows.shape[1] - 9
    turned, camera = np.empty(3), np.empty(3)
    for c in range(3):
        turned[c] = turn[c, 0] * point[0] + turn[c, 1] * point[1] + turn[c, 2] * point[2]
        camera[c] = turned[c] + translation[c]
    camera[2] = max(camera[2], NEAREST_M)
    scale = seen.focal_px / seen.unit_px / camera[2]
    by_camera, by_head = np.zeros(3), np.empty(3)
    for axis in range(2):
        offset = (seen.landmarks_px[i, axis] - seen.center_px[axis]) / seen.unit_px
        error[axis] = camera[axis] * scale - offset
        by_camera[0] = scale if axis == 0 else 0.0
        by_camera[1] = scale if axis == 1 else 0.0
        by_camera[2] = -scale * camera[axis] / camera[2]
        for c in range(3):
            by_head[c] = by_camera[0] * turn[0, c] + by_camera[1] * turn[1, c] + by_camera[2] * turn[2, c]
        # a . (d x b) = d . (b x a)
        rows[axis, 0] = turned[1] * by_camera[2] - turned[2] * by_camera[1]
        rows[axis, 1] = -(turned[2] * by_camera[0] - turned[0] * by_camera[2])
        rows[axis, 2] = -(turned[0] * by_camera[1] - turned[1] * by_camera[0])
        rows[axis, 6] = arm[1] * by_head[2] - arm[2] * by_head[1]
        rows[axis, 7] = arm[2] * by_head[0] - arm[0] * by_head[2]
        rows[axis, 8] = arm[0] * by_head[1] - arm[1] * by_head[0]
        for c in range(3):
            rows[axis, 3 + c] = by_camera[c]
        for k in range(dims):
            rows[axis, 9 + k] = (
                by_head[0] * model.skull_dirs[i, 0, k]
                + by_head[1] * model.skull_dirs[i, 1, k]
                + by_head[2] * model.skull_dirs[i, 2, k]
            )
        if model.jaw_weight[i] > 0:
            for c in range(3):
                by_jaw = (
                    by_head[0] * jaw_rotation[0, c] + by_head[1] * jaw_rotation[1, c] + by_head[2] * jaw_rotation[2, c]
                )
                for k in range(dims):
                    rows[axis, 9 + k] += by_jaw * model.jaw_dirs[i, c, k]


@kernel
def _solve(normal: Array, gradient: Array) -> bool:
    """Solves normal @ x = gradient in place by Cholesky; `normal` [p, p] holds its lower triangle."""
    size = gradient.size
    for j in range(size):
        for k in range(j):
            factor = normal[j, k]
            for i in range(j, size):
                normal[i, j] -= factor * normal[i, k]
        if not normal[j, j] > 0:
            return False
        root = np.sqrt(normal[j, j])
        for i in range(j, size):
            normal[i, j] /= root
    for i in range(size):
        for k in range(i):
            gradient[i] -= normal[i, k] * gradient[k]
        gradient[i] /= normal[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            gradient[i] -= normal[k, i] * gradient[k]
        gradient[i] /= normal[i, i]
    return True


@kernel
def _add_trust(normal: Array, change: Array, trust: Trust, rotation: Array, jaw_pose: Array, expression: Array) -> None:
    """Adds the terms that hold the estimate to the normal equations and to the negative gradient."""
    away = vector_of(product(rotation, trust.rotation.T))
    for i in range(3):
        normal[i, i] += 1e-6 + trust.rotation_information[i]
        normal[3 + i, 3 + i] += 1e-6
        normal[6 + i, 6 + i] += trust.jaw_information[i]
        change[i] -= trust.rotation_information[i] * away[i]
        change[6 + i] -= trust.jaw_information[i] * (jaw_pose[i] - trust.jaw[i])
    for k in range(expression.size):
        normal[9 + k, 9 + k] += trust.expression_information + trust.step_information
        change[9 + k] -= trust.expression_information * (expression[k] - trust.expression[k])
        change[9 + k] -= trust.step_information * (expression[k] - trust.previous_expression[k])


@kernel
def residual(
    model: Model, seen: Seen, rotation: Array, translation: Array, expression: Array, jaw_pose: Array
) -> float:
    """Weighted rms landmark error in inter-ocular units; inf where a landmark is behind the camera."""
    count = seen.weights.size
    points, arms = np.empty((count, 3)), np.empty((count, 3))
    pose(model, expression, rotation_of(jaw_pose), points, arms)
    total = 0.0
    for i in range(count):
        # FLIP = diag(1, -1, -1)
        x = rotation[0, 0] * points[i, 0] + rotation[0, 1] * points[i, 1] + rotation[0, 2] * points[i, 2]
        y = -(rotation[1, 0] * points[i, 0] + rotation[1, 1] * points[i, 1] + rotation[1, 2] * points[i, 2])
        z = -(rotation[2, 0] * points[i, 0] + rotation[2, 1] * points[i, 1] + rotation[2, 2] * points[i, 2])
        depth = z + translation[2]
        if not depth > 1e-3:
            return np.inf
        dx = (x + translation[0]) / depth * seen.focal_px + seen.center_px[0] - seen.landmarks_px[i, 0]
        dy = (y + translation[1]) / depth * seen.focal_px + seen.center_px[1] - seen.landmarks_px[i, 1]
        total += seen.weights[i] * (dx * dx + dy * dy)
    return np.sqrt(total / count) / seen.unit_px


@kernel
def iterate(
    model: Model,
    seen: Seen,
    trust: Trust,
    bounds: Bounds,
    iterations: int,
    rotation: Array,
    translation: Array,
    expression: Array,
    jaw_pose: Array,
) -> float:
    """Moves rotation [3, 3], translation [3], expression [E] and jaw_pose [3] in place; returns the residual.

    Steps end when one is too small to be seen. A system that cannot be solved gives an infinite residual.
    """
    count, dims = seen.weights.size, expression.size
    size = 9 + dims
    points, arms = np.empty((count, 3)), np.empty((count, 3))
    rows, error = np.empty((2, size)), np.empty(2)
    turn = np.empty((3, 3))
    for _ in range(iterations):
        jaw_rotation = rotation_of(jaw_pose)
        pose(model, expression, jaw_rotation, points, arms)
        turn[0], turn[1], turn[2] = rotation[0], -rotation[1], -rotation[2]
        normal, change = np.zeros((size, size)), np.zeros(size)
        for i in range(count):
            _landmark_rows(model, seen, i, turn, jaw_rotation, points[i], arms[i], translation, rows, error)
            square = error[0] * error[0] + error[1] * error[1]
            weight = seen.weights[i] / (1 + square / (seen.robust_scale * seen.robust_scale))
            for axis in range(2):
                for r in range(size):
                    factor = weight * rows[axis, r]
                    change[r] -= factor * error[axis]
                    for c in range(r + 1):
                        normal[r, c] += factor * rows[axis, c]
        _add_trust(normal, change, trust, rotation, jaw_pose, expression)
        if not _solve(normal, change):
            return np.inf

        turned = product(rotation_of(change[:3]), rotation)
        step_rad, step_sigma = np.abs(turned - rotation).max(), 0.0
        rotation[:] = turned
        for i in range(3):
            translation[i] += change[3 + i]
            # Jaw angles are small: adding the rotation vectors is exact enough for a Gauss-Newton step.
            jaw = min(max(jaw_pose[i] + change[6 + i], bounds.jaw_lowest[i]), bounds.jaw_highest[i])
            step_rad = max(step_rad, abs(jaw - jaw_pose[i]))
            jaw_pose[i] = jaw
        for k in range(dims):
            value = min(max(expression[k] + change[9 + k], -bounds.expression), bounds.expression)
            step_sigma = max(step_sigma, abs(value - expression[k]))
            expression[k] = value
        if step_rad < bounds.settled_rad and step_sigma < bounds.settled_sigma:
            break
    return residual(model, seen, rotation, translation, expression, jaw_pose)
