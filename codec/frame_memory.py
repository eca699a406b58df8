"""What sender and receiver remember of the frames that packets carried (docs/bitstream.md, "State"), in any profile."""

from __future__ import annotations

from typing import Generic, TypeVar

from codec.packet import Ack
from codec.sequence import WINDOW, distance, is_newer

Frame = TypeVar("Frame")


class SentFrames(Generic[Frame]):
    """The frames of the last packets sent, and which of them the receiver has.

    Args:
        most_back: how many packets back a reference may be.

    Attributes:
        reference: sequence number of the newest frame that was acknowledged, a key of the memory; None without one.
    """

    def __init__(self, most_back: int) -> None:
        self._most_back = most_back
        self._frames: dict[int, Frame] = {}
        self.reference: int | None = None

    def __getitem__(self, sequence: int) -> Frame:
        return self._frames[sequence]

    def __setitem__(self, sequence: int, frame: Frame) -> None:
        self._frames[sequence] = frame

    def get(self, sequence: int) -> Frame | None:
        """The frame of a packet, while it is remembered."""
        return self._frames.get(sequence)

    def forget_old(self, sequence: int) -> None:
        """Forgets what packet `sequence` cannot refer to; sequence numbers ascend (modulo 2**16)."""
        for old in list(self._frames):
            if not 1 <= distance(sequence, old) <= self._most_back:
                del self._frames[old]
        if self.reference not in self._frames:
            self.reference = None

    def acknowledge(self, ack: Ack) -> None:
        """Learns what the receiver has decoded; acknowledgements of unknown or older packets change nothing."""
        for sequence in ack.sequences():
            if sequence in self._frames and (self.reference is None or distance(sequence, self.reference) > 0):
                self.reference = sequence

    def clear(self) -> None:
        """Forgets all, so that only what is sent from now on can become a reference."""
        self._frames.clear()
        self.reference = None


class DecodedFrames(Generic[Frame]):
    """The frames of the last WINDOW packets that were decoded.

    A sender refers at most half as far back, so a packet that arrives late still finds its reference.

    Attributes:
        newest: sequence number of the newest one; None before the first.
    """

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self.newest: int | None = None

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._frames

    def get(self, sequence: int) -> Frame | None:
        """The frame of a packet, if it was decoded and is remembered."""
        return self._frames.get(sequence)

    def add(self, sequence: int, frame: Frame) -> None:
        """Remembers the frame of a packet, and forgets those that are too old."""
        if self.newest is None or is_newer(sequence, self.newest):
            self.newest = sequence
        self._frames[sequence] = frame
        for old in list(self._frames):
            if not 0 <= distance(self.newest, old) < WINDOW:
                del self._frames[old]

    def clear(self) -> None:
        """Forgets all."""
        self._frames.clear()
        self.newest = None
