"""A bad network on paper: one direction that loses, delays, reorders, repeats and queues packets. Sans-IO.

The clock is the caller's, so minutes pass in seconds, and the same seed gives the same run.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

IP_UDP_BYTES = 20 + 8
"""IPv4; IPv6 has 20 more."""
DTLS_BYTES = 13 + 16
"""DTLS 1.2 with ChaCha20-Poly1305: record header, tag. AES-GCM has a nonce of 8 bytes more (client/dtls_ciphers.py)."""
SCTP_BYTES = 12 + 16
"""Common header, and header of one DATA chunk; its payload is padded to four bytes."""
SACK_BYTES = 16
"""Chunk that acknowledges the other direction, in each packet (client/held_chunks.py), without gap blocks."""
LONGEST_QUEUE_S = 1.0
"""What the queue before a bottleneck holds, unless another length is asked for."""


def wire_bytes(payload_bytes: int) -> int:
    """Size of the IP packet that carries one message of a data channel, and an acknowledgement."""
    padded = payload_bytes + -payload_bytes % 4
    return IP_UDP_BYTES + DTLS_BYTES + SCTP_BYTES + padded + SACK_BYTES


@dataclass(frozen=True)
class Impairment:
    """What a link does to packets.

    Args:
        loss: share of the packets that get lost.
        delay_s: shortest time on the way.
        jitter_s: mean of what is added to it, exponentially distributed, so that packets overtake each other.
        duplicated: share of the packets that arrive twice.
        rate_bps: bits per second, headers included, that the narrowest place passes; None for any number.
        longest_queue_s: packets that would wait for longer than this before the narrowest place are dropped.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    duplicated: float = 0.0
    rate_bps: float | None = None
    longest_queue_s: float = LONGEST_QUEUE_S


class ImpairedLink:
    """One direction.

    Args:
        impairment: how the link is; may be replaced at any time.
        seed: of all that is random.
        size_of: bytes on the wire of what `send` is given.

    Attributes:
        packets: packets sent.
        bytes: their bytes on the wire.
        lost: packets of them that got lost on the way.
        overflowed: packets of them that found the queue full.
    """

    def __init__(
        self,
        impairment: Impairment,
        seed: int,
        size_of: Callable[[bytes], int] = lambda packet: wire_bytes(len(packet)),
    ) -> None:
        self.impairment = impairment
        self._size_of = size_of
        self.packets = self.bytes = self.lost = self.overflowed = 0
        self._random = random.Random(seed)
        self._coming: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._free_at = 0.0

    def send(self, packet: bytes, now: float) -> None:
        """Takes a packet at `now`, seconds."""
        size = self._size_of(packet)
        self.packets += 1
        self.bytes += size
        gone_at = now
        if self.impairment.rate_bps is not None:
            begins_at = max(now, self._free_at)
            if begins_at - now > self.impairment.longest_queue_s:
                self.overflowed += 1
                return
            gone_at = self._free_at = begins_at + 8 * size / self.impairment.rate_bps
        if self._random.random() < self.impairment.loss:
            self.lost += 1
            return
        self._deliver(packet, gone_at)
        if self._random.random() < self.impairment.duplicated:
            self._deliver(packet, gone_at)

    def _deliver(self, packet: bytes, gone_at: float) -> None:
        jitter_s = self.impairment.jitter_s
        late_s = self._random.expovariate(1 / jitter_s) if jitter_s > 0 else 0.0
        heapq.heappush(self._coming, (gone_at + self.impairment.delay_s + late_s, self._number, packet))
        self._number += 1

    def next_arrival(self) -> float | None:
        """When `receive` will have something; None if nothing is on its way."""
        return self._coming[0][0] if self._coming else None

    def receive(self, now: float) -> list[bytes]:
        """The packets that have arrived by `now`, in the order in which they did."""
        arrived: list[bytes] = []
        while self._coming and self._coming[0][0] <= now:
            arrived.append(heapq.heappop(self._coming)[2])
        return arrived
