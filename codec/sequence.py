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


class Arrival(Enum):
    """How a packet stands to those before it."""

    NEWEST = auto()
    LATE = auto()
    STALE = auto()  # seen before, or WINDOW or more behind the newest


class SequenceWindow:
    """Remembers the last WINDOW sequence numbers and estimates loss as RFC 3550 does: expected minus received."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._seen = 0  # bit i: newest - i has arrived
        self._expected = 0
        self._received = 0

    @property
    def lost(self) -> int:
        """Packets that were sent before the newest one and have not arrived."""
        return max(0, self._expected - self._received)

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
        self._received += 1
        ahead = 1 if self._newest is None else distance(sequence, self._newest)
        if ahead > 0:
            self._newest = sequence
            self._expected += ahead
            self._seen = ((self._seen << min(ahead, WINDOW)) | 1) & ((1 << WINDOW) - 1)
        else:
            self._seen |= 1 << -ahead

    def restart(self) -> None:
        """Takes the next packet as the newest, whatever its number; the counts stay."""
        self._newest = None
        self._seen = 0
