"""The GRUV section of avatar files, version 1: where Gaussians sample the control grid (docs/avatar-format.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.errors import AvatarFileError
from codec.planes import Integers
from codec.symbol_stream import pack_symbols, unpack_symbols, unzigzag, zigzag

FINE_BITS = 1
"""Lowest bits of a coordinate that only the more visible Gaussians have; of the others the highest of them is 1."""
_CONTEXTS = 5


def pack_uv(levels: Integers, faces: Integers, fine: NDArray[np.bool_]) -> bytes:
    """The content of the section, for the Gaussians that bases move, sorted by face.

    Args:
        levels: [n, 2].
        faces: [n] the triangles.
        fine: [n] whether to write all bits.
    """
    differences = zigzag(np.diff(levels >> FINE_BITS, axis=0, prepend=0))
    rest = levels[fine] & ((1 << FINE_BITS) - 1)
    values = np.concatenate([differences.T.ravel(), rest.T.ravel()])
    return pack_symbols(values, _contexts(faces, len(rest)), _CONTEXTS)


def unpack_uv(data: bytes, faces: Integers, fine: NDArray[np.bool_], most: int) -> NDArray[np.float32]:
    """Inverse: [n, 2] 0..1.

    Args:
        data: from anywhere.
        faces, fine: see `pack_uv`.
        most: the level that is 1.

    Raises:
        AvatarFileError: the data are damaged, or a level is out of 0 .. `most`.
    """
    count = len(faces)
    values = unpack_symbols(data, _contexts(faces, int(fine.sum())), _CONTEXTS)
    levels = np.cumsum(unzigzag(values[: 2 * count]).reshape(2, -1).T, axis=0) << FINE_BITS
    rest = values[2 * count :].reshape(2, -1).T
    if rest.size and int(rest.max()) >= 1 << FINE_BITS:
        raise AvatarFileError("The avatar's grid coordinates are out of their range")
    levels[fine] |= rest
    levels[~fine] |= 1 << FINE_BITS - 1
    if levels.size and not 0 <= int(levels.min()) <= int(levels.max()) <= most + (1 << FINE_BITS):
        raise AvatarFileError("The avatar's grid coordinates are out of their range")
    return (np.minimum(levels, most) / most).astype(np.float32)


def _contexts(faces: Integers, fine: int) -> Integers:
    """By axis and by whether a Gaussian is bound to another triangle than the one before; then the finest bits."""
    elsewhere = (np.diff(faces, prepend=-1) != 0).astype(np.int64)
    return np.concatenate([elsewhere, 2 + elsewhere, np.full(2 * fine, 4)])
