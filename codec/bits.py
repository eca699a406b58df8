"""Bits to bytes and back, most significant bit first."""

from __future__ import annotations

from codec.errors import BitstreamError


class BitWriter:
    """Collects bits; the first one written is the most significant bit of the first byte."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    @property
    def bit_count(self) -> int:
        """Bits written so far."""
        return self._count

    def write(self, value: int, count: int) -> None:
        """Appends the `count` low bits of `value`, which must be in 0 .. 2**count - 1."""
        if value < 0 or value >> count:
            raise ValueError(f"{value} does not fit {count} bits")
        self._value = (self._value << count) | value
        self._count += count

    def to_bytes(self) -> bytes:
        """All bits, filled up with zeros to whole bytes."""
        padding = -self._count % 8
        return (self._value << padding).to_bytes((self._count + padding) // 8, "big")


class BitReader:
    """Takes bits from bytes."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._size = self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned number.

        Raises:
            BitstreamError: `truncated`, fewer bits are left.
        """
        if count > self._left:
            raise BitstreamError("truncated", "The packet ends within a symbol")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def finish(self) -> None:
        """Checks that only zero bits, and fewer than eight, are left.

        Raises:
            BitstreamError: `trailing`.
        """
        if self._left >= 8 or self._value & ((1 << self._left) - 1):
            raise BitstreamError("trailing", "The packet holds more than its frame")

    def align(self) -> int:
        """Goes on to the next whole byte, over zero bits only; returns the number of bytes that are done.

        Raises:
            BitstreamError: `trailing`.
        """
        if self.read(self._left % 8):
            raise BitstreamError("trailing", "The bits that fill up a frame's last byte are not zero")
        return (self._size - self._left) // 8
