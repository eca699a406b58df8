"""The laws of loss: whatever is lost, repeated or reordered, a frame that is decoded is the frame that was sent."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.errors import BitstreamError, UnknownReference
from codec.face_decoder import FaceDecoder
from codec.face_encoder import FaceEncoder
from codec.frame_coding import QuantizedFrame, decode_delta, decode_key, encode_delta, encode_key
from codec.packet import Ack, Packet, PacketKind
from codec.params import EXPRESSION_DIMS, FaceParams
from codec.quantizer import EXPRESSION_BITS, STILL_TORSO, TORSO, StreamConfig, quantizer_for

configs = st.builds(StreamConfig, st.sampled_from(EXPRESSION_DIMS), st.sampled_from(EXPRESSION_BITS))


def random_frame(config: StreamConfig, seed: int) -> QuantizedFrame:
    rng = np.random.default_rng(seed)
    limits = np.array(quantizer_for(config).max_symbols)
    torso = rng.integers(0, np.array(TORSO.max_symbols) + 1) if seed % 2 else STILL_TORSO
    symbols = rng.integers(0, limits + 1)
    return QuantizedFrame(config, tuple(int(symbol) for symbol in symbols), tuple(int(symbol) for symbol in torso))


def moving_face(index: int, dims: int = 50) -> FaceParams:
    rng = np.random.default_rng(index)
    phase = index / 9 + np.arange(dims + 15)
    vector = 0.5 * np.sin(phase) + rng.normal(0, 0.01, dims + 15)
    vector[-10] = 0.6 + 0.01 * np.sin(index)
    torso = 0.1 * np.sin(index // 3 / 7 + np.arange(6)) * (index % 20 > 8)  # it stops and goes
    return FaceParams.from_vector(vector.astype(np.float32), torso.astype(np.float32))


def packet_of(encoder: FaceEncoder, index: int, sequence: int) -> Packet:
    frame = encoder.encode(moving_face(index), sequence)
    return Packet(frame.kind, sequence, 40 * index, None, frame.reference_offset, frame.payload, frame.extension)


@given(configs, st.integers(0, 1 << 30), st.integers(0, 1 << 30))
def test_frames_come_back(config: StreamConfig, seed: int, reference_seed: int) -> None:
    frame, reference = random_frame(config, seed), random_frame(config, reference_seed)
    assert decode_key(encode_key(frame)) == replace(frame, torso=STILL_TORSO)
    assert decode_delta(encode_delta(frame, reference), reference) == replace(frame, torso=reference.torso)


@given(configs, st.binary(max_size=150), st.integers(0, 1 << 30))
def test_any_payload_decodes_within_the_ranges_or_raises_bitstream_error(
    config: StreamConfig, payload: bytes, seed: int
) -> None:
    for decode in (decode_key, lambda data: decode_delta(data, random_frame(config, seed))):
        try:
            frame = decode(payload)
        except BitstreamError:
            continue
        vector = frame.to_params().to_vector()
        assert np.isfinite(vector).all()
        assert np.abs(vector).max() <= 4.0


@given(configs, st.integers(0, 1 << 30))
def test_every_truncation_is_refused(config: StreamConfig, seed: int) -> None:
    frame, reference = random_frame(config, seed), random_frame(config, seed + 1)
    key, delta = encode_key(frame), encode_delta(frame, reference)
    for end in range(len(key)):
        with pytest.raises(BitstreamError):
            decode_key(key[:end])
    for end in range(len(delta)):
        with pytest.raises(BitstreamError):
            decode_delta(delta[:end], reference)


@settings(max_examples=40)
@given(st.sampled_from([0, 65_500, 65_535]), st.integers(0, 1 << 30), st.floats(0, 1), st.floats(0, 1))
def test_loss_reordering_and_repetition_never_corrupt(start: int, seed: int, loss: float, disorder: float) -> None:
    random = Random(seed)
    encoder, decoder = FaceEncoder(10), FaceDecoder()
    sent: dict[int, QuantizedFrame] = {}
    in_flight: list[Packet] = []
    for index in range(60):
        sequence = (start + index) % 65_536
        packet = packet_of(encoder, index, sequence)
        quantized = encoder.quantized(sequence)
        assert quantized is not None
        sent[sequence] = quantized
        if random.random() >= loss:
            in_flight += [packet] * (1 + (random.random() < disorder))
        if random.random() < disorder:
            random.shuffle(in_flight)
            continue
        for arriving in in_flight:
            assert decoder.decode(Packet.unpack(arriving.pack())) == sent[arriving.sequence]
        in_flight.clear()
        ack = decoder.acknowledgement()
        if ack is not None and random.random() >= loss:
            encoder.acknowledge(ack)


def test_a_clean_link_needs_one_key_frame_and_about_half_the_bits() -> None:
    encoder, decoder = FaceEncoder(), FaceDecoder()
    kinds, sizes = [], []
    for index in range(100):
        packet = packet_of(encoder, index, index)
        decoder.decode(packet)
        ack = decoder.acknowledgement()
        assert ack is not None
        encoder.acknowledge(ack)
        kinds.append(packet.kind)
        sizes.append(len(packet.payload))
    assert kinds == [PacketKind.KEY] + [PacketKind.DELTA] * 99
    assert np.mean(sizes[1:]) < 0.8 * sizes[0]


def test_a_delta_never_refers_to_a_frame_that_was_not_acknowledged() -> None:
    encoder = FaceEncoder()
    for index in range(10):
        assert packet_of(encoder, index, index).kind is PacketKind.KEY
    encoder.acknowledge(Ack(7))
    packet = packet_of(encoder, 10, 10)
    assert (packet.kind, packet.reference_offset) == (PacketKind.DELTA, 3)
    encoder.acknowledge(Ack(5))
    encoder.acknowledge(Ack(40_000, 0xFF))
    assert packet_of(encoder, 11, 11).reference_offset == 4
    encoder.acknowledge(Ack(12, 0b110))
    assert packet_of(encoder, 12, 12).reference_offset == 2


def test_a_reference_that_grew_too_old_gives_a_key_frame() -> None:
    encoder = FaceEncoder()
    packet_of(encoder, 0, 0)
    encoder.acknowledge(Ack(0))
    assert packet_of(encoder, 1, 32).reference_offset == 32
    assert packet_of(encoder, 2, 33).kind is PacketKind.KEY


def test_a_key_request_is_obeyed_until_a_later_frame_is_acknowledged() -> None:
    encoder = FaceEncoder()
    packet_of(encoder, 0, 0)
    encoder.acknowledge(Ack(0))
    encoder.request_key()
    assert packet_of(encoder, 1, 1).kind is PacketKind.KEY
    encoder.acknowledge(Ack(0))
    assert packet_of(encoder, 2, 2).kind is PacketKind.KEY
    encoder.acknowledge(Ack(1))
    assert packet_of(encoder, 3, 3).kind is PacketKind.DELTA


def test_an_unknown_reference_is_named_and_changes_nothing() -> None:
    encoder, decoder = FaceEncoder(), FaceDecoder()
    packet_of(encoder, 0, 0)
    encoder.acknowledge(Ack(0))
    with pytest.raises(UnknownReference):
        decoder.decode(packet_of(encoder, 1, 1))
    assert decoder.acknowledgement() is None


def test_a_late_packet_finds_its_reference_in_the_decoder() -> None:
    encoder, decoder = FaceEncoder(), FaceDecoder()
    decoder.decode(packet_of(encoder, 0, 0))
    encoder.acknowledge(Ack(0))
    late = packet_of(encoder, 1, 32)
    for sequence in range(33, 63):
        decoder.decode(packet_of(FaceEncoder(), sequence, sequence))
    decoder.decode(late)


@pytest.mark.parametrize("rested", [100, 32_767, 40_000, 65_536])
def test_references_work_again_after_any_number_of_packets_without_frames(rested: int) -> None:
    encoder, decoder = FaceEncoder(), FaceDecoder()
    decoder.decode(packet_of(encoder, 0, 0))
    packets: list[Packet] = []
    for index in range(1, 100):
        packets.append(packet_of(encoder, index, (rested + index) % 65_536))
        decoder.decode(packets[-1])
        ack = decoder.acknowledgement()
        assert ack is not None
        encoder.acknowledge(ack)
    assert {packet.reference_offset for packet in packets[64:]} == {1}
