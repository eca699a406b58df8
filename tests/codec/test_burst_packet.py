from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.burst_packet import (
    DELAY_UNIT_MS,
    MAX_FRAMES,
    MAX_INTERVAL_MS,
    MAX_REFERENCE_DISTANCE,
    MAX_REFERENCE_OFFSET,
    Burst,
    BurstKind,
    BurstPacket,
    LinkReport,
)
from codec.errors import BitstreamError
from codec.packet import Ack
from codec.params import EXPRESSION_DIMS
from codec.range_steps import QUALITIES, RangeConfig, pack_range_config, unpack_range_config
from tools.avatar_vectors import own_basis

bytes_of_delay = st.integers(0, 255)
acks = st.none() | st.builds(Ack, st.integers(0, 65_535), st.integers(0, 255))
reports = st.none() | st.builds(
    LinkReport, st.integers(0, 255).map(lambda n: n / 256), bytes_of_delay.map(lambda n: float(DELAY_UNIT_MS * n))
)


@st.composite
def bursts(draw: st.DrawFn) -> Burst:
    offset = draw(st.integers(0, MAX_REFERENCE_OFFSET))
    return Burst(
        RangeConfig(draw(st.sampled_from(EXPRESSION_DIMS)), draw(st.integers(0, QUALITIES - 1))),
        offset,
        draw(st.integers(1, MAX_REFERENCE_DISTANCE)) if offset else 0,
        tuple(draw(st.lists(st.integers(1, MAX_INTERVAL_MS), max_size=MAX_FRAMES - 1))),
        draw(st.binary(max_size=100)),
        float(DELAY_UNIT_MS * draw(bytes_of_delay)),
    )


@st.composite
def packets(draw: st.DrawFn) -> BurstPacket:
    kind = draw(st.sampled_from(BurstKind))
    burst = draw(bursts()) if kind is BurstKind.FACES else None
    sequence, timestamp_ms = draw(st.integers(0, 65_535)), draw(st.integers(0, 2**32 - 1))
    return BurstPacket(kind, sequence, timestamp_ms, draw(acks), draw(reports), burst)


@given(packets())
def test_packets_come_back(packet: BurstPacket) -> None:
    assert BurstPacket.unpack(packet.pack()) == packet


@given(st.binary(max_size=60), st.integers(0, 15))
def test_any_bytes_are_refused_or_exactly_what_their_packet_packs_to(tail: bytes, low: int) -> None:
    for data in (tail, bytes([0x20 | low]) + tail):
        try:
            packet = BurstPacket.unpack(data)
        except BitstreamError:
            continue
        assert packet.pack() == data


@given(packets())
def test_every_header_that_ends_early_is_refused(packet: BurstPacket) -> None:
    if packet.burst is not None:
        packet = replace(packet, burst=replace(packet.burst, payload=b""))
    data = packet.pack()
    for end in range(len(data)):
        with pytest.raises(BitstreamError) as caught:
            BurstPacket.unpack(data[:end])
        assert caught.value.reason == "truncated"


def test_every_configuration_has_one_byte() -> None:
    configs = [RangeConfig(dims, quality) for dims in EXPRESSION_DIMS for quality in range(QUALITIES)]
    codes = [pack_range_config(config) for config in configs]
    assert [unpack_range_config(code) for code in codes] == configs
    own = {pack_range_config(RangeConfig(50, quality, own_basis())) for quality in range(QUALITIES)}
    for code in own:
        assert pack_range_config(unpack_range_config(code, own_basis())) == code
    for code in set(range(256)) - set(codes):
        with pytest.raises(BitstreamError) as caught:
            unpack_range_config(code)
        assert caught.value.reason == ("unknown_motions" if code in own else "bad_config")


def test_sequence_numbers_and_timestamps_are_taken_modulo() -> None:
    packet = BurstPacket.unpack(BurstPacket(BurstKind.EMPTY, 65_537, 2**32 + 5).pack())
    assert (packet.sequence, packet.timestamp_ms) == (1, 5)


@pytest.mark.parametrize(
    ("report", "wanted"),
    [
        (LinkReport(1.0, 1e6), LinkReport(255 / 256, 255.0 * DELAY_UNIT_MS)),
        (LinkReport(-0.5, -3.0), LinkReport(0.0, 0.0)),
        (LinkReport(0.101, 13.0), LinkReport(26 / 256, 12.0)),
    ],
)
def test_reports_are_rounded_and_saturate(report: LinkReport, wanted: LinkReport) -> None:
    assert LinkReport.unpack(report.pack()) == wanted


def test_only_a_burst_without_a_reference_begins_anew() -> None:
    burst = Burst(RangeConfig(), 0, 0, (), b"")
    assert BurstPacket(BurstKind.FACES, 0, 0, burst=burst).begins_anew
    assert not BurstPacket(BurstKind.FACES, 0, 0, burst=replace(burst, reference_offset=1, distance=1)).begins_anew
    assert not BurstPacket(BurstKind.EMPTY, 0, 0).begins_anew


HEADER = bytes(6)
ACK_BYTES, REPORT_BYTES = b"\x01\x02\x03", b"\x04\x05"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x21\x00\x00", "truncated"),
        (b"\x11" + HEADER, "bad_version"),
        (b"\x31" + HEADER, "bad_version"),
        (b"\x23" + HEADER, "bad_kind"),
        (b"\x24" + HEADER + ACK_BYTES[:2], "truncated"),
        (b"\x28" + HEADER + REPORT_BYTES[:1], "truncated"),
        (b"\x2c" + HEADER + ACK_BYTES + REPORT_BYTES + b"x", "trailing"),
        (b"\x22" + HEADER + b"x", "trailing"),
        (b"\x21" + HEADER + b"\xc0\x00\x00", "bad_config"),
        (b"\x21" + HEADER + b"\xa0\x00\x00", "unknown_motions"),
        (b"\x21" + HEADER + b"\x11\x00\x00", "bad_config"),
        (b"\x21" + HEADER + b"\x00\x00\x01\x00", "bad_reference"),
        (b"\x21" + HEADER + b"\x00\x00\x40\x28\x00", "bad_time"),
        (b"\x21" + HEADER + b"\x00\x00\xe0" + bytes([40] * 6), "truncated"),
        (b"\x21" + bytes(1200), "too_long"),
    ],
)
def test_broken_headers_have_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BitstreamError) as caught:
        BurstPacket.unpack(data)
    assert caught.value.reason == reason
