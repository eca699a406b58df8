"""Renders MediaPipe's blendshapes with a head model that was not made for them, by imitating one that was.

For every blendshape the model's landmarks move in a known way. The head's parameters are solved for that move its own
landmarks alike, in units of the distance of the eyes: ridge-regularized least squares, a few Gauss-Newton rounds since
the jaw turns. Eyelids and gaze mean the same in both heads and are copied.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.params import MAX_EXPRESSION
from renderer.head.model import HeadModel
from renderer.head.pose import rotation_matrix
from tracker.landmark_model import LandmarkModel, head_landmarks
from tracker.topology import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, fit_landmarks

Array = NDArray[np.float64]

SIGMA = 0.01
"""Share of the eye distance by which a landmark may miss as easily as a coefficient may be one standard deviation."""
JAW_RAD = 0.5
"""The same for the jaw's angle."""
ROUNDS = 3
STEP = 1e-2
BASES = {"mouthClose": "jawOpen"}
"""Blendshapes that are meant on top of another one."""
_JAW = slice(MAX_EXPRESSION + 6, MAX_EXPRESSION + 9)
_EYELIDS = slice(MAX_EXPRESSION + 9, MAX_EXPRESSION + 11)
_GAZE = slice(MAX_EXPRESSION + 11, MAX_EXPRESSION + 15)


def fit_blendshapes(head: HeadModel, model: HeadModel) -> NDArray[np.float32]:
    """[B, 65] parameters of `head` that render the blendshapes of `model` (HeadModel.blendshape_params).

    Args:
        head: the head model, with landmarks.
        model: a head model with landmarks and blendshapes.
    """
    indices, weights = fit_landmarks(np.minimum(head.landmark_weights, model.landmark_weights))
    ours, theirs = _Face(head, indices), _Face(model, indices)
    wanted_params = model.blendshape_params.astype(np.float64)
    result = np.zeros_like(wanted_params)
    order = sorted(range(len(wanted_params)), key=lambda row: model.blendshape_names[row] in BASES)
    for row in order:
        base = BASES.get(model.blendshape_names[row])
        their_base, our_base = (
            table[model.blendshape_names.index(base)] if base else np.zeros_like(table[0])
            for table in (wanted_params, result)
        )
        wanted = theirs(their_base + wanted_params[row]) - theirs(their_base)
        result[row] = _fit(ours, our_base, wanted, weights, wanted_params[row])
    return result.astype(np.float32)


class _Face:
    """The chosen landmarks of a head whose skull stands still, in units of the distance of the outer eye corners."""

    def __init__(self, head: HeadModel, indices: NDArray[np.intp]) -> None:
        corners = head_landmarks(head, np.array([RIGHT_EYE_CORNERS[0], LEFT_EYE_CORNERS[0]]))
        self._unit = float(np.linalg.norm(corners[0] - corners[1]))
        self._model = LandmarkModel.of(head, indices)
        self._no_offsets = np.zeros((len(indices), 3))

    def __call__(self, vector: Array) -> Array:
        """[n, 3] landmarks, head frame, for a parameter vector [65]."""
        base = self._model.base(vector[_EYELIDS], vector[_GAZE], self._no_offsets)
        return self._model.pose(base, vector[:MAX_EXPRESSION], rotation_matrix(vector[_JAW])) / self._unit


def _fit(face: _Face, base: Array, wanted: Array, weights: Array, model_params: Array) -> Array:
    """[65] parameters that, added to `base`, move the landmarks by `wanted` [n, 3]."""
    result = np.zeros_like(base)
    for copied in (_EYELIDS, _GAZE):
        result[copied] = model_params[copied]
    turns_jaw = model_params[_JAW].any()
    if not (turns_jaw or model_params[:MAX_EXPRESSION].any()):
        return result
    free = np.concatenate([np.arange(MAX_EXPRESSION), np.arange(_JAW.start, _JAW.stop) if turns_jaw else []]).astype(
        int
    )
    stiffness = np.where(free < MAX_EXPRESSION, SIGMA, SIGMA / JAW_RAD)
    root = np.sqrt(weights / weights.mean())[:, None]
    rest = face(base)
    for _ in range(ROUNDS):
        now = face(base + result)
        steps = STEP * np.eye(len(base))[free]
        jacobian = np.stack([((face(base + result + step) - now) * root).ravel() / STEP for step in steps], axis=1)
        error = ((wanted - (now - rest)) * root).ravel()
        system = jacobian.T @ jacobian + np.diag(stiffness**2)  # well conditioned by the ridge
        result[free] += np.linalg.solve(system, jacobian.T @ error - stiffness**2 * result[free])
    return result
