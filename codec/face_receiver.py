"""Packets of either profile to the face that is shown: order, decoding, playout, easing. Sans-IO."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from codec.burst_coding import BurstDecoder
from codec.burst_packet import VERSION as BURST_VERSION
from codec.burst_packet import BurstPacket, LinkReport
from codec.errors import BitstreamError, UnknownReference
from codec.face_decoder import FaceDecoder
from codec.face_motion import FaceMotion
from codec.link_monitor import LinkMonitor
from codec.motion_basis import MotionBasis
from codec.packet import TIMESTAMP_MODULUS, Ack, Packet, PacketKind
from codec.params import FaceParams
from codec.playout import Playout
from codec.sequence import Arrival, DecodedWindow, SequenceWindow

RESYNC_S = 5.0
"""After this much silence the sender may have started over: the next packet counts as new, whatever its number."""

KEY_REQUEST_PAUSE_S = 0.3
MOST_PER_S, MOST_AT_ONCE = 150.0, 300.0
"""Packets of one peer that are decoded, each counted once for every FRAMES_PER_COUNT; an honest one sends a tenth."""
FRAMES_PER_COUNT = 2


@dataclass
class ReceiverStats:
    """Counters since the receiver was made.

    Attributes:
        own_motions_in: packets in the sender's own motions.
        frames_shown: frames that `current` has handed out, interpolated ones included.
        stale: packets that came twice, or whose faces came too late to be shown.
        lost: estimate of packets that never came.
        bad_packets: dropped packets by BitstreamError.reason.
    """

    packets_in: int = 0
    bytes_in: int = 0
    key_frames_in: int = 0
    own_motions_in: int = 0
    frames_shown: int = 0
    stale: int = 0
    lost: int = 0
    bad_packets: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True)
class News:
    """What a packet says to the sender of the other direction."""

    ack: Ack | None
    report: LinkReport | None


class FaceReceiver:
    """One direction of a link. `now` is any monotonic clock in seconds.

    Args:
        stats: is counted up.

    Attributes:
        motions: the sender's own ones, once they are known.
    """

    def __init__(self, stats: ReceiverStats) -> None:
        self._stats = stats
        self.motions: MotionBasis | None = None
        self._decoder = FaceDecoder()
        self._burst_decoder = BurstDecoder()
        self._window = SequenceWindow()
        self._decoded = DecodedWindow()
        self._monitor = LinkMonitor(self._window)
        self._playout = Playout()
        self._streams = 0
        self._motion = FaceMotion()
        self._followed_ms: int | None = None
        self._shown_ms: int | None = None
        self._heard_at = -math.inf
        self._newest_ms: int | None = None
        self._key_wanted = False
        self._key_wanted_at = -math.inf
        self._allowance, self._allowed_at = MOST_AT_ONCE, -math.inf
        self.unacknowledged = 0

    def receive(self, data: bytes, now: float) -> News | None:
        """Takes a packet; None if it was dropped. Never raises: what is malformed is counted."""
        self._stats.packets_in += 1
        self._stats.bytes_in += len(data)
        try:
            packet = self._parse(data)
            self._check_rate(packet, now)
            return self._accept(packet, now)
        except BitstreamError as error:
            self._stats.bad_packets[error.reason] += 1
            return None

    def current(self, now: float) -> FaceParams | None:
        """The face to show now, None before the first frame; steady if nothing new came, at rest after silence."""
        shown = self._playout.at(now)
        if shown is not None and shown[0] != self._followed_ms:
            self._followed_ms, face = shown
            if face is None:
                self._motion.rest(now)
            else:
                self._stats.frames_shown += 1
                self._shown_ms = self._followed_ms
                self._motion.follow(face, now)
        return self._motion.current(now)

    def next_change(self, now: float) -> float | None:
        """When `current` will have another frame, if nothing arrives; None if it will not."""
        return self._playout.next_change(now)

    @property
    def newest_capture_ms(self) -> int | None:
        """When the newest frame was captured, by the sender's stream clock; None before the first one."""
        return self._newest_ms

    @property
    def shown_capture_ms(self) -> int | None:
        """When the face that `current` has handed out was captured, by the sender's stream clock."""
        return self._shown_ms

    @property
    def loss(self) -> float:
        """Share of the packets that got lost lately."""
        report = self._monitor.report()
        return report.loss if report else 0.0

    @property
    def playout_ms(self) -> float:
        """What the playout buffer adds to the delay of the fastest frame."""
        return self._playout.added_ms

    def silent_for(self, now: float) -> float:
        """Seconds since the last valid packet, infinite before the first one."""
        return now - self._heard_at

    def acknowledgement(self) -> Ack | None:
        """What to tell the sender; None before the first frame."""
        newest = self._decoded.newest
        return None if newest is None else Ack(newest, self._decoded.earlier)

    def due_report(self, now: float) -> LinkReport | None:
        """What to tell the sender about the link, when it is time to."""
        return self._monitor.due(now)

    def wants_key(self) -> bool:
        """Says, once per need, that a `key_request` should be sent."""
        wanted, self._key_wanted = self._key_wanted, False
        return wanted

    # ---

    def _parse(self, data: bytes) -> Packet | BurstPacket:
        if data and data[0] >> 4 == BURST_VERSION:
            return BurstPacket.unpack(data, self.motions)
        return Packet.unpack(data)

    def _accept(self, packet: Packet | BurstPacket, now: float) -> News | None:
        if self.silent_for(now) >= RESYNC_S:
            self._restart()
        arrival = self._window.classify(packet.sequence)
        if arrival is Arrival.STALE:
            self._stats.stale += 1
            return None
        try:
            frames = self._decode(packet)
        except UnknownReference as error:
            self._stats.bad_packets[error.reason] += 1
            self._want_key(now)
            frames = []
        self._window.add(packet.sequence)
        self._stats.lost = self._window.lost
        self._heard_at = now
        self._monitor.counted(now)
        if frames and arrival is Arrival.NEWEST:
            self._newest_ms = self._unwrap(packet.timestamp_ms)
            lag_ms = packet.burst.lag_ms if isinstance(packet, BurstPacket) and packet.burst else 0.0
            self._monitor.timed(self._newest_ms + lag_ms, now)
        new = [self._playout.add(self._unwrap(time_ms), face, now) for time_ms, face in frames]
        self._stats.stale += bool(new) and not any(new)
        if self._playout.streams != self._streams:
            self._streams = self._playout.streams
            self._monitor.restart()
        return News(packet.ack, packet.report if isinstance(packet, BurstPacket) else None)

    def _decode(self, packet: Packet | BurstPacket) -> list[tuple[int, FaceParams | None]]:
        """Capture times (modulo 2**32) and faces, None where the packet says that there is none."""
        kind = packet.kind.name
        if kind == PacketKind.ACK.name:
            return []
        if kind == PacketKind.EMPTY.name:
            return [(packet.timestamp_ms, None)]
        if isinstance(packet, Packet):
            frames = [(packet.timestamp_ms, self._decoder.decode(packet).to_params())]
            self._stats.key_frames_in += packet.kind is PacketKind.KEY
        else:
            frames = [(time_ms, frame.to_params()) for time_ms, frame in self._burst_decoder.decode(packet)]
            self._stats.key_frames_in += packet.begins_anew
            self._stats.own_motions_in += packet.in_own_motions
        self._decoded.add(packet.sequence)
        self.unacknowledged += 1
        return [*frames]

    def _restart(self) -> None:
        for part in (self._window, self._decoder, self._burst_decoder, self._monitor, self._playout):
            part.restart()
        self._decoded = DecodedWindow()
        self._followed_ms = None

    def _check_rate(self, packet: Packet | BurstPacket, now: float) -> None:
        burst = packet.burst if isinstance(packet, BurstPacket) else None
        cost = -(-burst.count // FRAMES_PER_COUNT) if burst else 1
        refill = 0.0 if math.isinf(self._allowed_at) else MOST_PER_S * (now - self._allowed_at)
        self._allowance, self._allowed_at = min(MOST_AT_ONCE, self._allowance + refill), now
        if self._allowance < cost:
            raise BitstreamError("too_many", "Packets come faster than any face moves")
        self._allowance -= cost

    def _want_key(self, now: float) -> None:
        if now - self._key_wanted_at >= KEY_REQUEST_PAUSE_S:
            self._key_wanted, self._key_wanted_at = True, now

    def _unwrap(self, timestamp_ms: int) -> int:
        """The full time nearest to the last one that has these 32 low bits."""
        if self._newest_ms is None:
            return timestamp_ms
        half = TIMESTAMP_MODULUS // 2
        return self._newest_ms + (timestamp_ms - self._newest_ms + half) % TIMESTAMP_MODULUS - half
