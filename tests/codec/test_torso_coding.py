"""The torso beside the face: nothing while it is still, small differences while it moves, skipped by who likes to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.bits import BitReader, BitWriter
from codec.errors import BitstreamError
from codec.face_decoder import FaceDecoder
from codec.face_encoder import FaceEncoder
from codec.packet import Packet, PacketKind
from codec.params import FaceParams
from codec.quantizer import STILL_TORSO, TORSO, Symbols
from codec.torso_coding import decode_extension, encode_extension, read_torso, write_torso

torsos = st.one_of(st.just(STILL_TORSO), st.tuples(*(st.integers(0, limit) for limit in TORSO.max_symbols)))
references = st.none() | torsos


@given(torsos, references)
def test_torsos_come_back(torso: Symbols, reference: Symbols | None) -> None:
    assert decode_extension(encode_extension(torso, reference), reference) == torso
    writer = BitWriter()
    write_torso(writer, torso, reference)
    writer.write(0b1011, 4)
    reader = BitReader(writer.to_bytes())
    assert read_torso(reader, reference) == torso
    assert reader.read(4) == 0b1011


@given(torsos)
def test_a_still_torso_costs_nothing(torso: Symbols) -> None:
    assert encode_extension(torso, torso) == b""
    assert encode_extension(STILL_TORSO) == b""
    writer = BitWriter()
    write_torso(writer, torso, torso)
    assert writer.bit_count == 1


def test_a_step_of_every_number_takes_three_bytes() -> None:
    moved = tuple(symbol + 1 for symbol in STILL_TORSO)
    assert len(encode_extension(moved, STILL_TORSO)) == 3


@given(torsos, references, st.binary(max_size=8))
def test_what_a_later_version_adds_is_skipped(torso: Symbols, reference: Symbols | None, more: bytes) -> None:
    extension = encode_extension(torso, reference) or b"\x00"
    assert decode_extension(extension + more, reference) == torso


@given(st.binary(max_size=30), references)
def test_any_extension_is_a_torso_in_range_or_refused(extension: bytes, reference: Symbols | None) -> None:
    try:
        found = decode_extension(extension, reference)
    except BitstreamError:
        return
    assert all(0 <= symbol <= limit for symbol, limit in zip(found, TORSO.max_symbols, strict=True))


def test_values_are_those_of_the_document() -> None:
    np.testing.assert_allclose(TORSO.steps, [0.5 / 511] * 3 + [0.15 / 511] * 3)
    assert TORSO.values(STILL_TORSO).tolist() == [0] * 6
    np.testing.assert_allclose(TORSO.values(TORSO.symbols(np.full(6, 9.0))), [0.5] * 3 + [0.15] * 3)


def leaning(angle: float) -> FaceParams:
    torso = np.array([angle, 0, 0, 0, -angle / 10, 0], np.float32)
    return FaceParams.from_vector(FaceParams.neutral().to_vector(), torso)


def test_frames_carry_the_torso_and_who_skips_extensions_misses_only_it() -> None:
    encoder, decoder, skipping = FaceEncoder(), FaceDecoder(), FaceDecoder()
    kinds: list[PacketKind] = []
    for index, angle in enumerate((0.0, 0.1, 0.2, 0.2, 0.0)):
        coded = encoder.encode(leaning(angle), index)
        packet = Packet(coded.kind, index, 0, None, coded.reference_offset, coded.payload, coded.extension)
        bare = Packet(coded.kind, index, 0, None, coded.reference_offset, coded.payload)
        shown, without = decoder.decode(Packet.unpack(packet.pack())), skipping.decode(bare)
        assert shown == encoder.quantized(index)
        np.testing.assert_allclose(shown.to_params().torso, leaning(angle).torso, atol=5e-4)
        assert without.symbols == shown.symbols
        assert without.torso == STILL_TORSO
        kinds.append(coded.kind)
        ack = decoder.acknowledgement()
        assert ack is not None
        if index:
            encoder.acknowledge(ack)
        assert bool(coded.extension) == (index in (1, 2, 4))
    assert kinds == [PacketKind.KEY] * 2 + [PacketKind.DELTA] * 3


def test_a_packet_with_a_torso_that_cannot_be_is_refused_whole() -> None:
    encoder, decoder = FaceEncoder(), FaceDecoder()
    coded = encoder.encode(leaning(0.1), 0)
    packet = Packet(coded.kind, 0, 0, None, 0, coded.payload, coded.extension[:-1])
    with pytest.raises(BitstreamError, match="ends within"):
        decoder.decode(packet)
    assert decoder.acknowledgement() is None
