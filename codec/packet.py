"""Packets of the `face` data channel: what all versions begin with, and those of version 1 (docs/bitstream.md).

Version 1 carries one frame of profile `eg0`; codec.burst_packet has version 2, for profile `range`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from codec.errors import BitstreamError
from codec.sequence import MODULUS, add

VERSION = 1
MAX_PACKET_BYTES = 1200
MAX_REFERENCE_OFFSET = 32
TIMESTAMP_MODULUS = 1 << 32

KIND_MASK = 0x03
HAS_ACK = 0x04
HAS_EXTENSION = 0x08
START = struct.Struct("<BHI")
ACK = struct.Struct("<HB")


class PacketKind(IntEnum):
    """What a packet says about the sender's face."""

    EMPTY = 0  # there is none, or it rests
    KEY = 1
    DELTA = 2
    ACK = 3  # nothing; the packet is for its acknowledgement


@dataclass(frozen=True)
class Ack:
    """Frames that the sender of this has decoded.

    Args:
        sequence: the newest one.
        earlier: bit i says that `sequence` - 1 - i was decoded too, 8 bits.
    """

    sequence: int
    earlier: int = 0

    def sequences(self) -> tuple[int, ...]:
        """All frames that it acknowledges, newest first."""
        return (self.sequence, *(add(self.sequence, -1 - i) for i in range(8) if self.earlier >> i & 1))


@dataclass(frozen=True)
class Packet:
    """One packet.

    Args:
        kind: see PacketKind.
        sequence: 0..65535; every packet of a direction takes the next one.
        timestamp_ms: capture time in the sender's stream clock, modulo 2**32.
        ack: what the sender has decoded of the other direction, if anything.
        reference_offset: 1..MAX_REFERENCE_OFFSET for DELTA, 0 otherwise; the reference is `sequence` minus this.
        payload: the coded frame for KEY and DELTA, empty otherwise.
        extension: what may be skipped, at most 255 bytes: the torso for KEY and DELTA (codec.torso_coding).
    """

    kind: PacketKind
    sequence: int
    timestamp_ms: int
    ack: Ack | None = None
    reference_offset: int = 0
    payload: bytes = b""
    extension: bytes = b""

    def pack(self) -> bytes:
        """The packet's bytes."""
        first = VERSION << 4 | self.kind
        first |= (HAS_ACK if self.ack else 0) | (HAS_EXTENSION if self.extension else 0)
        parts = [START.pack(first, self.sequence % MODULUS, self.timestamp_ms % TIMESTAMP_MODULUS)]
        if self.ack:
            parts.append(ACK.pack(self.ack.sequence, self.ack.earlier))
        if self.extension:
            parts += [bytes([len(self.extension)]), self.extension]
        if self.kind is PacketKind.DELTA:
            parts.append(bytes([self.reference_offset]))
        parts.append(self.payload)
        return b"".join(parts)

    @staticmethod
    def unpack(data: bytes) -> Packet:
        """Parses a packet's header.

        Raises:
            BitstreamError: `too_long`, `truncated`, `bad_version`, `bad_reference` or `trailing`.
        """
        check_packet(data, VERSION)
        reader = PacketReader(data)
        first, sequence, timestamp_ms = START.unpack(reader.take(START.size))
        kind = PacketKind(first & KIND_MASK)
        ack = Ack(*ACK.unpack(reader.take(ACK.size))) if first & HAS_ACK else None
        extension = reader.take(reader.take(1)[0]) if first & HAS_EXTENSION else b""
        reference_offset = reader.take(1)[0] if kind is PacketKind.DELTA else 0
        if kind is PacketKind.DELTA and not 1 <= reference_offset <= MAX_REFERENCE_OFFSET:
            raise BitstreamError("bad_reference", f"A reference {reference_offset} packets back")
        payload = reader.rest()
        if payload and kind in (PacketKind.EMPTY, PacketKind.ACK):
            raise BitstreamError("trailing", "A packet without a frame has a payload")
        return Packet(kind, sequence, timestamp_ms, ack, reference_offset, payload, extension)


def check_packet(data: bytes, version: int) -> None:
    """Checks length and version.

    Raises:
        BitstreamError: `too_long`, `truncated` or `bad_version`.
    """
    if len(data) > MAX_PACKET_BYTES:
        raise BitstreamError("too_long", f"A packet of {len(data)} bytes; {MAX_PACKET_BYTES} are allowed")
    if not data:
        raise BitstreamError("truncated", "An empty packet")
    if data[0] >> 4 != version:
        raise BitstreamError("bad_version", f"Packet version {data[0] >> 4}, expected {version}")


class PacketReader:
    """Takes the fields of a packet from its bytes, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            BitstreamError: `truncated`.
        """
        end = self._offset + count
        if end > len(self._data):
            raise BitstreamError("truncated", "The packet ends within its header")
        part = self._data[self._offset : end]
        self._offset = end
        return part

    def rest(self) -> bytes:
        """All that are left."""
        return self._data[self._offset :]
