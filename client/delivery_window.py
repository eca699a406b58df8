"""How much may be on its way: what the line is seen to deliver in a round trip, and a little more. Sans-IO.

The windows of SCTP's congestion control grow until a packet is lost and then halve. Random loss keeps them at a few
packets whatever the line could carry, and without it they fill the queue before a bottleneck, where faces then wait.
This one follows BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016): it holds
some more than the highest rate of delivery lately times the shortest round trip. A loss says nothing, a queue cannot
get long, and where the rate falls, so does the window.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INITIAL_PACKETS = 16
INITIAL_RATE = 150_000
"""Packets in a round trip, and bytes a second, as long as no more is known of the line. RFC 6928 has 10 at once."""
SPARE_PACKETS = 2
"""What acknowledgements of each second packet keep back."""
STARTUP_GAIN, GAIN = 1.6, 1.25
"""Of the window over rate times round trip: to grow fast at first, and then to find out when there is more."""
GROWTH = 1.25
FULL_ROUNDS = 2
"""After so many round trips with less growth of the rate than this, or one with a queue, the line is full."""
QUEUE_SHARE, QUEUE_S = 0.25, 0.02
"""A round trip that is longer than the shortest by this share of it, and this much, has waited in a queue."""
BURST_PACKETS, BURST_S = 2, 0.005
"""What may go in one burst, in packets or time, whichever is more: timers are not finer."""
RATE_ROUNDS = 4
"""Round trips for which a rate counts."""
RTT_KEPT_S = 10.0
"""How long a shortest round trip counts: at least this, at most twice this."""


@dataclass
class _Sent:
    size: int
    at: float
    delivered: int
    delivered_at: float
    limited: bool
    again: bool


class DeliveryWindow:
    """See the module.

    Args:
        packet_bytes: of a full packet.
    """

    def __init__(self, packet_bytes: int) -> None:
        self._packet = packet_bytes
        self._sent: dict[int, _Sent] = {}
        self._delivered = 0
        self._delivered_at = 0.0
        self._rtts: list[float] = []  # shortest of the last period, then of this one
        self._rtt_period_ends = 0.0
        self._rates: list[float] = []  # highest of each of the last rounds
        self._round_ends = 0
        self._starting = True
        self._full_rounds = 0
        self._start_rate = 0.0
        self._queued = False
        self._budget = float(BURST_PACKETS * packet_bytes)
        self._budget_at = 0.0

    @property
    def rtt_s(self) -> float | None:
        """The shortest round trip lately; None before the first."""
        return min(self._rtts, default=None)

    @property
    def rate(self) -> float:
        """Bytes a second that the line has delivered at best, lately."""
        return max(self._rates, default=0.0)

    @property
    def size(self) -> int:
        """Bytes that may be on their way."""
        window = round(self._gain * self.rate * (self.rtt_s or 0.0)) + SPARE_PACKETS * self._packet
        return max(window, INITIAL_PACKETS * self._packet) if self._starting else window

    @property
    def _gain(self) -> float:
        return STARTUP_GAIN if self._starting else GAIN

    @property
    def _pace(self) -> float:
        """Bytes a second that go out."""
        if not self._starting:
            return max(self._gain * self.rate, SPARE_PACKETS * self._packet / max(self.rtt_s or 0.0, QUEUE_S))
        return max(self._gain * self.rate, INITIAL_RATE)

    def budget(self, now: float) -> float:
        """Bytes that may go out at `now`, as far as the rhythm is concerned; what begins within them may go whole."""
        most = max(BURST_PACKETS * self._packet, BURST_S * self._pace)
        self._budget = min(self._budget + self._pace * (now - self._budget_at), most)
        self._budget_at = now
        return self._budget

    def wait_s(self) -> float:
        """Seconds until there is a budget again, from the last time that it was asked for."""
        return max(0.0, 1.0 - self._budget) / self._pace

    def sent(self, number: int, size: int, now: float, *, limited: bool) -> None:
        """A packet goes out, or does so again.

        Args:
            number: of the packet.
            size: of what counts in the window, bytes.
            now: seconds.
            limited: there is nothing more to send, so that the rate says little about the line.
        """
        if not self._sent:
            self._delivered_at = now
        self._budget -= size
        again = number in self._sent
        self._sent[number] = _Sent(size, now, self._delivered, self._delivered_at, limited, again)

    def gone(self, numbers: Iterable[int]) -> None:
        """These will not be acknowledged any more."""
        for number in numbers:
            self._sent.pop(number, None)

    def acknowledged(self, numbers: Iterable[int], now: float) -> None:
        """These have arrived, of which one acknowledgement tells."""
        arrived = [sent for number in numbers if (sent := self._sent.pop(number, None)) is not None]
        if not arrived:
            return
        newest = max(arrived, key=lambda sent: sent.at)
        self._delivered += sum(sent.size for sent in arrived)
        self._delivered_at = now
        once = [sent.at for sent in arrived if not sent.again]
        if once:  # of what was sent twice nobody knows which one has arrived (Karn and Partridge 1987)
            self._note_rtt(now - max(once), now)
        elapsed = max(now - newest.delivered_at, newest.at - min(sent.at for sent in arrived))
        rate = (self._delivered - newest.delivered) / elapsed if elapsed > 0 else 0.0
        if elapsed >= (self.rtt_s or 0.0) and (not newest.limited or rate > self.rate):
            self._rates = self._rates or [0.0]
            self._rates[-1] = max(self._rates[-1], rate)
        if newest.delivered >= self._round_ends:
            self._end_round(newest.limited)

    def _note_rtt(self, rtt_s: float, now: float) -> None:
        if now >= self._rtt_period_ends:
            self._rtts = [*self._rtts[-1:], rtt_s]
            self._rtt_period_ends = now + RTT_KEPT_S
        self._rtts[-1] = min(self._rtts[-1], rtt_s)
        shortest = min(self._rtts)
        self._queued |= rtt_s > shortest + max(QUEUE_SHARE * shortest, QUEUE_S)

    def _end_round(self, limited: bool) -> None:
        """What was sent at the end of the last round has arrived."""
        self._round_ends = self._delivered
        if self._starting and not limited:
            grown = self.rate >= GROWTH * self._start_rate
            self._full_rounds = 0 if grown else self._full_rounds + 1
            self._start_rate = self.rate
            self._starting = self._full_rounds < FULL_ROUNDS and not self._queued
        self._queued = False
        if self._rates and not limited:
            self._rates = [*self._rates, 0.0][-RATE_ROUNDS:]
