from __future__ import annotations

import pytest

from visavis.bench.impaired_link import LONGEST_QUEUE_S, ImpairedLink, Impairment, wire_bytes


def numbers(link: ImpairedLink, now: float) -> list[int]:
    return [int.from_bytes(packet) for packet in link.receive(now)]


def filled(impairment: Impairment, count: int, interval_s: float = 0.04) -> ImpairedLink:
    link = ImpairedLink(impairment, seed=1)
    for index in range(count):
        link.send(index.to_bytes(20), index * interval_s)
    return link


def test_a_link_without_impairment_delivers_all_in_order_after_its_delay() -> None:
    link = filled(Impairment(delay_s=0.05), 100)
    assert link.next_arrival() == 0.05
    assert link.receive(0.049) == []
    assert numbers(link, 0.05) == [0]
    assert numbers(link, 10.0) == list(range(1, 100))
    assert link.next_arrival() is None


def test_the_share_that_is_asked_for_gets_lost() -> None:
    link = filled(Impairment(loss=0.1), 20_000)
    arrived = numbers(link, 1e9)
    assert len(arrived) == link.packets - link.lost
    assert link.lost / link.packets == pytest.approx(0.1, abs=0.01)


def test_jitter_reorders_and_repetition_repeats_but_nothing_arrives_too_early() -> None:
    link = filled(Impairment(delay_s=0.05, jitter_s=0.02, duplicated=0.2), 2000)
    arrivals: list[tuple[float, int]] = []
    while (now := link.next_arrival()) is not None:
        arrivals += [(now, number) for number in numbers(link, now)]
    order = [number for _, number in arrivals]
    assert order != sorted(order)
    assert set(order) == set(range(2000))
    assert len(order) == pytest.approx(2400, abs=100)
    assert all(at >= 0.05 + 0.04 * number for at, number in arrivals)


def test_the_same_seed_is_the_same_network() -> None:
    impairment = Impairment(loss=0.3, jitter_s=0.05)
    assert numbers(filled(impairment, 300), 1e9) == numbers(filled(impairment, 300), 1e9)


def test_a_bottleneck_passes_its_rate_and_drops_what_would_wait_for_too_long() -> None:
    size_bits = 8 * wire_bytes(20)
    link = filled(Impairment(rate_bps=size_bits * 10), 250)  # 25 a second into 10 a second
    assert link.overflowed > 0
    passed_in_time = numbers(link, 10.0)
    assert len(passed_in_time) == pytest.approx(100, abs=1)
    assert passed_in_time == sorted(passed_in_time)
    link.receive(10.0 + LONGEST_QUEUE_S + 0.2)
    assert link.next_arrival() is None


def test_bytes_are_those_of_ip_packets() -> None:
    link = filled(Impairment(loss=1.0), 10)
    assert link.bytes == 10 * wire_bytes(20)
    assert wire_bytes(20) == 20 + 20 + 8 + 29 + 28 + 16
    assert wire_bytes(21) == wire_bytes(24) == wire_bytes(20) + 4
