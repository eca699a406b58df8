"""Two FaceLinks over two impaired links on a simulated clock, and what an observer sees of both faces.

The observer knows what was captured, what was sent (it reads the packets) and what is shown. It does not ask the links
how they do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.burst_packet import BurstKind, BurstPacket
from codec.face_link import RANGE, FaceLink
from codec.packet import TIMESTAMP_MODULUS, Packet, PacketKind
from codec.range_steps import values_of
from visavis.bench.impaired_link import ImpairedLink, Impairment
from visavis.bench.lively_face import lively_face

FRAME_S = 0.04
POLL_S = 0.05
TIMER_SLACK_S = 0.001
"""As client/peer_face.py: timers fire a little later than asked for."""
START_S = (0.0, 0.013)
"""When the sides' cameras take their first pictures."""
EPOCH_MS = 1000
EXPRESSION_BITS = 8


@dataclass
class Shown:
    """A face that was shown: when, when it was captured by the receiver's account, and its parameters [71]."""

    at: float
    capture_ms: int
    values: NDArray[np.float64]


@dataclass
class Direction:
    """What one side's face went through.

    Attributes:
        captured: capture time in ms and parameters [71] of each face.
        sent: (time of sending, quality or -1 for `eg0`) of each packet with new faces.
        sent_ms: capture times of all faces in packets, and the coarsest quality in which each was sent.
        shown: faces in the order in which they were shown.
    """

    captured: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    sent: list[tuple[float, int]] = field(default_factory=list)
    sent_ms: dict[int, int] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)


class _Side:
    """A participant: a camera, a link, a screen."""

    def __init__(self, number: int, profile: str, out: ImpairedLink, sees: Direction, says: Direction) -> None:
        self.link = FaceLink(expression_bits=EXPRESSION_BITS, profile=profile)
        self.out, self._number = out, number
        self._sees, self._says = sees, says
        self._taken = 0
        self._poll_at = POLL_S
        self._change_at = math.inf
        self._shown_ms: int | None = None

    def next_event(self) -> float:
        """When something is to be done, if nothing arrives."""
        deadline = self.link.deadline()
        return min(self._capture_at, self._poll_at, math.inf if deadline is None else deadline, self._change_at)

    @property
    def _capture_at(self) -> float:
        return START_S[self._number] + self._taken * FRAME_S

    def act(self, now: float) -> None:
        """Does what is due."""
        if now >= self._capture_at:
            face, time_ms = lively_face(self._taken, FRAME_S, self._number), EPOCH_MS + round(1000 * self._capture_at)
            self._taken += 1
            self._says.captured[time_ms] = values_of(face)
            self._send(self.link.send(face, time_ms, now), now)
        deadline = self.link.deadline()
        if now >= self._poll_at or (deadline is not None and now >= deadline):
            self._send(self.link.poll(now), now)
            self._poll_at += POLL_S if now >= self._poll_at else 0
        if now >= self._change_at:
            self._look(now)

    def receive(self, packet: bytes, now: float) -> bool:
        """Takes a packet; says whether the other side should be asked for a key frame."""
        self.link.receive(packet, now)
        self._look(now)
        return self.link.wants_key()

    def _send(self, packets: Sequence[bytes], now: float) -> None:
        for packet in packets:
            quality, times = contents(packet)
            if times:
                self._says.sent.append((now, quality))
                for time_ms in times:
                    self._says.sent_ms[time_ms] = max(quality, self._says.sent_ms.get(time_ms, -1))
            self.out.send(packet, now)

    def _look(self, now: float) -> None:
        face = self.link.current(now)
        if face is not None and self.link.shown_capture_ms != self._shown_ms:
            self._shown_ms = self.link.shown_capture_ms
            assert self._shown_ms is not None
            self._sees.shown.append(Shown(now, self._shown_ms, values_of(face)))
        following = self.link.next_change(now)
        self._change_at = math.inf if following is None else following + TIMER_SLACK_S


def contents(packet: bytes) -> tuple[int, list[int]]:
    """Quality (-1 in profile `eg0`) and capture times of the faces in a packet, none if it has none."""
    if packet[0] >> 4 == 1:
        first = Packet.unpack(packet)
        return -1, [first.timestamp_ms] if first.kind in (PacketKind.KEY, PacketKind.DELTA) else []
    second = BurstPacket.unpack(packet)
    if second.kind is not BurstKind.FACES or second.burst is None:
        return -1, []
    times = [second.timestamp_ms]
    for interval_ms in reversed(second.burst.intervals_ms):
        times.append((times[-1] - interval_ms) % TIMESTAMP_MODULUS)
    return second.burst.config.quality, times[::-1]


@dataclass(frozen=True)
class CallPlan:
    """What is simulated.

    Args:
        seconds: length.
        link: each direction, from the start.
        changes: what it is like from a time on, in order.
        profile: of the faces.
        seed: of all that is random.
    """

    seconds: float
    link: Impairment
    changes: tuple[tuple[float, Impairment], ...] = ()
    profile: str = RANGE
    seed: int = 1


@dataclass
class CallRecord:
    """What was seen of both directions: faces, links, and payload bytes."""

    plan: CallPlan
    directions: tuple[Direction, Direction]
    links: tuple[ImpairedLink, ImpairedLink]
    payload_bytes: tuple[int, int]


def simulate(plan: CallPlan, on_share: Callable[[float], None] = lambda share: None) -> CallRecord:
    """Runs a call of two; `on_share` hears now and then how much of it is over."""
    directions = Direction(), Direction()
    links = tuple(ImpairedLink(plan.link, 2 * plan.seed + side) for side in (0, 1))
    sides = [_Side(side, plan.profile, links[side], directions[1 - side], directions[side]) for side in (0, 1)]
    changes, keys = list(plan.changes), []
    told = 0.0
    while True:
        arrivals = [time for link in links if (time := link.next_arrival()) is not None]
        asked = [time for time, _ in keys]
        now = min(*(side.next_event() for side in sides), *arrivals, *asked, math.inf)
        if now >= plan.seconds:
            break
        while changes and now >= changes[0][0]:
            _, links[0].impairment = changes.pop(0)
            links[1].impairment = links[0].impairment
        for number, side in enumerate(sides):
            for packet in links[1 - number].receive(now):
                if side.receive(packet, now):
                    keys.append((now + 2 * plan.link.delay_s, 1 - number))  # reliable, perhaps sent twice
            if keys and keys[0][0] <= now and keys[0][1] == number:
                keys.pop(0)
                side.link.key_requested()
            side.act(now)
        if now - told >= 1:
            told = now
            on_share(now / plan.seconds)
    payload = (sides[0].link.stats.bytes_out, sides[1].link.stats.bytes_out)
    return CallRecord(plan, directions, (links[0], links[1]), payload)
