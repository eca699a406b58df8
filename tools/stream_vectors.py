"""The golden vectors of docs/stream-file.md, for tools.regenerate_vectors."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.quantizer import STILL_TORSO, TORSO, StreamConfig, quantizer_for
from codec.range_frame import encode_frame
from codec.range_steps import RangeConfig
from codec.stream_config import FrameConfig
from codec.stream_file import FaceStream, pack_stream, unpack_stream
from codec.stream_frames import MAX_PAYLOAD_BYTES
from codec.stream_header import MAX_FRAMES, StreamHeader, unpack_header
from codec.varint import pack_varint

HEAD_ID = "0f" * 32
HEADERS = {
    "ours.vvs": StreamHeader(HEAD_ID, "mediapipe", 29.97, StreamConfig(50, 8)),
    "paper.vvs": StreamHeader(HEAD_ID, "smirk", 25.0, StreamConfig(10, 10), gaze=False),
    "torso.vvs": StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(20, 8), torso=True),
    "range.vvs": StreamHeader(HEAD_ID, "mediapipe", 29.97, RangeConfig(30, 4), torso=True),
}
STEPS_MS = (0, 33, 34, 33, 200, 33, 33, 1, 33, 3967, 33, 70_000)
"""Time since the frame before: steady, a gap, nearly at once, the second that makes a key frame due, a long one."""
EMPTY = (0, 4)


def stream_file(header: StreamHeader) -> bytes:
    """A stream with empty frames, key frames for each reason there is, and delta frames."""
    if isinstance(header.config, RangeConfig):
        return _range_file(header, header.config)
    limits = np.array(quantizer_for(header.config).max_symbols)
    rng = np.random.default_rng(11)
    symbols = rng.integers(limits // 4, limits // 2)  # [E + 15]
    values: list[np.ndarray] = []
    for index in range(len(STEPS_MS)):
        moved = symbols + rng.integers(-6, 7, len(symbols)) * rng.integers(0, 2, len(symbols))
        jump = rng.integers(0, limits + 1)
        symbols = np.clip(jump if index == 7 else moved, 0, limits)  # a jump is shorter as a key frame
        values.append(quantizer_for(header.config).values(tuple(symbols.tolist())))
    detected = np.array([index not in EMPTY for index in range(len(STEPS_MS))])
    torso = torso_rows(header, len(values))
    return pack_stream(FaceStream(header, np.cumsum(STEPS_MS, dtype=np.int64), detected, np.stack(values), torso))


def _range_file(header: StreamHeader, config: RangeConfig) -> bytes:
    """The same in profile `range`."""
    limits = np.array(config.steps.limits)
    rng = np.random.default_rng(23)
    symbols = np.rint(rng.uniform(-0.4, 0.4, len(limits)) * limits).astype(np.int64)  # [E + 21]
    values: list[np.ndarray] = []
    torso: list[np.ndarray] = []
    for index in range(len(STEPS_MS)):
        moved = symbols + rng.integers(-4, 5, len(symbols)) * rng.integers(0, 2, len(symbols))
        jump = np.rint(rng.uniform(-0.9, 0.9, len(limits)) * limits).astype(np.int64)
        symbols = np.clip(jump if index == 7 else moved, -limits, limits)
        face = config.steps.params(tuple(symbols.tolist()))
        values.append(face.to_vector())
        torso.append(face.torso)
    detected = np.array([index not in EMPTY for index in range(len(STEPS_MS))])
    times = np.cumsum(STEPS_MS, dtype=np.int64)
    return pack_stream(FaceStream(header, times, detected, np.stack(values), np.stack(torso)))


def torso_rows(header: StreamHeader, count: int) -> NDArray[np.float32] | None:
    """[count, 6] a torso at rest, then moving with pauses; None if the stream has none."""
    if not header.torso:
        return None
    moves = np.random.default_rng(17).integers(-30, 31, (count, 6)) * (np.arange(count)[:, None] % 3 == 2)
    symbols = np.clip(np.array(STILL_TORSO) + np.cumsum(moves, axis=0), 0, TORSO.max_symbols)
    return np.stack([TORSO.values(tuple(row)) for row in symbols.tolist()])


def stream_values(data: bytes) -> dict[str, object]:
    """What a reader must get from a stream file, floats exactly; null where there is no face."""
    stream = unpack_stream(data)
    header = stream.header
    values: dict[str, object] = {
        "profile": header.profile,
        "head_model_id": header.head_model_id,
        "extractor": header.extractor,
        "frame_rate": header.frame_rate,
        "expression_dims": header.expression_dims,
        **_exactness(header.config),
        "gaze": header.gaze,
        "time_ms": stream.time_ms.tolist(),
        "values": [row.tolist() if seen else None for row, seen in zip(stream.values, stream.detected, strict=True)],
    }
    if stream.torso is not None:
        rows = zip(stream.torso, stream.detected, strict=True)
        values["torso"] = [row.tolist() if seen else None for row, seen in rows]
    return values


def _exactness(config: FrameConfig) -> dict[str, object]:
    if isinstance(config, RangeConfig):
        return {"quality": config.quality}
    return {"expression_bits": config.expression_bits}


def invalid_streams() -> dict[str, tuple[str, bytes]]:
    """File name to (reason, bytes): `ours.vvs` or, where the name says so, `range.vvs`, broken.

    The checksum is right unless the reason is another.
    """
    good = stream_file(HEADERS["ours.vvs"])
    content, begin = good[:-4], unpack_header(good)[2]
    key = begin + 1  # the first frame is empty
    return {
        "nothing": ("bad_magic", b""),
        "magic": ("bad_magic", _with_bytes(content, 0, b"\x88")),
        "version_2": ("bad_version", _with_bytes(content, 4, b"\x02")),
        "profile_2": ("bad_profile", _with_bytes(content, 5, b"\x02")),
        "config_unknown_dims": ("bad_config", _with_bytes(content, 6, b"\x05")),
        "flag_reserved": ("bad_header", _with_bytes(content, 7, b"\x05")),
        "frame_rate_0": ("bad_header", _with_bytes(content, 8, bytes(4))),
        "name_not_utf8": ("bad_header", _with_bytes(content, 49, b"\xff")),
        "frames_too_many": ("too_long", _with_bytes(content, 12, struct.pack("<I", MAX_FRAMES + 1))),
        "frames_more_than_bytes": ("truncated", _with_bytes(content, 12, struct.pack("<I", MAX_FRAMES))),
        "frame_missing": ("truncated", _with_bytes(content, 12, struct.pack("<I", len(STEPS_MS) + 1))),
        "frame_left": ("trailing", _with_bytes(content, 12, struct.pack("<I", len(STEPS_MS) - 1))),
        "header_truncated": ("truncated", good[:40]),
        "last_frame_truncated": ("truncated", _signed(content[:-1])),
        "cut_off": ("bad_checksum", good[: len(good) // 2]),
        "bit_flipped": ("bad_checksum", content[:-9] + bytes([content[-9] ^ 4]) + content[-8:] + good[-4:]),
        "kind_3": ("bad_kind", _with_bytes(content, begin, b"\x03")),
        "delta_first": ("unknown_reference", _with_bytes(content, key, bytes([content[key] & ~3 | 2]))),
        "symbol_out_of_range": ("bad_symbol", _with_bytes(content, key + 1, b"\xff")),
        "time_before_0": ("bad_time", _with_bytes(content, begin, b"\x08")),
        "time_too_long": ("bad_time", _with_bytes(content, begin, b"\xff" * 6)),
        **_invalid_range_streams(),
    }


def _invalid_range_streams() -> dict[str, tuple[str, bytes]]:
    good = stream_file(HEADERS["range.vvs"])
    content, begin = good[:-4], unpack_header(good)[2]
    config = RangeConfig(30, 4)
    key, _ = encode_frame(config, tuple(limit // 2 for limit in config.steps.limits), None, 0)
    over, _ = encode_frame(config, tuple(limit + 1 for limit in config.steps.limits), None, 0)
    one_frame = _with_bytes(content, 12, struct.pack("<I", 1))[:begin] + b"\x01"

    def holding(payload: bytes) -> bytes:
        return _signed(one_frame + pack_varint(len(payload)) + payload)

    return {
        "range_config_unknown_dims": ("bad_config", _with_bytes(content, 6, b"\xc4")),
        "range_config_own_motions": ("unknown_motions", _with_bytes(content, 6, b"\xa4")),
        "range_config_quality_17": ("bad_config", _with_bytes(content, 6, b"\x51")),
        "range_gaze_missing": ("bad_header", _with_bytes(content, 7, b"\x02")),
        "range_torso_missing": ("bad_header", _with_bytes(content, 7, b"\x01")),
        "range_payload_not_shortest": ("truncated", holding(key[:-1] + bytes([key[-1] + 1]))),  # of its interval
        "range_payload_trailing": ("trailing", holding(key + b"\x01")),
        "range_payload_too_long": ("too_long", holding(key + bytes(MAX_PAYLOAD_BYTES))),
        "range_length_beyond_file": ("truncated", _signed(one_frame + pack_varint(len(key) + 1) + key)),
        "range_length_too_long": ("too_long", _signed(one_frame + b"\x80\x00")),
        "range_symbol_out_of_range": ("bad_symbol", holding(over)),
    }


def _signed(content: bytes) -> bytes:
    return content + struct.pack("<I", zlib.crc32(content))


def _with_bytes(content: bytes, offset: int, value: bytes) -> bytes:
    return _signed(content[:offset] + value + content[offset + len(value) :])


def write_streams(directory: Path) -> None:
    """Writes all of them."""
    (directory / "invalid").mkdir(parents=True, exist_ok=True)
    for old in directory.glob("**/*.vvs"):
        old.unlink()
    for name, header in HEADERS.items():
        data = stream_file(header)
        (directory / name).write_bytes(data)
        lines = [f"{json.dumps(field)}: {json.dumps(value)}" for field, value in stream_values(data).items()]
        (directory / name).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    reasons: list[str] = []
    for name, (reason, data) in invalid_streams().items():
        (directory / "invalid" / f"{name}.vvs").write_bytes(data)
        reasons.append(f"{json.dumps(name)}: {json.dumps(reason)}")
    (directory / "invalid.json").write_text("{\n" + ",\n".join(reasons) + "\n}\n")
