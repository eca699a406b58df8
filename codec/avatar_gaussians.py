"""The GAU0 and GAU1 sections of avatar files, version 1: the Gaussians, every eighth first (docs/avatar-format.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from codec import dyadic
from codec.avatar_layout import MAX_FACES
from codec.avatar_plan import CLASSES, AvatarSteps
from codec.avatar_steps import ATTRIBUTES, OPACITY_LEVELS, class_steps
from codec.errors import AvatarFileError
from codec.planes import Integers
from codec.symbol_stream import pack_symbols, unpack_symbols, unzigzag, zigzag

_LENGTH = struct.Struct("<I")
_BINDING_CONTEXTS = 6
_ATTRIBUTE_CONTEXTS = 2 * CLASSES * ATTRIBUTES


@dataclass(frozen=True, eq=False)
class Gaussians:
    """All Gaussians of an avatar as integers, sorted by face.

    Args:
        faces: [N] rising.
        classes: [N] see AvatarPlan.
        rigid: [N] 0 or 1.
        values: [N, ATTRIBUTES] in the units of codec.avatar_steps.
    """

    faces: Integers
    classes: Integers
    rigid: Integers
    values: Integers

    @staticmethod
    def empty(count: int) -> Gaussians:
        """`count` Gaussians of which nothing is known."""
        faces, classes, rigid = np.zeros((3, count), np.int64)
        return Gaussians(faces, classes, rigid, np.zeros((count, ATTRIBUTES), np.int64))


def pack_gaussians(gaussians: Gaussians, steps: AvatarSteps) -> tuple[bytes, bytes]:
    """The contents of both sections.

    Raises:
        AvatarFileError: a value is too far from its neighbors.
    """
    written = Gaussians.empty(len(gaussians.faces))
    return _pack(gaussians, written, steps, coarse=True), _pack(gaussians, written, steps, coarse=False)


def unpack_gaussians(data: bytes, known: Gaussians, steps: AvatarSteps, *, coarse: bool) -> None:
    """Fills in what one of the sections tells; the coarse one comes first.

    Raises:
        AvatarFileError: the data are damaged, or a number is out of its range.
    """
    count = len(known.faces)
    rows = dyadic.order(count, coarse=coarse)
    if len(data) < _LENGTH.size:
        raise AvatarFileError("A section of Gaussians of the avatar file is truncated")
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    bindings = unpack_symbols(data[_LENGTH.size : end], _binding_contexts(rows, count), _BINDING_CONTEXTS)
    faces, classes, rigid = bindings.reshape(3, -1)
    _take_faces(known, faces, coarse=coarse)
    if known.faces.max() >= MAX_FACES or rigid.max(initial=0) > 1:
        raise AvatarFileError("The avatar's Gaussians are bound to a triangle out of range")
    differences = _by_row(unzigzag(classes), rows, count)
    dyadic.walk(known.classes, lambda at, predicted: predicted + differences[at], coarse=coarse)
    changes = _by_row(rigid, rows, count)
    dyadic.walk(known.rigid, lambda at, predicted: predicted ^ changes[at], coarse=coarse)
    if not 0 <= int(known.classes.min()) <= int(known.classes.max()) < CLASSES:
        raise AvatarFileError("The avatar's Gaussians have a class out of range")
    symbols = unpack_symbols(data[end:], _attribute_contexts(known.classes, rows), _ATTRIBUTE_CONTEXTS)
    residuals = _by_row(unzigzag(symbols).reshape(ATTRIBUTES, -1).T, rows, count)
    table = class_steps(steps)[known.classes]
    dyadic.walk(known.values, lambda at, predicted: _bounded(predicted + residuals[at] * table[at]), coarse=coarse)


def _pack(wanted: Gaussians, written: Gaussians, steps: AvatarSteps, *, coarse: bool) -> bytes:
    count = len(wanted.faces)
    rows = dyadic.order(count, coarse=coarse)
    faces = _tell_faces(wanted.faces, coarse=coarse)
    written.faces[rows] = wanted.faces[rows]
    differences, changes = np.zeros(count, np.int64), np.zeros(count, np.int64)
    residuals = np.zeros((count, ATTRIBUTES), np.int64)
    table = class_steps(steps)[wanted.classes]

    def tell_class(at: Integers, predicted: Integers) -> Integers:
        differences[at] = wanted.classes[at] - predicted
        return wanted.classes[at]

    def tell_rigid(at: Integers, predicted: Integers) -> Integers:
        changes[at] = wanted.rigid[at] ^ predicted
        return wanted.rigid[at]

    def tell_values(at: Integers, predicted: Integers) -> Integers:
        residuals[at] = np.rint((wanted.values[at] - predicted) / table[at])
        return _bounded(predicted + residuals[at] * table[at])

    dyadic.walk(written.classes, tell_class, coarse=coarse)
    dyadic.walk(written.rigid, tell_rigid, coarse=coarse)
    dyadic.walk(written.values, tell_values, coarse=coarse)
    bindings = np.concatenate([faces, zigzag(differences[rows]), changes[rows]])
    first = pack_symbols(bindings, _binding_contexts(rows, count), _BINDING_CONTEXTS)
    attributes = zigzag(residuals[rows]).T.ravel()
    second = pack_symbols(attributes, _attribute_contexts(wanted.classes, rows), _ATTRIBUTE_CONTEXTS)
    return _LENGTH.pack(len(first)) + first + second


def _bounded(values: Integers) -> Integers:
    """`values`, opacity in its range."""
    values[:, -1] = np.clip(values[:, -1], 0, OPACITY_LEVELS)
    return values


def _by_row(told: Integers, rows: Integers, count: int) -> Integers:
    result = np.zeros((count, *told.shape[1:]), np.int64)
    result[rows] = told
    return result


def _tell_faces(faces: Integers, *, coarse: bool) -> Integers:
    """Differences to the coarse row before, or, of other rows, to the row before."""
    if coarse:
        return np.diff(faces[:: dyadic.COARSE], prepend=0)
    return np.delete(np.diff(faces, prepend=0), np.s_[:: dyadic.COARSE])


def _take_faces(known: Gaussians, told: Integers, *, coarse: bool) -> None:
    if coarse:
        known.faces[:: dyadic.COARSE] = np.cumsum(told)
        return
    count = len(known.faces)
    groups = np.zeros(-(-count // dyadic.COARSE) * dyadic.COARSE, np.int64)
    groups[:count][np.arange(count) % dyadic.COARSE > 0] = told
    groups[:: dyadic.COARSE] = known.faces[:: dyadic.COARSE]
    known.faces[...] = np.cumsum(groups.reshape(-1, dyadic.COARSE), axis=1).ravel()[:count]


def _binding_contexts(rows: Integers, count: int) -> Integers:
    near = dyadic.distances(count)[rows]
    return np.concatenate([near * 0, 2 + near, 4 + near])


def _attribute_contexts(classes: Integers, rows: Integers) -> Integers:
    of_row = 2 * classes[rows] + dyadic.distances(len(classes))[rows]
    return (2 * CLASSES * np.arange(ATTRIBUTES)[:, None] + of_row).ravel()
