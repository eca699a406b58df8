"""A byte-wise range coder with static models (Martin 1979; Schindler's carry-free form of the interval).

Only integers, so that every platform makes the same bytes. An interval [low, low + range) starts as [0, 2**32); a
symbol that covers `size` of TOTAL parts from `start` on keeps that share of it. Whenever fewer than 25 bits of `range`
are left, both grow by a byte. The code is the shortest string of bytes that, followed by zeros, lies in the interval:
it may be empty, and never ends with a zero byte.
"""

from __future__ import annotations

from collections.abc import Iterable

from codec.errors import BitstreamError

TOTAL_BITS = 15
TOTAL = 1 << TOTAL_BITS
"""What the sizes of the symbols of a model add up to."""
_STATE_BITS, _LEAST = 32, 1 << 24

Part = tuple[int, int]
"""Where in TOTAL a symbol begins, and its size."""


def bits_part(value: int, count: int) -> Part:
    """The symbol of the low `count` <= TOTAL_BITS bits of `value`, all as likely."""
    size = TOTAL >> count
    return value * size, size


class _Interval:
    """What encoder and decoder narrow alike."""

    def __init__(self) -> None:
        self.low, self.range, self.bits = 0, 1 << _STATE_BITS, _STATE_BITS

    def narrow(self, start: int, size: int) -> int:
        """Keeps `size` parts of TOTAL from `start` on; returns the number of bytes that it grew by."""
        part = self.range >> TOTAL_BITS
        if start:
            self.low += part * start
        left = part * size
        grown = 0
        while left < _LEAST:
            left <<= 8
            grown += 1
        if grown:
            self.low <<= 8 * grown
            self.bits += 8 * grown
        self.range = left
        return grown

    def shortest(self) -> bytes:
        """The shortest string in the interval."""
        end = self.low + self.range
        for count in range(self.bits // 8 + 1):
            rest = self.bits - 8 * count
            number = -(-self.low >> rest)  # rounded up
            if number << rest < end:
                return number.to_bytes(count, "big")
        raise AssertionError("an interval holds its own low end")


class RangeEncoder:
    """Collects symbols."""

    def __init__(self) -> None:
        self._interval = _Interval()

    def encode(self, start: int, size: int) -> None:
        """Appends the symbol that has `size` > 0 parts of TOTAL from `start` on."""
        self._interval.narrow(start, size)

    def encode_all(self, symbols: Iterable[Part]) -> None:
        """Appends many: `encode`, written out, as it runs for each symbol of each frame."""
        interval = self._interval
        low, width, bits = interval.low, interval.range, interval.bits
        for start, size in symbols:
            part = width >> TOTAL_BITS
            if start:
                low += part * start
            width = part * size
            while width < _LEAST:
                width <<= 8
                low <<= 8
                bits += 8
        interval.low, interval.range, interval.bits = low, width, bits

    def to_bytes(self) -> bytes:
        """All of them."""
        return self._interval.shortest()


class RangeDecoder:
    """Takes symbols from bytes.

    Args:
        data: what an encoder made; whatever else it is, symbols come out.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._interval = data, _Interval()
        self._next = _STATE_BITS // 8
        self._code = int.from_bytes(data[: self._next].ljust(self._next, b"\0"), "big")  # relative to low

    def peek(self) -> int:
        """0 .. TOTAL - 1: the part in which the next symbol lies."""
        return min(self._code // (self._interval.range >> TOTAL_BITS), TOTAL - 1)

    def take(self, start: int, size: int) -> None:
        """Goes on behind the symbol that has been found at `peek`."""
        self._code -= (self._interval.range >> TOTAL_BITS) * start
        for _ in range(self._interval.narrow(start, size)):
            byte = self._data[self._next] if self._next < len(self._data) else 0
            self._code = self._code << 8 | byte
            self._next += 1

    def take_first(self, size: int) -> bool:
        """Takes the next symbol if it is the one that has `size` parts from the start of TOTAL on; says whether."""
        interval = self._interval
        width = (interval.range >> TOTAL_BITS) * size
        if self._code >= width:
            return False
        if width < _LEAST:
            self.take(0, size)
        else:
            interval.range = width
        return True

    def decode_bits(self, count: int) -> int:
        """The next `count` <= TOTAL_BITS bits."""
        size = TOTAL >> count
        value = self.peek() // size
        self.take(value * size, size)
        return value

    def finish(self) -> None:
        """Checks that the bytes are those that an encoder would have made.

        Raises:
            BitstreamError: `truncated` or `trailing`.
        """
        made = self._interval.shortest()
        if made != self._data:
            reason = "trailing" if len(self._data) > len(made) else "truncated"
            raise BitstreamError(reason, "The packet's code is not the one of its frame")
