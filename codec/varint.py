"""Unsigned numbers in groups of 7 bits, the least significant ones first (docs/stream-file.md, "Frames")."""

from __future__ import annotations

from codec.errors import BitstreamError

MAX_VARINT_BYTES = 5


def pack_varint(value: int) -> bytes:
    """`value` in as few groups as it needs; bit 7 of a byte says that another group follows."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def unpack_varint(data: bytes, offset: int, too_long: str) -> tuple[int, int]:
    """Inverse of `pack_varint`.

    Args:
        data: what holds the number.
        offset: where it begins.
        too_long: the reason to give for one of more than MAX_VARINT_BYTES or of more groups than it needs.

    Returns:
        The number, and where it ends.

    Raises:
        BitstreamError: `truncated` or `too_long`.
    """
    value = 0
    for place in range(MAX_VARINT_BYTES):
        if offset + place >= len(data):
            raise BitstreamError("truncated", "The stream file ends before its last frame")
        byte = data[offset + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if not byte and place:
                break  # a group more than the number needs
            return value, offset + place + 1
    raise BitstreamError(too_long, "The stream file holds a number that is longer than any valid one")
