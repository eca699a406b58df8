"""Faces to packets, by profile: `eg0` sends each face at once, `range` bundles, repeats and thins them. Sans-IO."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from codec.bundler import Bundler
from codec.burst_coding import BurstEncoder, NumberedFace
from codec.burst_packet import MAX_FRAMES, MAX_INTERVAL_MS, BurstKind, BurstPacket, LinkReport
from codec.face_encoder import FaceEncoder
from codec.link_monitor import DelayExcess
from codec.motion_basis import MotionBasis
from codec.packet import Ack, Packet, PacketKind
from codec.params import FaceParams
from codec.range_steps import FULL_DIMS, RangeConfig
from codec.rate_control import RateControl

EMPTY_EVERY_S = 0.1
"""While there is no face, that is said this often."""


@dataclass(frozen=True)
class Envelope:
    """What the link adds to each packet: its sequence number, and news of the other direction."""

    sequence: int
    ack: Ack | None
    report: LinkReport | None


NextEnvelope = Callable[[], Envelope]


class FaceSender(Protocol):
    """One profile's way to send.

    Attributes:
        key_frames: those so far.
        motions: our own ones, which the receiver knows; None: the standard ones.
        rate: what the receiver reports, and the step of the ladder that is in use.
    """

    rate: RateControl
    key_frames: int
    motions: MotionBasis | None

    def send(self, params: FaceParams | None, time_ms: int, now: float, envelope: NextEnvelope) -> list[bytes]:
        """The packets that go out now that there is a new face, or none."""
        ...

    def flush(self, now: float, envelope: NextEnvelope) -> list[bytes]:
        """Those that may wait no longer."""
        ...

    def deadline(self) -> float | None:
        """When `flush` will have one; None if nothing waits."""
        ...

    def only_ack(self, time_ms: int, envelope: NextEnvelope) -> bytes:
        """A packet that says nothing about the face."""
        ...

    def acknowledged(self, ack: Ack) -> None:
        """The receiver has decoded these."""
        ...

    def reported(self, report: LinkReport, now: float) -> None:
        """The receiver says how the link does."""
        ...

    def request_key(self) -> None:
        """The receiver needs a key frame."""
        ...


class Eg0Sender:
    """Packets of version 1.

    Args:
        expression_dims: E to send.
        expression_bits: 8 or 10.
    """

    def __init__(self, expression_dims: int, expression_bits: int) -> None:
        self.rate = RateControl()
        self._encoder = FaceEncoder(expression_dims, expression_bits)
        self.key_frames = 0
        self.motions: MotionBasis | None = None
        self.acknowledged = self._encoder.acknowledge
        self.request_key = self._encoder.request_key

    def send(self, params: FaceParams | None, time_ms: int, now: float, envelope: NextEnvelope) -> list[bytes]:
        """See FaceSender."""
        around = envelope()
        if params is None:
            return [Packet(PacketKind.EMPTY, around.sequence, time_ms, around.ack).pack()]
        frame = self._encoder.encode(params, around.sequence)
        self.key_frames += frame.kind is PacketKind.KEY
        return [
            Packet(
                frame.kind,
                around.sequence,
                time_ms,
                around.ack,
                frame.reference_offset,
                frame.payload,
                frame.extension,
            ).pack()
        ]

    def flush(self, now: float, envelope: NextEnvelope) -> list[bytes]:
        """Nothing waits."""
        return []

    def deadline(self) -> float | None:
        """Nothing waits."""
        return None

    def only_ack(self, time_ms: int, envelope: NextEnvelope) -> bytes:
        """See FaceSender."""
        around = envelope()
        return Packet(PacketKind.ACK, around.sequence, time_ms, around.ack).pack()

    def reported(self, report: LinkReport, now: float) -> None:
        """Packets of version 1 are what they are."""


class RangeSender:
    """Packets of version 2.

    Args:
        expression_dims: E to send.
    """

    def __init__(self, expression_dims: int) -> None:
        self.rate = RateControl()
        self.key_frames = 0
        self.motions: MotionBasis | None = None
        self._dims = expression_dims
        self._encoder = BurstEncoder()
        self._bundler = Bundler()
        self._lag = DelayExcess()
        self._waiting: list[NumberedFace] = []
        self._sent: deque[list[NumberedFace]] = deque(maxlen=2)  # faces of the last packets
        self._number = 0
        self._skipped = 0
        self._empty_at = -math.inf
        self.acknowledged = self._encoder.acknowledge
        self.reported = self.rate.report
        self.request_key = self._encoder.request_key

    def send(self, params: FaceParams | None, time_ms: int, now: float, envelope: NextEnvelope) -> list[bytes]:
        """See FaceSender."""
        if params is None:
            return self._empty(time_ms, now, envelope)
        self._empty_at = -math.inf
        self._skipped += 1
        if self._skipped < self.rate.step.every:
            return []
        self._skipped = 0
        packets: list[bytes] = []
        if self._waiting and not 0 < time_ms - self._waiting[-1].time_ms <= MAX_INTERVAL_MS:
            packets.append(self._pack(now, envelope))
        self._waiting.append(NumberedFace(self._number, time_ms, params))
        self._number += 1
        self._bundler.add(time_ms, now)
        if self._bundler.full(self.rate.hold_s) or len(self._waiting) >= MAX_FRAMES:
            packets.append(self._pack(now, envelope))
        return packets

    def flush(self, now: float, envelope: NextEnvelope) -> list[bytes]:
        """See FaceSender."""
        deadline = self.deadline()
        return [self._pack(now, envelope)] if deadline is not None and now >= deadline else []

    def deadline(self) -> float | None:
        """See FaceSender."""
        return self._bundler.deadline()

    def only_ack(self, time_ms: int, envelope: NextEnvelope) -> bytes:
        """See FaceSender."""
        around = envelope()
        return BurstPacket(BurstKind.ACK, around.sequence, time_ms, around.ack, around.report).pack()

    def _empty(self, time_ms: int, now: float, envelope: NextEnvelope) -> list[bytes]:
        packets = [self._pack(now, envelope)] if self._waiting else []
        if now - self._empty_at >= EMPTY_EVERY_S:
            self._empty_at = now
            around = envelope()
            packets.append(BurstPacket(BurstKind.EMPTY, around.sequence, time_ms, around.ack, around.report).pack())
        return packets

    def _pack(self, now: float, envelope: NextEnvelope) -> bytes:
        around = envelope()
        faces = [*self._repeated(), *self._waiting]
        config = RangeConfig(self._dims, self.rate.step.quality, self.motions if self._dims == FULL_DIMS else None)
        lag_ms = self._lag.of(1000 * now - faces[-1].time_ms, now)
        burst = replace(self._encoder.encode(faces, config, around.sequence), lag_ms=lag_ms)
        self.key_frames += burst.reference_offset == 0
        self._sent.append(self._waiting)
        self._waiting = []
        self._bundler.sent()
        return BurstPacket(BurstKind.FACES, around.sequence, faces[-1].time_ms, around.ack, around.report, burst).pack()

    def _repeated(self) -> list[NumberedFace]:
        """Faces that were sent already, as many as the loss makes advisable and the packet holds."""
        packets = list(self._sent)[::-1][: self.rate.repeats]
        earlier = [face for faces in packets for face in reversed(faces)]  # the newest first
        kept: list[NumberedFace] = []
        following = self._waiting[0]
        for face in earlier[: MAX_FRAMES - len(self._waiting)]:
            if not 0 < following.time_ms - face.time_ms <= MAX_INTERVAL_MS:
                break
            kept.append(face)
            following = face
        return kept[::-1]
