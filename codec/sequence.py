"""Sequence numbers modulo 2**16, and what became of each."""

from __future__ import annotations

from enum import Enum, auto

MODULUS = 1 << 16
WINDOW = 64
"""How far behind the newest packet an old one may still arrive."""


def add(sequence: int, count: int) -> int:
    """The sequence number `count` after `sequence` (before it, for negative counts)."""
    return (sequence + count) % MODULUS


def distance(newer: int, older: int) -> int:
    """How far `newer` is ahead of `older`, -32768 .. 32767."""
    return (newer - older + MODULUS // 2) % MODULUS - MODULUS // 2


def is_newer(sequence: int, newest: int) -> bool:
    """Whether a packet with frames stands after the newest one of its kind.

    SequenceWindow drops what is WINDOW or more behind. So what seems to be that far back is ahead, by more than half of
    all numbers: nothing but empty packets may have come for an hour.
    """
    return not -WINDOW < distance(sequence, newest) <= 0


class Arrival(Enum):
    """How a packet stands to those before it."""

    NEWEST = auto()
    LATE = auto()
    STALE = auto()  # seen before, or WINDOW or more behind the newest


class SequenceWindow:
    """Remembers the last WINDOW sequence numbers and estimates loss as RFC 3550 does: expected minus received.

    Attributes:
        expected: packets that were sent up to the newest one that came.
        received: those that came.
    """

    def __init__(self) -> None:
        self._newest: int | None = None
        self._seen = 0  # bit i: newest - i has arrived
        self.expected = 0
        self.received = 0

    @property
    def lost(self) -> int:
        """Packets that were sent before the newest one and have not arrived."""
        return max(0, self.expected - self.received)

    def classify(self, sequence: int) -> Arrival:
        """Says what `add` of this packet would be."""
        if self._newest is None:
            return Arrival.NEWEST
        ahead = distance(sequence, self._newest)
        if ahead > 0:
            return Arrival.NEWEST
        if ahead <= -WINDOW or self._seen >> -ahead & 1:
            return Arrival.STALE
        return Arrival.LATE

    def add(self, sequence: int) -> None:
        """Records a packet that `classify` did not call stale."""
        self.received += 1
        ahead = 1 if self._newest is None else distance(sequence, self._newest)
        if ahead > 0:
            self._newest = sequence
            self.expected += ahead
            self._seen = ((self._seen << min(ahead, WINDOW)) | 1) & ((1 << WINDOW) - 1)
        else:
            self._seen |= 1 << -ahead

    def restart(self) -> None:
        """Takes the next packet as the newest, whatever its number; the counts stay."""
        self._newest = None
        self._seen = 0


class DecodedWindow:
    """The newest of some sequence numbers, and which of the eight before it are among them.

    Attributes:
        newest: None as long as there is none.
        earlier: bit i stands for `newest` - 1 - i.
    """

    def __init__(self) -> None:
        self.newest: int | None = None
        self.earlier = 0

    def add(self, sequence: int) -> None:
        """Adds one that SequenceWindow has let through."""
        if self.newest is None:
            self.newest = sequence
            return
        ahead = distance(sequence, self.newest)
        if is_newer(sequence, self.newest):
            self.earlier = ((self.earlier << 1 | 1) << ahead - 1) & 0xFF if 0 < ahead <= 8 else 0
            self.newest = sequence
        elif -8 <= ahead < 0:
            self.earlier |= 1 << -ahead - 1
