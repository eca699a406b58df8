"""The golden vectors of packets of version 2 (docs/bitstream.md), for tools.regenerate_vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from codec.burst_coding import BurstDecoder, BurstEncoder, NumberedFace
from codec.burst_packet import BurstKind, BurstPacket, LinkReport
from codec.errors import BitstreamError
from codec.packet import MAX_PACKET_BYTES, Ack
from codec.params import FaceParams
from codec.range_coder import TOTAL, RangeEncoder, bits_part
from codec.range_frame import PER_CLASS, decode_frame, encode_frame
from codec.range_model import NEUTRAL, FrameModel
from codec.range_steps import RangeConfig
from codec.range_tables import SIZES
from tools.avatar_vectors import own_basis

BURST_STREAM = "burst_50_4.json"
PREFIX = "burst_"
"""Of the names of invalid packets that are to follow the first two packets of BURST_STREAM."""
FIRST_SEQUENCE = 65_530
FIRST_TIMESTAMP_MS = 2**32 - 250
INTERVAL_MS = 40
CONFIG = RangeConfig(50, 4)


@dataclass(frozen=True)
class Step:
    """One packet.

    Args:
        faces: numbers of the faces in it; what the receiver is known to have is left out. None: an empty packet.
        config: of its frames.
        acknowledged: number of the packet that has been acknowledged before.
        news: whether it carries an acknowledgement, and a report, of the other direction.
        lag_ms: see Burst.
        kind: of a packet without faces.
    """

    faces: range | None
    config: RangeConfig = CONFIG
    acknowledged: int | None = None
    news: tuple[bool, bool] = (False, False)
    lag_ms: float = 0.0
    kind: BurstKind = BurstKind.EMPTY


STEPS = (
    Step(range(0, 1)),  # a key frame alone
    Step(range(0, 3)),  # repeated, still without a reference; the last one is as the one before it
    Step(range(3, 5), acknowledged=1, news=(True, True), lag_ms=36.0),
    Step(range(5, 7), news=(True, False)),  # over the wrap of timestamps
    Step(range(5, 9)),  # repeats what the packet before it said, from an older reference
    Step(None, news=(True, True)),
    Step(range(9, 10), RangeConfig(50, 7), acknowledged=4, lag_ms=2000.0),  # coarser, over the wrap of sequence numbers
    Step(None, news=(True, True), kind=BurstKind.ACK),
    Step(range(10, 18), RangeConfig(50, 0), acknowledged=6, news=(False, True)),  # finer, and as many as fit
    Step(range(18, 20), RangeConfig(20, 4), acknowledged=8),  # other parameters: a key frame
    Step(range(20, 21), RangeConfig(20, 4), acknowledged=9, news=(True, True)),
    Step(None, kind=BurstKind.ACK),
    Step(range(275, 276), RangeConfig(20, 16), acknowledged=10),  # the farthest reference
    Step(range(276, 278), RangeConfig(50, 4, own_basis()), acknowledged=12),  # in the sender's own motions
    Step(range(278, 280), RangeConfig(50, 6, own_basis()), acknowledged=13),
)


def face(number: int) -> FaceParams:
    """One that moves; the third one is as the second one. From integers, so that it is the same everywhere."""
    rng = np.random.default_rng(5)
    moves = rng.integers(-30, 31, (8, 65)) * rng.integers(0, 2, (8, 65))
    number = 1 if number == 2 else number
    vector = FaceParams.neutral(50).to_vector() + moves[: number % 8].sum(axis=0) / 1000
    torso = np.arange(6) * (number % 5) / 1000
    return FaceParams.from_vector(vector.astype(np.float32), torso.astype(np.float32))


def burst_packets() -> list[BurstPacket]:
    """The packets of STEPS."""
    encoder, packets = BurstEncoder(), []
    time_ms = FIRST_TIMESTAMP_MS
    for index, step in enumerate(STEPS):
        sequence = (FIRST_SEQUENCE + index) % 65_536
        if step.acknowledged is not None:
            encoder.acknowledge(Ack((FIRST_SEQUENCE + step.acknowledged) % 65_536))
        ack = Ack((65_534 + index) % 65_536, 21 * index % 256) if step.news[0] else None
        report = LinkReport(index * 25 / 256, 170.0 * index) if step.news[1] else None
        if step.faces is None:
            packets.append(BurstPacket(step.kind, sequence, (time_ms + 7) % 2**32, ack, report))
            continue
        faces = [NumberedFace(number, FIRST_TIMESTAMP_MS + INTERVAL_MS * number, face(number)) for number in step.faces]
        burst = replace(encoder.encode(faces, step.config, sequence), lag_ms=step.lag_ms)
        time_ms = faces[-1].time_ms
        packets.append(BurstPacket(BurstKind.FACES, sequence, time_ms % 2**32, ack, report, burst))
    return packets


def burst_stream() -> list[dict[str, object]]:
    """What a reader must get from these packets, floats exactly."""
    decoder = BurstDecoder()
    return [packet_values(packet.pack(), decoder) for packet in burst_packets()]


def packet_values(data: bytes, decoder: BurstDecoder) -> dict[str, object]:
    """The content of one packet; `decoder` has seen those before it."""
    packet = BurstPacket.unpack(data, own_basis())
    ack, report, burst = packet.ack, packet.report, packet.burst
    values: dict[str, object] = {
        "hex": data.hex(),
        "kind": packet.kind.name.lower(),
        "sequence": packet.sequence,
        "timestamp_ms": packet.timestamp_ms,
        "ack": [ack.sequence, ack.earlier] if ack else None,
        "report": {"loss": report.loss, "delay_ms": report.delay_ms} if report else None,
    }
    if burst is None:
        return values
    return values | {
        "dims": burst.config.dims,
        "quality": burst.config.quality,
        "own_motions": burst.config.basis is not None,
        "lag_ms": burst.lag_ms,
        "reference_offset": burst.reference_offset,
        "distance": burst.distance,
        "intervals_ms": list(burst.intervals_ms),
        "frames": [
            {
                "time_ms": time_ms % 2**32,
                "symbols": list(frame.symbols),
                "values": frame.to_params().to_vector().tolist(),
                "torso": frame.to_params().torso.tolist(),
            }
            for time_ms, frame in decoder.decode(packet)
        ],
    }


def invalid_bursts() -> dict[str, tuple[str, bytes]]:
    """File name to (reason, bytes); they follow the first two packets of `burst_stream`."""
    packets = burst_packets()
    first, second, packet = packets[:3]
    burst = packet.burst
    assert first.burst is not None
    assert burst is not None
    assert burst.reference_offset == 1
    good, start = packet.pack(), packet.pack()[:7]
    bare = bytes([0x21]) + start[1:]
    reference = decode_frame(CONFIG, first.burst.payload, None, 0)
    limits = CONFIG.steps.limits
    over, _ = encode_frame(CONFIG, (*reference.symbols[:50], limits[50] + 1, *reference.symbols[51:]), None, 0)
    endless = RangeEncoder()
    model = FrameModel(CONFIG, 0, NEUTRAL, (0,) * len(limits))
    table = (model.levels[0] + model.lift) // PER_CLASS
    while table >= len(SIZES):  # low bits are coded apart
        table -= 4
    escape = SIZES[table][-1]
    endless.encode(TOTAL - escape, escape)
    endless.encode_all([*[bits_part(0, 1)] * 16, bits_part(1, 1)])

    def with_burst(**changes: object) -> bytes:
        return replace(packet, ack=None, report=None, burst=replace(burst, **changes)).pack()

    def with_payload(payload: bytes, intervals_ms: Sequence[int] = ()) -> bytes:
        return with_burst(reference_offset=0, distance=0, intervals_ms=tuple(intervals_ms), payload=payload)

    cases = {
        "header_truncated": ("truncated", good[:6]),
        "ack_truncated": ("truncated", good[:9]),
        "report_truncated": ("truncated", good[:11]),
        "configuration_missing": ("truncated", bare),
        "distance_missing": ("truncated", bare + good[12:15]),
        "interval_missing": ("truncated", good[:16]),
        "payload_not_the_least": ("truncated", beside_its_code(packets[:5])),
        "payload_byte_too_many": ("trailing", good + b"\x01"),
        "payload_ends_with_zero": ("trailing", good + b"\x00"),
        "ack_with_payload": ("trailing", bytes([0x22]) + start[1:] + b"\x00"),
        "empty_with_payload": ("trailing", second.pack().replace(b"\x21", b"\x20", 1)),
        "version_3": ("bad_version", bytes([0x31]) + start[1:] + good[12:]),
        "kind_3": ("bad_kind", bytes([0x23]) + start[1:]),
        "config_unknown_dims": ("bad_config", bare + bytes([6 << 5 | 4]) + good[13:]),
        "motions_unknown": ("unknown_motions", bare + bytes([5 << 5 | 4]) + good[13:]),
        "config_unknown_quality": ("bad_config", bare + bytes([4 << 5 | 17]) + good[13:]),
        "distance_0": ("bad_reference", with_burst(distance=0)),
        "interval_0": ("bad_time", with_burst(intervals_ms=(0,))),
        "reference_unknown": ("unknown_reference", with_burst(reference_offset=31)),
        "reference_other_dims": ("unknown_reference", with_burst(config=RangeConfig(40, 4))),
        "symbol_out_of_range": ("bad_symbol", with_payload(over)),
        "code_too_long": ("bad_symbol", with_payload(endless.to_bytes())),
        "too_long": ("too_long", good + bytes(MAX_PACKET_BYTES)),
    }
    return {PREFIX + name: case for name, case in cases.items()}


def beside_its_code(packets: Sequence[BurstPacket]) -> bytes:
    """One of these packets with another last byte that means the same frames: a code that no encoder makes."""
    decoder = BurstDecoder()
    for packet in packets[:2]:
        decoder.decode(packet)
    for packet in packets[2:]:
        data = packet.pack()
        for last in range(data[-1] + 1, 256):
            try:
                decoder.decode(BurstPacket.unpack(data[:-1] + bytes([last])))
            except BitstreamError as error:
                if error.reason == "truncated":
                    return data[:-1] + bytes([last])
    raise ValueError("every last byte means other frames: take more packets")
