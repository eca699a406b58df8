"""Which SCTP chunks wait for data to ride with, and for how long (docs/wire.md). Sans-IO.

A chunk of 8 to 20 bytes that travels alone has 77 bytes of headers. Faces go every 40 to 80 ms, so that news of what
has come and what will never come can wait for the next one.
"""

from __future__ import annotations

import math

from aiortc.rtcsctptransport import Chunk, ForwardTsnChunk, SackChunk

SACK_DELAY_S = 0.1
"""Longest wait of an acknowledgement; RFC 9260, 6.2, recommends 0.2 s and forbids 0.5 s."""
LOSS_DELAY_S = 0.05
"""Longest wait of what is about a loss: for an acknowledgement with gaps, as the other side may have to send again."""
DATA_EXPECTED_S = 0.2
"""Who has sent data within this time will probably do so again soon."""
FULL_PACKET_BYTES = 1000
"""RFC 9260 wants an acknowledgement for each second packet, at once where one is missing. It has full packets in mind,
with senders whose windows wait for acknowledgements; faces are counted as the small part of one that they are."""


class HeldChunks:
    """What one association will tell the other side with its next data.

    Attributes:
        deadline: when it must go without data; None if nothing waits.
    """

    def __init__(self) -> None:
        self.deadline: float | None = None
        self._sack: SackChunk | None = None
        self._forward: ForwardTsnChunk | None = None
        self._unacknowledged = 0  # bytes of data since the last acknowledgement
        self._packets = 0
        self._data_sent_at = -math.inf

    def received(self, size: int) -> None:
        """Data of `size` bytes has come."""
        self._unacknowledged += size
        self._packets += 1

    def sent(self, now: float) -> None:
        """Data goes out."""
        self._data_sent_at = now

    def hold(self, chunk: SackChunk | ForwardTsnChunk, now: float) -> bool:
        """Takes a chunk in place of an older one of its kind.

        Returns:
            Whether it may wait until `deadline`; otherwise all that is held must go.
        """
        expected = now - self._data_sent_at < DATA_EXPECTED_S
        if isinstance(chunk, ForwardTsnChunk):
            self._forward = chunk
            return self._wait_until(now + LOSS_DELAY_S) if expected else False
        self._sack = chunk
        if not chunk.gaps and self._packets < 2:
            return self._wait_until(now + SACK_DELAY_S)
        full = self._unacknowledged >= FULL_PACKET_BYTES * (1 if chunk.gaps else 2)
        if full or not expected:
            return False
        return self._wait_until(now + (LOSS_DELAY_S if chunk.gaps else SACK_DELAY_S))

    def take(self, most_bytes: int) -> list[Chunk]:
        """All that is held, if it has at most `most_bytes`; it is held no more."""
        chunks: list[Chunk] = [chunk for chunk in (self._sack, self._forward) if chunk is not None]
        if sum(len(bytes(chunk)) for chunk in chunks) > most_bytes:
            return []
        if self._sack is not None:
            self._unacknowledged = self._packets = 0
        self._sack = self._forward = self.deadline = None
        return chunks

    def _wait_until(self, time: float) -> bool:
        self.deadline = time if self.deadline is None else min(self.deadline, time)
        return True
