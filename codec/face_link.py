"""Both directions of the `face` channel between two clients, without the channel: bytes and `now` in, faces out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codec.face_receiver import FaceReceiver, ReceiverStats
from codec.face_sender import Eg0Sender, Envelope, FaceSender, RangeSender
from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from codec.sequence import add

KEEPALIVE_S = 0.5
"""Longest pause between packets (docs/protocol.md, Liveness)."""

ACK_EVERY = 4
"""Packets after which an acknowledgement is due even if there is no face to send with it."""

EG0, RANGE = "eg0", "range"
PROFILES = (RANGE, EG0)
"""What this side sends and understands, the best one first."""


@dataclass
class FaceLinkStats(ReceiverStats):
    """Counters of one link since it was made; sizes are those of packets as this package makes them."""

    packets_out: int = 0
    bytes_out: int = 0
    key_frames_out: int = 0


@dataclass(frozen=True)
class LinkQuality:
    """How a link does at the moment.

    Args:
        loss_in: share of the peer's packets that got lost lately.
        loss_out: share of ours, as the peer reports.
        playout_ms: what the playout buffer adds to the delay of the fastest frame.
        rate_step: step of the ladder of rates that we send on, 0 the best one.
    """

    loss_in: float
    loss_out: float
    playout_ms: float
    rate_step: int


class FaceLink:
    """One peer's face stream, both ways. Sans-IO: `now` is any monotonic clock in seconds.

    The caller sends each packet on an unordered channel without retransmission, and asks for more with `poll` at
    `deadline` and about twenty times a second.

    Args:
        expression_dims: E to send.
        expression_bits: 8 or 10, in profile `eg0`.
        profile: what to send until `speak` says something else.
    """

    def __init__(self, expression_dims: int = 50, expression_bits: int = 8, profile: str = EG0) -> None:
        self.stats = FaceLinkStats()
        self._dims, self._bits = expression_dims, expression_bits
        self._receiver = FaceReceiver(self.stats)
        self._next_sequence = 0
        self._last_capture_ms = 0
        self._sent_at = -math.inf
        self._now = -math.inf
        self._profile = ""
        self._key_frames_before = 0  # of the senders of earlier profiles
        self._motions: MotionBasis | None = None
        self._sender: FaceSender
        self.speak(profile)

    # --- out

    def speak(self, profile: str) -> None:
        """Sends in this profile from now on, one of PROFILES: one that the other side understands."""
        if profile != self._profile:
            self._profile, self._key_frames_before = profile, self.stats.key_frames_out
            self._sender = RangeSender(self._dims) if profile == RANGE else Eg0Sender(self._dims, self._bits)
            self._sender.motions = self._motions

    def speak_in(self, motions: MotionBasis | None) -> None:
        """Sends in our own motions from now on, which the other side says that it knows; None: in the standard ones."""
        self._motions = self._sender.motions = motions

    def send(self, params: FaceParams | None, capture_ms: int, now: float) -> list[bytes]:
        """The packets to send, now that there is a face as captured at `capture_ms` of the stream clock.

        None stands for a face that rests.
        """
        self._last_capture_ms, self._now = capture_ms, now
        return self._counted(self._sender.send(params, capture_ms, now, self._envelope))

    def poll(self, now: float) -> list[bytes]:
        """Packets that must go though there is no new face: what has waited long enough, or a sign of life."""
        self._now = now
        packets = self._sender.flush(now, self._envelope)
        if not packets and (now - self._sent_at >= KEEPALIVE_S or self._receiver.unacknowledged >= ACK_EVERY):
            packets = [self._sender.only_ack(self._last_capture_ms, self._envelope)]
        return self._counted(packets)

    def deadline(self) -> float | None:
        """When `poll` should be called at the latest for a face that waits for others; None if none does."""
        return self._sender.deadline()

    def key_requested(self) -> None:
        """The other side asked for a key frame (control message `key_request`)."""
        self._sender.request_key()

    def _envelope(self) -> Envelope:
        sequence, self._next_sequence = self._next_sequence, add(self._next_sequence, 1)
        self._receiver.unacknowledged = 0
        return Envelope(sequence, self._receiver.acknowledgement(), self._receiver.due_report(self._now))

    def _counted(self, packets: list[bytes]) -> list[bytes]:
        if packets:
            self._sent_at = self._now
        self.stats.packets_out += len(packets)
        self.stats.bytes_out += sum(map(len, packets))
        self.stats.key_frames_out = self._key_frames_before + self._sender.key_frames
        return packets

    # --- in

    def learn(self, motions: MotionBasis | None) -> None:
        """The other side's own motions; None: they are not known (any more)."""
        self._receiver.motions = motions

    def receive(self, packet: bytes, now: float) -> None:
        """Takes a packet from the peer. Never raises: what is malformed is counted and dropped."""
        news = self._receiver.receive(packet, now)
        if news is None:
            return
        if news.ack is not None:
            self._sender.acknowledged(news.ack)
        if news.report is not None:
            self._sender.reported(news.report, now)

    def current(self, now: float) -> FaceParams | None:
        """The face to show now, None before the first frame; steady if nothing new came, at rest after silence."""
        return self._receiver.current(now)

    def next_change(self, now: float) -> float | None:
        """When `current` will have another frame, if nothing arrives; None if it will not."""
        return self._receiver.next_change(now)

    @property
    def newest_capture_ms(self) -> int | None:
        """When the newest frame was captured, by the sender's stream clock; None before the first one."""
        return self._receiver.newest_capture_ms

    @property
    def shown_capture_ms(self) -> int | None:
        """When the face that `current` has last handed out was captured; None before the first one."""
        return self._receiver.shown_capture_ms

    @property
    def quality(self) -> LinkQuality:
        """How the link does, both ways."""
        rate = self._sender.rate
        return LinkQuality(self._receiver.loss, rate.loss, self._receiver.playout_ms, rate.level)

    def silent_for(self, now: float) -> float:
        """Seconds since the last valid packet, infinite before the first one."""
        return self._receiver.silent_for(now)

    def wants_key(self) -> bool:
        """Says, once per need, that a `key_request` should be sent."""
        return self._receiver.wants_key()
