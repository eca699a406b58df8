"""The laws of loss for bursts: whatever is lost, repeated or reordered, what is decoded is what was sent."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.burst_coding import BurstDecoder, BurstEncoder, NumberedFace
from codec.burst_packet import MAX_REFERENCE_DISTANCE, MAX_REFERENCE_OFFSET, BurstKind, BurstPacket
from codec.errors import BitstreamError, UnknownReference
from codec.packet import Ack
from codec.range_frame import RangeFrame
from codec.range_steps import DEAD_ZONE, RangeConfig
from codec.sequence import WINDOW, DecodedWindow, add
from tests.support.tracks import talking
from tools.avatar_vectors import own_basis

INTERVAL_MS = 40
FINE, COARSE, FEWER = RangeConfig(50, 4), RangeConfig(50, 11), RangeConfig(20, 4)
OWN = RangeConfig(50, 7, own_basis())


def face(number: int) -> NumberedFace:
    return NumberedFace(number, INTERVAL_MS * number, talking(number * INTERVAL_MS / 1000))


def packet_of(encoder: BurstEncoder, sequence: int, first: int, last: int, config: RangeConfig = FINE) -> BurstPacket:
    """Carries the faces `first` to `last`."""
    burst = encoder.encode([face(number) for number in range(first, last + 1)], config, sequence)
    return BurstPacket(BurstKind.FACES, sequence, INTERVAL_MS * last, burst=burst)


def offset_of(packet: BurstPacket) -> int:
    assert packet.burst is not None
    return packet.burst.reference_offset


def assert_close(frame: RangeFrame, number: int) -> None:
    """It is face `number`, off by no more than the dead zone in what has steps."""
    steps = frame.config.steps
    off = np.abs(np.array(frame.symbols) - steps.exact(talking(number * INTERVAL_MS / 1000)))
    assert off[np.array(steps.limits) > 0].max() <= 1 - DEAD_ZONE + 1e-3


@settings(max_examples=40)
@given(st.sampled_from([0, 65_500, 65_535]), st.integers(0, 1 << 30), st.floats(0, 1), st.floats(0, 1))
def test_loss_reordering_and_repetition_never_corrupt(start: int, seed: int, loss: float, disorder: float) -> None:
    random = Random(seed)
    encoder, decoder, lossless, decoded = BurstEncoder(), BurstDecoder(), BurstDecoder(), DecodedWindow()
    sent: dict[int, list[tuple[int, RangeFrame]]] = {}
    in_flight: list[BurstPacket] = []
    last = -1
    for index in range(60):
        sequence = (start + index) % 65_536
        first = max(0, last + 1 - random.randrange(5))
        last += 1 + random.randrange(3)
        config = FINE if index < 20 else COARSE if index < 35 else FEWER if index < 45 else OWN
        packet = BurstPacket.unpack(packet_of(encoder, sequence, first, last, config).pack(), own_basis())
        sent[sequence] = lossless.decode(packet)
        for time_ms, frame in sent[sequence]:
            assert_close(frame, time_ms // INTERVAL_MS)
        assert sent[sequence][-1][0] == INTERVAL_MS * last
        if random.random() >= loss:
            in_flight += [packet] * (1 + (random.random() < disorder))
        if random.random() < disorder:
            random.shuffle(in_flight)
            continue
        for arriving in in_flight:
            assert decoder.decode(arriving) == sent[arriving.sequence]
            decoded.add(arriving.sequence)
        in_flight.clear()
        if decoded.newest is not None and random.random() >= loss:
            encoder.acknowledge(Ack(decoded.newest, decoded.earlier))


def test_a_clean_link_needs_one_key_frame() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    offsets, sizes = [], []
    for index in range(50):
        packet = packet_of(encoder, index, 2 * index, 2 * index + 1)
        decoder.decode(packet)
        encoder.acknowledge(Ack(index))
        offsets.append(offset_of(packet))
        sizes.append(len(packet.pack()))
    assert offsets == [0] + [1] * 49
    assert max(sizes[1:]) < sizes[0]


def test_what_the_receiver_has_is_not_sent_again() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 3))
    encoder.acknowledge(Ack(0))
    packet = packet_of(encoder, 1, 2, 5)
    assert packet.burst is not None
    assert (packet.burst.count, packet.burst.distance) == (2, 1)
    assert [time_ms for time_ms, _ in decoder.decode(packet)] == [4 * INTERVAL_MS, 5 * INTERVAL_MS]


def test_a_repeated_frame_comes_from_the_same_reference_as_the_first_time() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    encoder.acknowledge(Ack(0))
    packet_of(encoder, 1, 1, 2)
    repeated = packet_of(encoder, 2, 1, 4)
    assert repeated.burst is not None
    assert (repeated.burst.reference_offset, repeated.burst.distance, repeated.burst.count) == (2, 1, 4)
    assert len(decoder.decode(repeated)) == 4
    encoder.acknowledge(Ack(1))  # arrived after all, but is no longer the newest that is known
    following = packet_of(encoder, 3, 3, 5)
    assert following.burst is not None
    assert (following.burst.reference_offset, following.burst.count) == (2, 3)


def test_a_burst_never_refers_to_a_packet_that_was_not_acknowledged() -> None:
    encoder = BurstEncoder()
    for index in range(10):
        assert offset_of(packet_of(encoder, index, index, index)) == 0
    encoder.acknowledge(Ack(7))
    assert offset_of(packet_of(encoder, 10, 10, 10)) == 3
    encoder.acknowledge(Ack(5))
    encoder.acknowledge(Ack(40_000, 0xFF))
    assert offset_of(packet_of(encoder, 11, 11, 11)) == 4
    encoder.acknowledge(Ack(12, 0b110))
    assert offset_of(packet_of(encoder, 12, 12, 12)) == 2


@pytest.mark.parametrize(("sequence", "wanted"), [(MAX_REFERENCE_OFFSET, MAX_REFERENCE_OFFSET), (32, 0), (40_000, 0)])
def test_a_reference_that_is_too_many_packets_old_gives_a_key_frame(sequence: int, wanted: int) -> None:
    encoder = BurstEncoder()
    packet_of(encoder, 0, 0, 0)
    encoder.acknowledge(Ack(0))
    assert offset_of(packet_of(encoder, sequence, 1, 1)) == wanted


@pytest.mark.parametrize(("beyond", "wanted"), [(0, MAX_REFERENCE_DISTANCE), (1, 0)])
def test_a_reference_that_is_too_many_frames_old_gives_a_key_frame(beyond: int, wanted: int) -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    encoder.acknowledge(Ack(0))
    number = MAX_REFERENCE_DISTANCE + beyond
    packet = packet_of(encoder, 1, number, number)
    assert packet.burst is not None
    assert packet.burst.distance == wanted
    ((_, frame),) = decoder.decode(BurstPacket.unpack(packet.pack()))
    assert_close(frame, number)


def test_other_parameters_begin_anew_and_another_quality_does_not() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 1))
    encoder.acknowledge(Ack(0))
    coarser = packet_of(encoder, 1, 2, 3, COARSE)
    assert offset_of(coarser) == 1
    assert_close(decoder.decode(coarser)[-1][1], 3)
    fewer = packet_of(encoder, 2, 2, 4, FEWER)
    assert offset_of(fewer) == 0
    assert len(decoder.decode(fewer)) == 3


def test_a_key_request_is_obeyed_until_a_later_packet_is_acknowledged() -> None:
    encoder = BurstEncoder()
    packet_of(encoder, 0, 0, 0)
    encoder.acknowledge(Ack(0))
    encoder.request_key()
    assert offset_of(packet_of(encoder, 1, 1, 1)) == 0
    encoder.acknowledge(Ack(0))
    assert offset_of(packet_of(encoder, 2, 2, 2)) == 0
    encoder.acknowledge(Ack(1))
    assert offset_of(packet_of(encoder, 3, 3, 3)) == 2


def test_an_unknown_reference_is_named() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    packet_of(encoder, 0, 0, 0)
    encoder.acknowledge(Ack(0))
    with pytest.raises(UnknownReference):
        decoder.decode(packet_of(encoder, 1, 1, 1))


def test_a_refused_payload_changes_nothing() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    encoder.acknowledge(Ack(0))
    good = packet_of(encoder, 1, 1, 1)
    encoder.acknowledge(Ack(1))
    following = packet_of(encoder, 2, 2, 2)
    with pytest.raises(BitstreamError):
        decoder.decode(BurstPacket.unpack(good.pack() + b"\x01"))
    with pytest.raises(UnknownReference):
        decoder.decode(following)
    decoder.decode(good)
    decoder.decode(following)


def test_a_late_packet_finds_its_reference_in_the_decoder() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    encoder.acknowledge(Ack(0))
    late = packet_of(encoder, MAX_REFERENCE_OFFSET, 1, 1)
    for sequence in range(MAX_REFERENCE_OFFSET + 1, WINDOW):
        decoder.decode(packet_of(BurstEncoder(), sequence, sequence, sequence))
    assert_close(decoder.decode(late)[0][1], 1)


def test_a_restarted_decoder_has_forgotten_everything() -> None:
    encoder, decoder = BurstEncoder(), BurstDecoder()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    encoder.acknowledge(Ack(0))
    decoder.restart()
    with pytest.raises(UnknownReference):
        decoder.decode(packet_of(encoder, 1, 1, 1))


@pytest.mark.parametrize("rested", [100, 32_767, 32_768, 40_000, 65_535, 65_536])
def test_references_work_again_after_any_number_of_packets_without_frames(rested: int) -> None:
    encoder, decoder, decoded = BurstEncoder(), BurstDecoder(), DecodedWindow()
    decoder.decode(packet_of(encoder, 0, 0, 0))
    decoded.add(0)
    offsets = []
    for index in range(1, 100):
        packet = packet_of(encoder, add(rested, index), index, index)
        decoder.decode(packet)
        decoded.add(packet.sequence)
        assert decoded.newest is not None
        encoder.acknowledge(Ack(decoded.newest, decoded.earlier))
        offsets.append(offset_of(packet))
    assert offsets[WINDOW:] == [1] * (len(offsets) - WINDOW)


def test_an_empty_packet_carries_no_frames() -> None:
    with pytest.raises(ValueError, match="no frame"):
        BurstDecoder().decode(BurstPacket(BurstKind.EMPTY, 0, 0))
