"""Integer arrays as zstd-compressed byte planes: the one coding that sections of avatar files use.

An array of C columns of n signed integers becomes, column after column, n low bytes, then n high bytes, ... Integers
are zigzag-mapped first (0, -1, 1, -2 -> 0, 1, 2, 3), so that small values of either sign have zero high bytes; with
the delta predictor each column holds differences to the row above. Everything is exact integer arithmetic modulo
2 ** (8 * width).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pyzstd
from numpy.typing import NDArray

from codec.errors import AvatarFileError

Integers = NDArray[np.int64]

ZSTD_LEVEL = 19
MAX_WINDOW_LOG = 24
"""Frames that ask for more than 16 MiB of window are refused."""


class Predictor(IntEnum):
    """What a column holds."""

    NONE = 0
    DELTA = 1


def to_planes(values: Integers, width: int, predictor: Predictor) -> bytes:
    """Serializes [n, C] integers into C x width planes of n bytes each.

    Args:
        values: [n, C]; each must fit a signed integer of `width` bytes.
        width: bytes per integer, 1..4.
        predictor: DELTA stores differences along n.
    """
    columns = values.T.astype(np.int64)
    if predictor is Predictor.DELTA:
        columns = np.diff(columns, axis=1, prepend=0)
    bits = 8 * width
    wrapped = ((columns + (1 << (bits - 1))) & ((1 << bits) - 1)) - (1 << (bits - 1))
    unsigned = np.where(wrapped < 0, -2 * wrapped - 1, 2 * wrapped)
    shifts = 8 * np.arange(width)
    return ((unsigned[:, None, :] >> shifts[None, :, None]) & 0xFF).astype(np.uint8).tobytes()


def from_planes(data: bytes, rows: int, columns: int, width: int, predictor: Predictor) -> Integers:
    """Inverse of `to_planes`; `data` must have exactly rows * columns * width bytes. Returns [rows, columns]."""
    planes = np.frombuffer(data, np.uint8).reshape(columns, width, rows).astype(np.int64)
    unsigned = (planes << (8 * np.arange(width))[None, :, None]).sum(axis=1)
    values = (unsigned >> 1) ^ -(unsigned & 1)
    if predictor is Predictor.DELTA:
        bits = 8 * width
        values = ((np.cumsum(values, axis=1) + (1 << (bits - 1))) & ((1 << bits) - 1)) - (1 << (bits - 1))
    return np.ascontiguousarray(values.T)


def compress(data: bytes) -> bytes:
    """One zstd frame that states its decompressed size."""
    return pyzstd.compress(data, ZSTD_LEVEL)


def decompress(data: bytes, size: int) -> bytes:
    """Decompresses one zstd frame that must yield exactly `size` bytes; never produces more.

    Raises:
        AvatarFileError: the frame is damaged, has another size, wants a large window, or bytes follow it.
    """
    decompressor = pyzstd.ZstdDecompressor(None, {pyzstd.DParameter.windowLogMax: MAX_WINDOW_LOG})
    try:
        result = decompressor.decompress(data, size)
        if not decompressor.eof and len(result) == size:
            # A complete frame may still owe its checksum; it must not owe data.
            result += decompressor.decompress(b"", 1)
    except (pyzstd.ZstdError, EOFError) as error:
        raise AvatarFileError(f"A section of the avatar file cannot be decompressed: {error}") from error
    if len(result) != size or not decompressor.eof or decompressor.unused_data:
        raise AvatarFileError(f"A section of the avatar file does not decompress to the {size} bytes that it states")
    return result
