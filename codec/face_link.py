"""Both directions of the `face` channel between two clients, without the channel: bytes and `now` in, faces out."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from codec.errors import BitstreamError, UnknownReference
from codec.face_decoder import FaceDecoder
from codec.face_encoder import EncodedFrame, FaceEncoder
from codec.face_motion import FaceMotion
from codec.packet import TIMESTAMP_MODULUS, Packet, PacketKind
from codec.params import FaceParams
from codec.sequence import Arrival, SequenceWindow, add

KEEPALIVE_S = 0.5
"""Longest pause between packets (docs/protocol.md, Liveness)."""

ACK_EVERY = 8
"""Frames after which an acknowledgement is due even if there is no face to send with it."""

RESYNC_S = 5.0
"""After this much silence the sender may have started over: the next packet counts as new, whatever its number."""

KEY_REQUEST_PAUSE_S = 0.3


@dataclass
class FaceLinkStats:
    """Counters of one link since it was made; sizes are those of packets as this package makes them.

    Attributes:
        frames_shown: frames that `current` has handed out.
        stale: packets that came twice, or too late to be shown.
        lost: estimate of packets that never came.
        bad_packets: malformed packets by BitstreamError.reason.
    """

    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    key_frames_in: int = 0
    key_frames_out: int = 0
    frames_shown: int = 0
    stale: int = 0
    lost: int = 0
    bad_packets: Counter[str] = field(default_factory=Counter[str])


class FaceLink:
    """One peer's face stream, both ways. Sans-IO: `now` is any monotonic clock in seconds.

    The caller sends each packet on an unordered channel without retransmission, at least every KEEPALIVE_S
    (`send_due` says when).

    Args:
        expression_dims: E to send.
        expression_bits: 8 or 10.
    """

    def __init__(self, expression_dims: int = 50, expression_bits: int = 8) -> None:
        self.stats = FaceLinkStats()
        self._encoder = FaceEncoder(expression_dims, expression_bits)
        self._decoder = FaceDecoder()
        self._motion = FaceMotion()
        self._window = SequenceWindow()
        self._next_sequence = 0
        self._last_capture_ms = 0
        self._sent_at = -math.inf
        self._heard_at = -math.inf
        self._unacknowledged = 0
        self._newest_capture_ms: int | None = None
        self._fresh = False
        self._key_wanted = False
        self._key_wanted_at = -math.inf

    # --- out

    def send(self, params: FaceParams | None, capture_ms: int, now: float) -> bytes:
        """Makes the next packet: the face as captured at `capture_ms` of the stream clock, or None while it rests."""
        self._last_capture_ms = capture_ms
        if params is None:
            return self._packet(PacketKind.EMPTY, capture_ms, now)
        frame = self._encoder.encode(params, self._next_sequence)
        self.stats.key_frames_out += frame.kind is PacketKind.KEY
        return self._packet(frame.kind, capture_ms, now, frame)

    def send_ack(self, now: float) -> bytes:
        """Makes a packet that says nothing about the face, to be sent when `send_due` and no frame is at hand."""
        return self._packet(PacketKind.ACK, self._last_capture_ms, now)

    def send_due(self, now: float) -> bool:
        """Says whether a packet should go out now even without a new frame."""
        return now - self._sent_at >= KEEPALIVE_S or self._unacknowledged >= ACK_EVERY

    def key_requested(self) -> None:
        """The other side asked for a key frame (control message `key_request`)."""
        self._encoder.request_key()

    # --- in

    def receive(self, packet: bytes, now: float) -> None:
        """Takes a packet from the peer. Never raises: what is malformed is counted and dropped."""
        self.stats.packets_in += 1
        self.stats.bytes_in += len(packet)
        try:
            self._accept(Packet.unpack(packet), now)
        except BitstreamError as error:
            self.stats.bad_packets[error.reason] += 1

    def current(self, now: float) -> FaceParams | None:
        """The face to show now, None before the first frame; steady if nothing new came, at rest after silence."""
        self.stats.frames_shown += self._fresh
        self._fresh = False
        return self._motion.current(now)

    @property
    def newest_capture_ms(self) -> int | None:
        """When the newest frame was captured, by the sender's stream clock; None before the first one."""
        return self._newest_capture_ms

    def silent_for(self, now: float) -> float:
        """Seconds since the last valid packet, infinite before the first one."""
        return now - self._heard_at

    def wants_key(self) -> bool:
        """Says, once per need, that a `key_request` should be sent."""
        wanted, self._key_wanted = self._key_wanted, False
        return wanted

    # ---

    def _packet(self, kind: PacketKind, capture_ms: int, now: float, frame: EncodedFrame | None = None) -> bytes:
        packet = Packet(kind, self._next_sequence, capture_ms, self._decoder.acknowledgement())
        if frame is not None:
            packet = replace(
                packet, reference_offset=frame.reference_offset, payload=frame.payload, extension=frame.extension
            )
        data = packet.pack()
        self._next_sequence = add(self._next_sequence, 1)
        self._sent_at = now
        self._unacknowledged = 0
        self.stats.packets_out += 1
        self.stats.bytes_out += len(data)
        return data

    def _accept(self, packet: Packet, now: float) -> None:
        if self.silent_for(now) >= RESYNC_S:
            self._window.restart()
            self._decoder.restart()
        arrival = self._window.classify(packet.sequence)
        if arrival is Arrival.STALE:
            self.stats.stale += 1
            return
        frame = None
        if packet.kind in (PacketKind.KEY, PacketKind.DELTA):
            try:
                frame = self._decoder.decode(packet)
            except UnknownReference:
                self._record(packet, now)
                self._want_key(now)
                raise
            self._unacknowledged += 1
            self.stats.key_frames_in += packet.kind is PacketKind.KEY
        self._record(packet, now)
        if arrival is Arrival.LATE:
            self.stats.stale += 1
        elif frame is not None:
            self._newest_capture_ms = self._unwrap(packet.timestamp_ms)
            self._fresh = True
            self._motion.follow(frame.to_params(), now)
        elif packet.kind is PacketKind.EMPTY:
            self._motion.rest(now)

    def _record(self, packet: Packet, now: float) -> None:
        self._window.add(packet.sequence)
        self.stats.lost = self._window.lost
        self._heard_at = now
        if packet.ack:
            self._encoder.acknowledge(packet.ack)

    def _want_key(self, now: float) -> None:
        if now - self._key_wanted_at >= KEY_REQUEST_PAUSE_S:
            self._key_wanted, self._key_wanted_at = True, now

    def _unwrap(self, timestamp_ms: int) -> int:
        """The full time nearest to the last one that has these 32 low bits."""
        last = self._newest_capture_ms
        if last is None:
            return timestamp_ms
        half = TIMESTAMP_MODULUS // 2
        return last + (timestamp_ms - last + half) % TIMESTAMP_MODULUS - half
