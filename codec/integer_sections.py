"""Sections of avatar files that hold arrays of integers as byte planes (docs/avatar-format.md, "Integer sections")."""

from __future__ import annotations

from codec.avatar_layout import SECTION
from codec.errors import AvatarFileError
from codec.planes import Integers, Predictor, compress, decompress, from_planes, to_planes

CODING_STORED = 0
CODING_ZSTD = 1


def pack_integers(tag: str, values: Integers, width: int) -> bytes:
    """A whole section of [rows, columns] integers of `width` bytes, with whichever predictor makes it smaller."""
    candidates = [(compress(to_planes(values, width, predictor)), predictor) for predictor in Predictor]
    stored, predictor = min(candidates, key=lambda candidate: len(candidate[0]))
    return SECTION.pack(tag.encode(), CODING_ZSTD, predictor, 0, len(stored)) + stored


def unpack_integers(tag: str, coding: int, predictor: int, stored: bytes, shape: tuple[int, int, int]) -> Integers:
    """The [rows, columns] integers of a section's content.

    Args:
        tag: of the section, for messages.
        coding, predictor, stored: as in the file.
        shape: rows, columns, bytes per integer.

    Raises:
        AvatarFileError: the content is not of that shape, or coded in an unknown way.
    """
    rows, columns, width = shape
    size = rows * columns * width
    if coding == CODING_ZSTD:
        planes = decompress(stored, size)
    elif coding == CODING_STORED and len(stored) == size:
        planes = stored
    else:
        raise AvatarFileError(f"The avatar file's {tag} section has an unknown coding or the wrong size")
    if predictor not in (Predictor.NONE, Predictor.DELTA):
        raise AvatarFileError(f"The avatar file's {tag} section has an unknown predictor")
    return from_planes(planes, rows, columns, width, Predictor(predictor))
