"""Packets of version 2: frames of profile `range`, several in a row, and what the receiver sees of the link.

See docs/bitstream.md, "Packet, version 2".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from codec.errors import BitstreamError
from codec.motion_basis import MotionBasis
from codec.packet import (
    ACK,
    HAS_ACK,
    HAS_EXTENSION,
    KIND_MASK,
    START,
    TIMESTAMP_MODULUS,
    Ack,
    PacketReader,
    check_packet,
)
from codec.range_steps import RangeConfig, pack_range_config, unpack_range_config
from codec.sequence import MODULUS

VERSION = 2
MAX_FRAMES = 8
MAX_REFERENCE_OFFSET = 31
"""Packets back to the reference."""
MAX_REFERENCE_DISTANCE = 255
"""Frames back to it."""
MAX_INTERVAL_MS = 255
HAS_REPORT = HAS_EXTENSION
"""The bit that says in version 1 that an extension follows."""
DELAY_UNIT_MS = 4


class BurstKind(IntEnum):
    """What a packet says about the sender's face."""

    EMPTY = 0  # there is none, or it rests
    FACES = 1
    ACK = 2  # nothing; the packet is for its acknowledgement


@dataclass(frozen=True)
class LinkReport:
    """What the sender of a packet has seen of the other direction lately.

    Args:
        loss: share of the packets that got lost, 0 .. 255/256.
        delay_ms: how much longer packets take than the fastest ones of the last seconds: they wait in queues.
    """

    loss: float
    delay_ms: float

    def pack(self) -> bytes:
        """Two bytes."""
        return bytes([min(max(round(256 * self.loss), 0), 255), _delay_code(self.delay_ms)])

    @staticmethod
    def unpack(data: bytes) -> LinkReport:
        """Inverse of `pack`, rounded."""
        return LinkReport(data[0] / 256, float(data[1] * DELAY_UNIT_MS))


@dataclass(frozen=True)
class Burst:
    """Consecutive frames, each predicted from the one before it and the first one from an earlier packet's last.

    Args:
        config: of all frames.
        reference_offset: 1..MAX_REFERENCE_OFFSET packets back to the one whose last frame is the reference; 0: none.
        distance: from the reference to the first frame, in frames, 1..MAX_REFERENCE_DISTANCE; 0 without reference.
        intervals_ms: time of each frame but the first since the one before it, 1..MAX_INTERVAL_MS.
        payload: the frames, in one range code.
        lag_ms: how much longer the last frame took from camera to packet than the fastest ones of the last seconds, in
            units of DELAY_UNIT_MS on the wire: what is not to be blamed on the link.
    """

    config: RangeConfig
    reference_offset: int
    distance: int
    intervals_ms: tuple[int, ...]
    payload: bytes
    lag_ms: float = 0.0

    @property
    def count(self) -> int:
        """Number of frames, at most MAX_FRAMES."""
        return 1 + len(self.intervals_ms)

    def pack(self) -> bytes:
        """The rest of a packet."""
        counts = len(self.intervals_ms) << 5 | self.reference_offset
        start = [pack_range_config(self.config), _delay_code(self.lag_ms), counts]
        if self.reference_offset:
            start.append(self.distance)
        return bytes([*start, *self.intervals_ms]) + self.payload

    @staticmethod
    def unpack(reader: PacketReader, own: MotionBasis | None) -> Burst:
        """Takes the rest of a packet.

        Raises:
            BitstreamError: `truncated`, `bad_config`, `unknown_motions`, `bad_reference` or `bad_time`.
        """
        code, lag, number = reader.take(3)
        config = unpack_range_config(code, own)
        offset = number & MAX_REFERENCE_OFFSET
        distance = reader.take(1)[0] if offset else 0
        if offset and not distance:
            raise BitstreamError("bad_reference", "A frame that is its own reference")
        intervals = tuple(reader.take(number >> 5))
        if not all(intervals):
            raise BitstreamError("bad_time", "Two frames of the same time")
        return Burst(config, offset, distance, intervals, reader.rest(), float(lag * DELAY_UNIT_MS))


@dataclass(frozen=True)
class BurstPacket:
    """One packet.

    Args:
        kind: see BurstKind.
        sequence: 0..65535; every packet of a direction takes the next one.
        timestamp_ms: capture time of the last frame in the sender's stream clock, modulo 2**32.
        ack: what the sender has decoded of the other direction, if anything.
        report: how the other direction does, now and then.
        burst: the frames, for FACES only.
    """

    kind: BurstKind
    sequence: int
    timestamp_ms: int
    ack: Ack | None = None
    report: LinkReport | None = None
    burst: Burst | None = None

    @property
    def begins_anew(self) -> bool:
        """Whether its frames need no other packet."""
        return self.burst is not None and self.burst.reference_offset == 0

    @property
    def in_own_motions(self) -> bool:
        """Whether its frames are in the sender's own motions."""
        return self.burst is not None and self.burst.config.basis is not None

    def pack(self) -> bytes:
        """The packet's bytes."""
        first = VERSION << 4 | self.kind | (HAS_ACK if self.ack else 0) | (HAS_REPORT if self.report else 0)
        parts = [START.pack(first, self.sequence % MODULUS, self.timestamp_ms % TIMESTAMP_MODULUS)]
        if self.ack:
            parts.append(ACK.pack(self.ack.sequence, self.ack.earlier))
        if self.report:
            parts.append(self.report.pack())
        if self.burst:
            parts.append(self.burst.pack())
        return b"".join(parts)

    @staticmethod
    def unpack(data: bytes, own: MotionBasis | None = None) -> BurstPacket:
        """Parses a packet up to its payload; `own` is the sender's basis of motions, where it is known.

        Raises:
            BitstreamError: `too_long`, `truncated`, `bad_version`, `bad_kind`, `bad_config`, `unknown_motions`,
                `bad_reference`, `bad_time` or `trailing`.
        """
        check_packet(data, VERSION)
        reader = PacketReader(data)
        first, sequence, timestamp_ms = START.unpack(reader.take(START.size))
        if first & KIND_MASK > max(BurstKind):
            raise BitstreamError("bad_kind", f"A packet of the unknown kind {first & KIND_MASK}")
        kind = BurstKind(first & KIND_MASK)
        ack = Ack(*ACK.unpack(reader.take(ACK.size))) if first & HAS_ACK else None
        report = LinkReport.unpack(reader.take(2)) if first & HAS_REPORT else None
        burst = Burst.unpack(reader, own) if kind is BurstKind.FACES else None
        if burst is None and reader.rest():
            raise BitstreamError("trailing", "A packet without a frame has a payload")
        return BurstPacket(kind, sequence, timestamp_ms, ack, report, burst)


def _delay_code(delay_ms: float) -> int:
    return min(max(round(delay_ms / DELAY_UNIT_MS), 0), 255)
