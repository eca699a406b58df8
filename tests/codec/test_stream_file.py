"""The laws of stream files: what was packed is read back to half a step, and nothing else is read at all."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.errors import BitstreamError
from codec.frame_coding import pack_differences, pack_symbols
from codec.params import FaceParams
from codec.quantizer import TORSO, WIDE_EXPRESSION_RANGE, StreamConfig, quantizer_for
from codec.range_steps import RangeConfig
from codec.stream_file import KEY_PERIOD_MS, MAX_STREAM_BYTES, MAX_TIME_MS, FaceStream, pack_stream, unpack_stream
from codec.stream_header import MAX_FRAMES, StreamHeader, unpack_header
from tests.support.streams import (
    DOCUMENT,
    HEAD_ID,
    cut,
    eg0_headers,
    face_stream,
    faces_of_the_example,
    headers,
    moving_face,
    reason_of,
    signed,
    times,
    worked_example,
)


@pytest.fixture
def stream() -> FaceStream:
    return face_stream(StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(10)), [40] * 30)


@given(eg0_headers, times, st.integers(0, 1 << 30))
def test_streams_come_back_to_half_a_step(header: StreamHeader, steps_ms: list[int], seed: int) -> None:
    stream = face_stream(header, steps_ms, seed)
    data = pack_stream(stream)
    found = unpack_stream(data)
    assert found.header == header
    np.testing.assert_array_equal(found.time_ms, stream.time_ms)
    np.testing.assert_array_equal(found.detected, stream.detected)
    wanted = stream.values.copy()
    if not header.gaze:
        wanted[stream.detected, -4:] = 0
    assert isinstance(header.config, StreamConfig)
    steps = quantizer_for(header.config).steps
    error = np.abs(found.values.astype(np.float64) - wanted)[stream.detected]
    assert (error <= 0.5 * steps + 1e-6).all()
    assert np.isnan(found.values[~stream.detected]).all()
    assert (found.torso is not None) == header.torso
    if found.torso is not None and stream.torso is not None:
        error = np.abs(found.torso.astype(np.float64) - stream.torso)[stream.detected]
        assert (error <= 0.5 * TORSO.steps + 1e-6).all()
        assert np.isnan(found.torso[~stream.detected]).all()
    assert pack_stream(found) == data


@settings(max_examples=30)
@given(headers, st.integers(0, 1 << 30))
def test_every_truncation_is_refused(header: StreamHeader, seed: int) -> None:
    data = pack_stream(face_stream(header, [40] * 5, seed))
    for end in range(len(data)):
        reason_of(data[:end])
        if len(data) - 60 < end < len(data) - 4:
            reason_of(signed(data[:end]))


@given(headers, st.integers(0, 1 << 30), st.lists(st.integers(0, 1 << 20), min_size=1, max_size=8), st.booleans())
def test_flipped_bits_are_refused_or_decode_within_the_ranges(
    header: StreamHeader, seed: int, places: list[int], repaired: bool
) -> None:
    original = pack_stream(face_stream(header, [33] * 12, seed))
    data = bytearray(original)
    for place in places:
        data[place // 8 % len(data)] ^= 1 << place % 8
    if repaired:
        data[-4:] = struct.pack("<I", zlib.crc32(data[:-4]))
    try:
        found = unpack_stream(bytes(data))
    except BitstreamError:
        return
    assert repaired or bytes(data) == original
    assert np.abs(found.values[found.detected]).max(initial=0) <= WIDE_EXPRESSION_RANGE
    assert (np.diff(found.time_ms) > 0).all()


@given(headers, st.binary(max_size=300), st.integers(0, 50))
def test_any_frames_decode_within_the_ranges_or_are_refused(header: StreamHeader, frames: bytes, count: int) -> None:
    try:
        found = unpack_stream(signed(header.pack(count) + frames))
    except BitstreamError:
        return
    assert len(found) == count
    assert np.isfinite(found.values[found.detected]).all()


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert reason_of(data)


def kinds_of(data: bytes, stream: FaceStream) -> list[int]:
    """The kinds of a steady stream's frames, found by what each one adds to the file."""
    lengths = [len(pack_stream(cut(stream, end))) for end in range(len(stream) + 1)]
    return [data[length - 4] & 3 for length in lengths[:-1]]


def test_key_frames_come_first_and_every_few_seconds() -> None:
    header = StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(50))
    values = np.repeat(moving_face(1), 250, axis=0)
    values[:, 0] += np.linspace(0, 1, 250)
    stream = FaceStream(header, 40 * np.arange(250), np.ones(250, bool), values.astype(np.float32))
    kinds = kinds_of(pack_stream(stream), stream)
    assert [index for index, kind in enumerate(kinds) if kind == 1] == [0, 100, 200]
    assert KEY_PERIOD_MS == 40 * 100
    assert kinds.count(2) == 247


def test_a_still_torso_costs_one_bit_a_frame_and_its_motion_is_seen() -> None:
    header = StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(50))
    values, times, seen = np.repeat(moving_face(1), 80, axis=0), 40 * np.arange(80), np.ones(80, bool)
    leaning = np.tile(np.array([0.1, 0, 0, 0, 0.01, 0], np.float32), (80, 1))
    without = pack_stream(FaceStream(header, times, seen, values))
    beside = pack_stream(FaceStream(replace(header, torso=True), times, seen, values, leaning))
    assert 0 <= len(beside) - len(without) <= 80 / 8 + 8
    leaning[40:] = 0
    found = unpack_stream(pack_stream(FaceStream(replace(header, torso=True), times, seen, values, leaning)))
    shown = [found.params(index) for index in (39, 40)]
    assert [round(float(params.torso[0]), 2) for params in shown if params] == [0.1, 0.0]


def test_the_face_after_a_gap_refers_to_the_one_before_it() -> None:
    header = StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(50))
    detected = np.array([False, True, False, False, True])
    stream = FaceStream(header, 40 * np.arange(5), detected, np.repeat(moving_face(1), 5, axis=0))
    assert kinds_of(pack_stream(stream), stream) == [0, 1, 0, 0, 2]


def test_a_jump_is_a_key_frame_since_that_is_shorter() -> None:
    header = StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(50))
    values = np.random.default_rng(0).uniform(-4, 4, (4, 65)).astype(np.float32)
    stream = FaceStream(header, 40 * np.arange(4), np.ones(4, bool), values)
    assert kinds_of(pack_stream(stream), stream) == [1, 1, 1, 1]


def test_a_steady_stream_spends_one_byte_on_kind_and_time() -> None:
    header = StreamHeader(HEAD_ID, "mediapipe", 29.97)
    times = np.rint(np.arange(300) * 1000 / 29.97).astype(np.int64)
    data = pack_stream(FaceStream(header, times, np.zeros(300, bool), np.full((300, 65), np.nan, np.float32)))
    assert len(data) == len(header.pack(300)) + 300 + 4


def test_the_length_counts_the_last_frame_whole(stream: FaceStream) -> None:
    assert stream.duration_s == pytest.approx(30 / 25 + 0.04)
    assert cut(stream, 0).duration_s == 0


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"\x88", "bad_magic"),
        (4, b"\x02", "bad_version"),
        (5, b"\x02", "bad_profile"),
        (6, b"\x05", "bad_config"),
        (6, b"\x10", "bad_config"),
        (7, b"\x04", "bad_header"),
        (8, struct.pack("<I", 99), "bad_header"),
        (8, struct.pack("<I", 1_000_001), "bad_header"),
        (12, struct.pack("<I", MAX_FRAMES + 1), "too_long"),
        (12, struct.pack("<I", MAX_FRAMES), "truncated"),
        (12, struct.pack("<I", 29), "trailing"),
        (12, struct.pack("<I", 31), "truncated"),
        (48, b"\x41", "bad_header"),
        (49, b"\xff", "bad_header"),
        (49, b"\x1b", "bad_header"),
        (58, b"\xff\xff", "truncated"),
    ],
)
def test_headers_that_lie(stream: FaceStream, offset: int, value: bytes, reason: str) -> None:
    content = bytearray(pack_stream(stream)[:-4])
    content[offset : offset + len(value)] = value
    assert reason_of(signed(bytes(content))) == reason


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b"\x03", "bad_kind"),
        (b"\x02" + b"\xff" * 4, "unknown_reference"),
        (b"\x08", "bad_time"),  # d = -1: before 0
        (b"\x80\x00", "bad_time"),
        (b"\xff" * 6, "bad_time"),
        (b"\x84" * 4 + b"\x7f", "bad_time"),
        (b"\x01\x00", "truncated"),
    ],
)
def test_frames_that_lie(frames: bytes, reason: str) -> None:
    header = StreamHeader(HEAD_ID, "x", 25.0, StreamConfig(10))
    assert reason_of(signed(header.pack(1) + frames)) == reason


def test_a_second_frame_must_be_later_and_within_a_day() -> None:
    header = StreamHeader(HEAD_ID, "x", 25.0, StreamConfig(10))
    back = b"\x00" + bytes([80 << 2 & 0x7F | 0x80, 80 << 2 >> 7])  # d = -40: the same time again
    assert reason_of(signed(header.pack(2) + back)) == "bad_time"
    late = FaceStream(header, np.array([MAX_TIME_MS]), np.zeros(1, bool), np.full((1, 25), np.nan, np.float32))
    data = pack_stream(late)
    assert unpack_stream(data).time_ms.tolist() == [MAX_TIME_MS]
    assert reason_of(signed(late.header.pack(2) + data[-9:-4] + b"\x00")) == "bad_time"


def test_delta_frames_that_are_longer_than_key_frames_are_read() -> None:
    config = StreamConfig(10)
    header, quantizer = StreamHeader(HEAD_ID, "x", 25.0, config), quantizer_for(config)
    high = quantizer.max_symbols
    low = (0,) * len(high)
    key, delta = pack_symbols(low, quantizer.bits), pack_differences(high, low)
    assert len(delta) > len(key)
    found = unpack_stream(signed(header.pack(3) + b"\x01" + key + b"\x02" + delta + b"\x00"))
    assert quantizer.quantize(FaceParams.from_vector(found.values[1])) == high


def test_padding_must_be_zero(stream: FaceStream) -> None:
    still = FaceStream(stream.header, np.array([0]), np.ones(1, bool), moving_face(1, 10))
    content = pack_stream(still)[:-4]
    assert sum(quantizer_for(StreamConfig(10)).bits) % 8
    assert reason_of(signed(content[:-1] + bytes([content[-1] | 1]))) == "trailing"


def test_a_file_that_is_too_large_is_not_even_looked_at() -> None:
    assert reason_of(bytes(MAX_STREAM_BYTES + 1)) == "too_long"


def test_extensions_are_skipped(stream: FaceStream) -> None:
    data = pack_stream(stream)
    begin = unpack_header(data)[2]
    extended = signed(data[: begin - 2] + struct.pack("<H", 3) + b"new" + data[begin:-4])
    np.testing.assert_array_equal(unpack_stream(extended).values, unpack_stream(data).values)


def test_what_no_stream_can_hold_is_refused_before_it_is_written(stream: FaceStream) -> None:
    values = stream.values.copy()
    values[stream.detected, 3] = np.inf
    for changes in (
        {"time_ms": stream.time_ms[::-1]},
        {"time_ms": stream.time_ms - 1000},
        {"time_ms": stream.time_ms + MAX_TIME_MS},
        {"time_ms": stream.time_ms[1:]},
        {"detected": stream.detected[1:]},
        {"values": stream.values[:, 1:]},
        {"values": values},
        {"torso": np.zeros((len(stream), 5), np.float32)},
        {"torso": np.full((len(stream), 6), np.inf, np.float32)},
    ):
        with pytest.raises(ValueError, match=r"."):
            replace(stream, **changes)
    for changes in (
        {"head_model_id": "5A" * 32},
        {"extractor": "x" * 65},
        {"frame_rate": 0.09},
        {"frame_rate": float("nan")},
        {"config": RangeConfig()},
        {"config": RangeConfig(), "torso": True, "gaze": False},
    ):
        with pytest.raises(ValueError, match=r"."):
            replace(stream.header, **changes)


def test_the_worked_example_of_profile_eg0_is_true() -> None:
    data = worked_example(0)
    stream = unpack_stream(data)
    assert stream.header == StreamHeader("0f" * 32, "mediapipe", 25.0, StreamConfig(10), gaze=False)
    _, moved = faces_of_the_example(stream)
    assert moved.expression[0] == pytest.approx(8 / 127)
    assert moved.jaw_pose[0] == pytest.approx(20 * 0.8 / 511)
    assert moved.eyelids.tolist() == pytest.approx([1 / 255, 0])
    assert pack_stream(stream) == data


def test_the_document_names_every_reason() -> None:
    sources = "".join(path.read_text() for path in (DOCUMENT.parents[1] / "codec").glob("stream_*.py"))
    reasons = set(re.findall(r"BitstreamError\(\s*\"(\w+)\"", sources))
    assert len(reasons) > 8
    listed = DOCUMENT.read_text("utf-8").split("## What a reader refuses")[1]
    assert {reason for reason in reasons if f"`{reason}`" not in listed} == set()
