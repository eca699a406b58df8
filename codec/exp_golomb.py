"""Zero-order Exp-Golomb codes of signed integers.

v maps to u = 2v - 1 for v > 0 and to -2v otherwise (0, 1, -1, 2, -2 -> 0, 1, 2, 3, 4). u is coded as the binary form
of u + 1, preceded by one zero bit less than that has digits (as H.264's ue(v)): 2 * floor(log2(u + 1)) + 1 bits.
"""

from __future__ import annotations

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError

MAX_PREFIX = 16
"""Longest run of zeros that a reader accepts: no symbol of the bitstream differs by more than 2**15."""


def to_unsigned(value: int) -> int:
    """The unsigned number that stands for `value`."""
    return 2 * value - 1 if value > 0 else -2 * value


def to_signed(value: int) -> int:
    """Inverse of `to_unsigned`."""
    return (value + 1) // 2 if value & 1 else -(value // 2)


def bit_length(value: int) -> int:
    """Number of bits of the code of `value`."""
    return 2 * (to_unsigned(value) + 1).bit_length() - 1


def write_signed(writer: BitWriter, value: int) -> None:
    """Appends the code of `value`."""
    writer.write(to_unsigned(value) + 1, bit_length(value))


def read_signed(reader: BitReader) -> int:
    """Reads one code.

    Raises:
        BitstreamError: `truncated`, or `bad_symbol` for a code longer than any valid one.
    """
    zeros = 0
    while reader.read(1) == 0:
        zeros += 1
        if zeros > MAX_PREFIX:
            raise BitstreamError("bad_symbol", "The packet holds a code longer than any valid one")
    return to_signed((1 << zeros) + reader.read(zeros) - 1)
