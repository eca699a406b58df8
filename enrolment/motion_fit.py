"""Fits the motions that come together in a person's face, for profile `range` (codec.motion_basis).

The directions are principal components of how the face changes from picture to picture, in coordinates in which
distances are those of the landmarks in the picture: so all steps of all motions are equally visible, and what moves
together is coded once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.motion_basis import JAW_SIZE, MotionBasis
from codec.params import MAX_EXPRESSION, POSE_SIZE
from codec.range_steps import FINEST_PX
from codec.range_tables import PX_PER_UNIT
from renderer.head.model import HeadModel
from tracker.face_pixels import FacePixels

Array = NDArray[np.float64]

LEAST_FACES = 50
"""Two seconds: a face that has been seen for less has no motions of its own."""
PRIOR_FACES = 150.0
"""How many faces the standard motions count as."""
_PARAMETERS = np.r_[MAX_EXPRESSION + 6 : MAX_EXPRESSION + 6 + JAW_SIZE, :MAX_EXPRESSION]
"""Jaw and expression, where FaceParams.to_vector() has them."""
_VIEWS = 12
"""Faces of a track that the metric is measured at."""
_FLAT = 1e-3
"""Directions less visible than this share of the most visible one count as if they were this visible, so that a motion
of a pixel moves no parameter by more than 32."""
_LEVELS_PER_OCTAVE, _SMALLEST = 16, 0.03


def fit_basis(
    tracks: Sequence[NDArray[np.floating]],
    head: HeadModel,
    shape_offsets: NDArray[np.float32] | None = None,
    prior: MotionBasis | None = None,
) -> MotionBasis | None:
    """The motions of some tracks' faces.

    Args:
        tracks: [T, >= 65] faces in a row each, as FaceParams.to_vector(); all tracks count alike.
        head: the head model that they drive.
        shape_offsets: [V, 3] metres, the person's head; None for that of the model.
        prior: motions to lean on where there are few faces.

    Returns:
        None if there are fewer than LEAST_FACES faces.
    """
    tracks = [np.asarray(track[:, : MAX_EXPRESSION + POSE_SIZE + 4], np.float64) for track in tracks]
    count = sum(len(track) for track in tracks)
    if count < LEAST_FACES:
        return None
    pixels = np.array(PX_PER_UNIT)[_PARAMETERS]
    metric = _root(_metric(tracks, head, shape_offsets) / np.outer(pixels, pixels))
    moved = [track[:, _PARAMETERS] * pixels @ metric for track in tracks]
    spread = np.mean([np.cov(np.diff(each, axis=0).T) for each in moved], axis=0)
    if prior is not None:
        own = count / (count + PRIOR_FACES)
        spread = own * spread + (1 - own) * _spread(prior, metric)
    axes = np.linalg.eigh(spread)[1][:, ::-1]
    axes *= np.where(axes.sum(axis=0) < 0, -1, 1)
    steps = [np.rint(each @ axes / FINEST_PX) for each in moved]
    changes = [np.abs(np.diff(each, axis=0)).mean(axis=0) for each in steps]
    return MotionBasis.nearest(np.linalg.solve(metric, axes).T, level_of(np.mean(changes, axis=0)))


def level_of(magnitudes: NDArray[np.floating]) -> NDArray[np.int64]:
    """Levels (docs/bitstream.md) of mean magnitudes of differences, in steps."""
    octaves = np.log2(np.maximum(magnitudes, _SMALLEST) / _SMALLEST)
    return np.rint(_LEVELS_PER_OCTAVE * octaves).astype(np.int64)


def _metric(tracks: Sequence[Array], head: HeadModel, shape_offsets: NDArray[np.float32] | None) -> Array:
    """[MOTIONS, MOTIONS] mean square of the landmarks' movement as a quadratic form of the parameters."""
    seen, views = FacePixels(head, shape_offsets), []
    for track in tracks:
        for vector in track[:: -(-len(track) // _VIEWS)]:
            slopes = seen.slopes(vector, _PARAMETERS)
            views.append(slopes @ slopes.T)
    return np.mean(views, axis=0)


def _root(form: Array) -> Array:
    """The symmetric root of a quadratic form, made definite."""
    values, axes = np.linalg.eigh(form)
    return (axes * np.sqrt(np.maximum(values, _FLAT * max(values.max(), 1.0)))) @ axes.T


def _spread(basis: MotionBasis, metric: Array) -> Array:
    """How a basis's motions spread, if their differences follow the Laplace distribution that their level says."""
    directions = basis.directions @ metric
    magnitudes = FINEST_PX * _SMALLEST * 2.0 ** (np.array(basis.usual) / _LEVELS_PER_OCTAVE)
    return directions.T @ (2 * magnitudes[:, None] ** 2 * directions)
