"""Writes the golden vectors of docs/bitstream.md, the avatar formats and docs/stream-file.md to tests/vectors.

    python -m tools.regenerate_vectors

Run it only when a format changes on purpose, and say so in the commit. The face vectors come out the same on every
machine; the bytes of avatar files depend on the version of zstd.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from codec.face_encoder import FaceEncoder
from codec.frame_coding import QuantizedFrame, decode_key, encode_delta, encode_key
from codec.packet import Ack, Packet, PacketKind
from codec.quantizer import STILL_TORSO, TORSO, StreamConfig, quantizer_for
from codec.range_frame import RangeFrame, encode_frame
from codec.range_steps import RangeConfig
from codec.torso_coding import encode_extension
from tools.avatar_vectors import empty_folder, own_basis, write_avatars, write_json
from tools.burst_vectors import BURST_STREAM, burst_stream, invalid_bursts
from tools.paper_vectors import write_papers
from tools.stream_vectors import write_streams

DIRECTORY = Path(__file__).resolve().parents[1] / "tests" / "vectors"
STREAMS = {
    "stream_50_8.json": (StreamConfig(50, 8), False),
    "stream_10_10.json": (StreamConfig(10, 10), False),
    "stream_torso.json": (StreamConfig(20, 8), True),
}
"""Configurations, and whether the torso moves."""
RANGE_STREAMS = {"range_20.json": (20, False), "range_50.json": (50, False), "range_own.json": (50, True)}
"""Expression coefficients, and whether the speaker's own motions are sent (`own_basis`)."""
FIRST_SEQUENCE = 65_530
FIRST_TIMESTAMP_MS = 2**32 - 100


def range_stream(dims: int, own: bool) -> list[dict[str, object]]:
    """Frames of profile `range`: a key frame, then references to the frame before and to older ones."""
    config = RangeConfig(dims, 6, own_basis() if own else None)
    random = np.random.default_rng(dims)
    limits = np.array(config.steps.limits)
    symbols = np.zeros(len(limits), np.int64)
    held: list[RangeFrame] = []
    entries: list[dict[str, object]] = []
    for index, back in enumerate((0, 1, 1, 2, 1, 4, 7, 1)):
        spread = 40 if index in (0, 5) else 2
        symbols = np.clip(symbols + np.rint(random.normal(0, spread, len(limits))), -limits, limits).astype(np.int64)
        reference = held[index - back] if back else None
        payload, frame = encode_frame(config, tuple(symbols.tolist()), reference, back)
        held.append(frame)
        entries.append(
            {
                "dims": dims,
                "quality": config.quality,
                "reference": index - back if back else None,
                "hex": payload.hex(),
                "symbols": list(frame.symbols),
                "velocity": list(frame.velocity),
                "habits": list(frame.habits),
                "activity": frame.activity,
            }
        )
    return entries


def face_stream(config: StreamConfig, with_torso: bool) -> list[dict[str, object]]:
    """Twelve packets over the wrap of sequence and timestamp: keys, an acknowledgement, deltas, empty, ack only."""
    torsos = torso_symbols(12) if with_torso else [STILL_TORSO] * 12
    quantizer = quantizer_for(config)
    limits = np.array(quantizer.max_symbols)
    rng = np.random.default_rng(7)
    symbols = rng.integers(limits // 4, limits // 2)  # [E + 15]
    encoder = FaceEncoder(config.expression_dims, config.expression_bits)
    packets: list[dict[str, object]] = []
    for index in range(12):
        sequence = (FIRST_SEQUENCE + index) % 65_536
        timestamp_ms = (FIRST_TIMESTAMP_MS + 40 * index) % 2**32
        ack = Ack((300 + index) % 65_536, index * 21 % 256) if index % 3 else None
        if index in (3, 8):  # the receiver has frames 0 and 1, later also 5 and 7
            encoder.acknowledge(Ack((sequence - 2) % 65_536 if index == 3 else (sequence - 1) % 65_536, 0b10))
        if index in (4, 9):
            kind = PacketKind.EMPTY if index == 4 else PacketKind.ACK
            packet = Packet(kind, sequence, timestamp_ms, ack or Ack(1))
            frame = None
        else:
            symbols = np.clip(symbols + rng.integers(-6, 7, len(symbols)) * rng.integers(0, 3, len(symbols)), 0, limits)
            frame = QuantizedFrame(config, tuple(int(symbol) for symbol in symbols), torsos[index])
            coded = encoder.encode(frame.to_params(), sequence)
            packet = Packet(
                coded.kind, sequence, timestamp_ms, ack, coded.reference_offset, coded.payload, coded.extension
            )
        torso = {"torso_symbols": list(frame.torso), "torso": frame.to_params().torso.tolist()} if frame else {}
        packets.append(
            {
                "hex": packet.pack().hex(),
                "kind": packet.kind.name.lower(),
                "sequence": sequence,
                "timestamp_ms": timestamp_ms,
                "ack": [packet.ack.sequence, packet.ack.earlier] if packet.ack else None,
                "reference_offset": packet.reference_offset,
                "symbols": list(frame.symbols) if frame else None,
                "values": frame.to_params().to_vector().tolist() if frame else None,
                **(torso if with_torso else {}),
            }
        )
    return packets


def torso_symbols(count: int) -> list[tuple[int, ...]]:
    """Torsos of `count` frames: at rest at first, then moving, with pauses, and at rest again in the end."""
    limits = np.array(TORSO.max_symbols)
    rng = np.random.default_rng(13)
    torso, torsos = np.array(STILL_TORSO), [STILL_TORSO]
    for index in range(1, count - 1):
        torso = np.clip(torso + rng.integers(-40, 41, len(torso)) * (index % 4 != 3), 0, limits)
        torsos.append(tuple(torso.tolist()))
    return [*torsos, STILL_TORSO]


def invalid_packets() -> dict[str, tuple[str, bytes]]:
    """File name to (reason, bytes); deltas refer to packet 65531 of stream_50_8.json."""
    stream = face_stream(*STREAMS["stream_50_8.json"])
    key = bytes.fromhex(str(stream[0]["hex"]))
    delta = bytes.fromhex(str(stream[3]["hex"]))  # no acknowledgement: payload begins at byte 8
    header = delta[:7]
    reference = bytes([2])
    config = StreamConfig()
    limits = quantizer_for(config).max_symbols
    over = QuantizedFrame(config, (limits[0] + 1, *limits[1:]))
    second = decode_key(bytes.fromhex(str(stream[1]["hex"]))[10:])
    torso = encode_extension((TORSO.max_symbols[0] + 1, *STILL_TORSO[1:]))

    def with_extension(extension: bytes) -> bytes:
        return bytes([key[0] | 0x08]) + key[1:7] + bytes([len(extension)]) + extension + key[7:]

    return {
        "empty_datagram": ("truncated", b""),
        "header_truncated": ("truncated", key[:5]),
        "ack_truncated": ("truncated", bytes([0x14]) + header[1:] + b"\x00"),
        "extension_truncated": ("truncated", bytes([0x18]) + header[1:] + b"\x04abc"),
        "key_truncated": ("truncated", key[:-1]),
        "delta_truncated": ("truncated", delta[:-1]),
        "delta_reference_missing": ("truncated", header),
        "version_3": ("bad_version", bytes([0x31]) + key[1:]),
        "reference_0": ("bad_reference", header + b"\x00" + delta[8:]),
        "reference_33": ("bad_reference", header + b"\x21" + delta[8:]),
        "reference_unknown": ("unknown_reference", header + b"\x1f" + delta[8:]),
        "key_byte_too_many": ("trailing", key + b"\x00"),
        "key_padding_not_zero": ("trailing", key[:-1] + bytes([key[-1] | 1])),
        "empty_with_payload": ("trailing", bytes([0x10]) + header[1:] + b"\x00"),
        "config_unknown_dims": ("bad_config", key[:7] + b"\x07" + key[8:]),
        "config_reserved_bit": ("bad_config", key[:7] + b"\x14" + key[8:]),
        "key_symbol_out_of_range": ("bad_symbol", key[:7] + encode_key(over)),
        "delta_symbol_out_of_range": ("bad_symbol", header + reference + encode_delta(over, second)),
        "delta_code_too_long": ("bad_symbol", header + reference + bytes(20)),
        "torso_truncated": ("truncated", with_extension(torso[:-1])),
        "torso_symbol_out_of_range": ("bad_symbol", with_extension(torso)),
        "too_long": ("too_long", key + bytes(1200)),
    }


def main() -> None:
    face = DIRECTORY / "face"
    empty_folder(face / "invalid")
    for name, (config, with_torso) in STREAMS.items():
        packets = ",\n".join(json.dumps(packet) for packet in face_stream(config, with_torso))
        (face / name).write_text(f"[\n{packets}\n]\n")
    range_streams = {name: range_stream(dims, own) for name, (dims, own) in RANGE_STREAMS.items()}
    for name, entries in (range_streams | {BURST_STREAM: burst_stream()}).items():
        lines = ",\n".join(json.dumps(entry) for entry in entries)
        (face / name).write_text(f"[\n{lines}\n]\n")
    reasons: dict[str, object] = {}
    for name, (reason, data) in (invalid_packets() | invalid_bursts()).items():
        (face / "invalid" / f"{name}.bin").write_bytes(data)
        reasons[name] = reason
    write_json(face / "invalid.json", reasons)
    write_avatars(DIRECTORY / "avatar")
    write_papers(DIRECTORY / "paper")
    write_streams(DIRECTORY / "stream")


if __name__ == "__main__":
    main()
