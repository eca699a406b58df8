from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import BitstreamError
from codec.packet import MAX_REFERENCE_OFFSET, Ack, Packet, PacketKind
from codec.sequence import Arrival, SequenceWindow, add, distance

acks = st.none() | st.builds(Ack, st.integers(0, 65_535), st.integers(0, 255))


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    kind = draw(st.sampled_from(PacketKind))
    offset = draw(st.integers(1, MAX_REFERENCE_OFFSET)) if kind is PacketKind.DELTA else 0
    payload = draw(st.binary(max_size=100)) if kind in (PacketKind.KEY, PacketKind.DELTA) else b""
    sequence, timestamp_ms = draw(st.integers(0, 65_535)), draw(st.integers(0, 2**32 - 1))
    return Packet(kind, sequence, timestamp_ms, draw(acks), offset, payload, draw(st.binary(max_size=255)))


@given(packets())
def test_packets_come_back(packet: Packet) -> None:
    assert Packet.unpack(packet.pack()) == packet


@given(packets(), st.binary(max_size=40))
def test_extensions_stand_between_the_header_and_the_rest(packet: Packet, extension: bytes) -> None:
    data = replace(packet, extension=b"").pack()
    start = 7 + 3 * (packet.ack is not None)
    extended = bytes([data[0] | 0x08]) + data[1:start] + bytes([len(extension)]) + extension + data[start:]
    assert Packet.unpack(extended) == replace(packet, extension=extension)


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_bitstream_error(data: bytes) -> None:
    for candidate in (data, b"\x12" + data, b"\x1e" + data):
        try:
            packet = Packet.unpack(candidate)
        except BitstreamError:
            continue
        assert len(packet.payload) < len(candidate)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x11\x00\x00", "truncated"),
        (b"\x14" + bytes(8), "truncated"),
        (b"\x18" + bytes(6) + b"\x05abc", "truncated"),
        (b"\x12" + bytes(6), "truncated"),
        (b"\x21" + bytes(9), "bad_version"),
        (b"\x12" + bytes(6) + b"\x00x", "bad_reference"),
        (b"\x12" + bytes(6) + b"\x21x", "bad_reference"),
        (b"\x10" + bytes(7), "trailing"),
        (b"\x11" + bytes(1300), "too_long"),
    ],
)
def test_broken_headers_have_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BitstreamError) as caught:
        Packet.unpack(data)
    assert caught.value.reason == reason


def test_an_ack_names_its_frames_newest_first() -> None:
    assert Ack(1, 0b10000011).sequences() == (1, 0, 65_535, 65_529)


@given(st.integers(0, 65_535), st.integers(-32_768, 32_767))
def test_distance_undoes_add(sequence: int, count: int) -> None:
    assert distance(add(sequence, count), sequence) == count


@given(st.integers(0, 65_535), st.lists(st.integers(0, 70), min_size=1, max_size=80))
def test_the_window_classifies_as_a_set_would(start: int, order: list[int]) -> None:
    window = SequenceWindow()
    seen: set[int] = set()
    for position in order:
        sequence = add(start, position)
        if not seen or position > max(seen):
            expected = Arrival.NEWEST
        elif position in seen or max(seen) - position >= 64:
            expected = Arrival.STALE
        else:
            expected = Arrival.LATE
        assert window.classify(sequence) is expected
        if expected is not Arrival.STALE:
            window.add(sequence)
            seen.add(position)
    first = order[0]
    assert window.lost == max(0, max(seen) - first + 1 - len(seen))


def test_a_window_that_restarts_takes_any_number_and_keeps_its_counts() -> None:
    window = SequenceWindow()
    for sequence in (0, 1, 5):
        window.add(sequence)
    window.restart()
    assert window.classify(40_000) is Arrival.NEWEST
    window.add(40_000)
    assert window.lost == 3
