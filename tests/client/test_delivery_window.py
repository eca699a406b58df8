"""The window on simulated lines: it fills them, whatever they lose, and does not fill their queues."""

from __future__ import annotations

import heapq
import random

import pytest

from client.delivery_window import DeliveryWindow

PACKET = 1100


class Line:
    """Sends as much as a window allows over a bottleneck with a bounded queue, for as long as it is told.

    Each packet that arrives is acknowledged at once; a loss is known, and repaired, a round trip after it.
    """

    def __init__(self, rate: float, rtt_s: float, loss: float = 0.0, queue_s: float = 0.3, seed: int = 1) -> None:
        self.window = DeliveryWindow(PACKET)
        self.rate, self._rtt_s, self._loss, self._queue_s = rate, rtt_s, loss, queue_s
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, bool, float]] = []  # when, number, whether it arrived, waited
        self._flight = self.sent = 0
        self._free_at = self.now = 0.0
        self.delivered = 0
        self.waited: list[float] = []

    def run(self, until: float) -> None:
        while self.now < until:
            while self._flight + PACKET <= self.window.size and self.window.budget(self.now) > 0:
                self._send()
            at = self._events[0][0] if self._events else until
            if self._flight + PACKET <= self.window.size:
                at = min(at, self.now + max(self.window.wait_s(), 1e-4))
            self.now = at
            while self._events and self._events[0][0] <= self.now:
                _, number, arrived, waited = heapq.heappop(self._events)
                self._flight -= PACKET
                if arrived:
                    self.delivered += PACKET
                    self.waited.append(waited)
                    self.window.acknowledged([number], self.now)
                else:
                    self.window.gone([number])

    def _send(self) -> None:
        self.window.sent(self.sent, PACKET, self.now, limited=False)
        begins = max(self.now, self._free_at)
        lost = begins - self.now > self._queue_s or self._random.random() < self._loss
        if begins - self.now <= self._queue_s:
            self._free_at = begins + PACKET / self.rate
        heapq.heappush(self._events, (self._free_at + self._rtt_s, self.sent, not lost, self._free_at - self.now))
        self.sent += 1
        self._flight += PACKET


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.1])
@pytest.mark.parametrize("rtt_s", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("rate", [60_000, 120_000, 1_200_000])
def test_a_line_is_filled_and_its_queue_is_not(rate: float, rtt_s: float, loss: float) -> None:
    line = Line(rate, rtt_s, loss)
    line.run(6.0)
    begun, line.waited = line.delivered, []
    line.run(14.0)
    assert (line.delivered - begun) / 8.0 > 0.8 * (1 - loss) * rate
    assert sorted(line.waited)[len(line.waited) * 99 // 100] < 0.4 * rtt_s + 5 * PACKET / rate


def test_the_first_second_does_not_make_a_long_queue() -> None:
    line = Line(120_000, 0.1)
    line.run(1.0)
    assert max(line.waited) < 0.1
    assert line.delivered > 0.6 * 120_000


def test_a_line_that_gets_slower_is_noticed_and_one_that_gets_faster_is_used() -> None:
    line = Line(600_000, 0.05, queue_s=1.0)
    line.run(3.0)
    line.rate = 100_000
    line.run(6.0)
    line.waited.clear()
    line.run(8.0)
    assert max(line.waited) < 0.15
    line.rate = 600_000
    line.run(11.0)
    begun = line.delivered
    line.run(13.0)
    assert (line.delivered - begun) / 2.0 > 0.8 * line.rate


def test_small_packets_now_and_then_leave_it_wide_open() -> None:
    window = DeliveryWindow(PACKET)
    for number in range(500):
        now = 0.04 * number
        assert window.budget(now) > 0
        window.sent(number, 60, now, limited=True)
        window.acknowledged([number], now + 0.03)
    assert window.size >= 10 * PACKET


def test_what_is_gone_and_what_is_unknown_count_for_nothing() -> None:
    window = DeliveryWindow(PACKET)
    window.sent(1, PACKET, 0.0, limited=False)
    window.gone([1, 7])
    window.acknowledged([1, 8], 0.1)
    assert window.rtt_s is None
    assert window.rate == 0.0


def test_after_a_standstill_it_does_not_crawl() -> None:
    """Packets that wait for a timeout arrive at a rate that says nothing of the line."""
    line = Line(120_000, 0.1)
    line.run(3.0)
    window, now = line.window, line.now
    window.gone(list(range(line.sent)))
    for number in range(10_000, 10_008):
        window.sent(number, PACKET, now, limited=False)
        now += 0.6
        window.acknowledged([number], now)
    assert window.rate < 5_000
    window.budget(now)
    for number in range(3):
        window.sent(number, PACKET, now, limited=False)
    assert window.wait_s() < 0.1  # two packets for each round trip at least


def test_what_was_sent_twice_says_nothing_about_the_round_trip() -> None:
    window = DeliveryWindow(PACKET)
    window.sent(1, PACKET, 0.0, limited=False)
    window.sent(1, PACKET, 0.16, limited=False)  # as if lost
    window.acknowledged([1], 0.2)  # of the first time: 0.2 s, or of the second: 0.04 s
    assert window.rtt_s is None
    window.sent(2, PACKET, 0.2, limited=False)
    window.sent(3, PACKET, 0.21, limited=False)
    window.sent(3, PACKET, 0.37, limited=False)
    window.acknowledged([2, 3], 0.4)
    assert window.rtt_s == pytest.approx(0.2)
