from __future__ import annotations

from aiortc.rtcsctptransport import ForwardTsnChunk, SackChunk

from client.held_chunks import FULL_PACKET_BYTES, LOSS_DELAY_S, SACK_DELAY_S, HeldChunks

MOST = 1000
FACE_BYTES = 30


def sack(*gaps: tuple[int, int]) -> SackChunk:
    chunk = SackChunk()
    chunk.gaps = list(gaps)
    return chunk


def talking() -> HeldChunks:
    """Data was sent just now, at 0, and a face has come."""
    held = HeldChunks()
    held.sent(0.0)
    held.received(FACE_BYTES)
    return held


def test_an_acknowledgement_waits_for_data_and_rides_with_it() -> None:
    held, chunk = talking(), sack()
    assert held.hold(chunk, 0.01)
    assert held.deadline == 0.01 + SACK_DELAY_S
    assert held.take(MOST) == [chunk]
    assert held.deadline is None
    assert held.take(MOST) == []


def test_a_newer_one_takes_the_place_of_an_older_one_but_waits_no_longer() -> None:
    held, newer = talking(), sack()
    held.hold(sack(), 0.01)
    held.received(FACE_BYTES)
    assert held.hold(newer, 0.05)
    assert held.deadline == 0.01 + SACK_DELAY_S
    assert held.take(MOST) == [newer]


def test_without_data_of_our_own_each_second_packet_is_acknowledged_at_once() -> None:
    held = HeldChunks()
    for _ in range(3):
        held.received(FACE_BYTES)
        assert held.hold(sack(), 5.0)
        held.received(FACE_BYTES)
        assert not held.hold(sack(), 5.01)
        assert len(held.take(MOST)) == 1


def test_two_full_packets_are_acknowledged_at_once() -> None:
    held = talking()
    held.received(FULL_PACKET_BYTES)
    assert held.hold(sack(), 0.01)
    held.received(FULL_PACKET_BYTES)
    assert not held.hold(sack(), 0.02)


def test_a_gap_waits_for_less_and_not_at_all_without_data_or_beside_a_full_packet() -> None:
    held = talking()
    assert held.hold(sack((2, 2)), 0.01)
    assert held.deadline == 0.01 + LOSS_DELAY_S
    held.received(FULL_PACKET_BYTES)
    assert not held.hold(sack((2, 3)), 0.02)
    held.take(MOST)
    held.received(FACE_BYTES)
    assert not held.hold(sack((2, 2)), 5.0)


def test_a_gap_shortens_the_wait_of_what_is_held() -> None:
    held = talking()
    held.hold(sack(), 0.0)
    held.received(FACE_BYTES)
    assert held.hold(sack((2, 2)), 0.01)
    assert held.deadline == 0.01 + LOSS_DELAY_S


def test_what_will_never_come_is_told_together_with_what_has() -> None:
    held, gone, acknowledged = talking(), ForwardTsnChunk(), sack()
    held.hold(acknowledged, 0.0)
    assert held.hold(gone, 0.01)
    assert held.take(MOST) == [acknowledged, gone]
    assert not held.hold(gone, 5.0)


def test_what_does_not_fit_stays() -> None:
    held, chunk = talking(), sack()
    held.hold(chunk, 0.0)
    assert held.take(10) == []
    assert held.deadline == SACK_DELAY_S
    assert held.take(16) == [chunk]
