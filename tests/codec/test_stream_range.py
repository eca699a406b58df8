"""The laws of stream files of profile `range`; those of all profiles are in test_stream_file.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.range_frame import encode_frame
from codec.range_steps import DEAD_ZONE, QUALITIES, RangeConfig
from codec.stream_file import FaceStream, pack_stream, unpack_stream
from codec.stream_frames import MAX_PAYLOAD_BYTES
from codec.stream_header import StreamHeader, unpack_header
from codec.varint import pack_varint
from tests.support.streams import (
    EG0_HEADER,
    RANGE_HEADER,
    cut,
    face_stream,
    faces_of_the_example,
    moving_face,
    range_headers,
    reason_of,
    signed,
    times,
    worked_example,
)


@given(range_headers, times, st.integers(0, 1 << 30))
def test_streams_of_profile_range_come_back_to_the_dead_zone(
    header: StreamHeader, steps_ms: list[int], seed: int
) -> None:
    stream = face_stream(header, steps_ms, seed)
    found = unpack_stream(pack_stream(stream))
    assert found.header == header
    np.testing.assert_array_equal(found.time_ms, stream.time_ms)
    np.testing.assert_array_equal(found.detected, stream.detected)
    assert isinstance(header.config, RangeConfig)
    assert found.torso is not None
    assert stream.torso is not None
    steps = header.config.steps
    coded = np.array(steps.limits) > 0
    for index in np.flatnonzero(stream.detected).tolist():
        wanted, came = stream.params(index), found.params(index)
        assert wanted is not None
        assert came is not None
        error = np.abs(steps.exact(came) - steps.exact(wanted))
        assert (error <= 1 - DEAD_ZONE + 1e-3)[coded].all()
    assert np.isnan(found.values[~stream.detected]).all()


def test_profile_range_has_key_frames_as_often_and_is_smaller() -> None:
    rng = np.random.default_rng(0)
    values = (moving_face(1) + np.cumsum(rng.normal(0, 0.01, (250, 65)), axis=0)).astype(np.float32)
    ours, ranges = (
        FaceStream(header, 40 * np.arange(250), np.ones(250, bool), values) for header in (EG0_HEADER, RANGE_HEADER)
    )
    data, keys = frame_bytes(ranges), []
    offset = 0
    for index in range(250):  # kind and time take a byte, and so does each length
        keys += [index] * (data[offset] & 3 == 1)
        offset += 2 + data[offset + 1]
    assert offset == len(data)
    assert keys == [0, 100, 200]
    assert len(data) < 0.7 * len(frame_bytes(ours))


def test_a_gap_is_no_distance() -> None:
    """The frame after it is coded, byte for byte, as if there had been none."""
    values = moving_face(3)
    straight = FaceStream(RANGE_HEADER, 40 * np.arange(3), np.ones(3, bool), values)
    gap = FaceStream(RANGE_HEADER, 40 * np.arange(5), np.array([1, 1, 0, 0, 1], bool), values[[0, 1, 1, 1, 2]])
    first_two = frame_bytes(cut(straight, 2))
    assert frame_bytes(gap) == first_two + bytes(2) + frame_bytes(straight).removeprefix(first_two)


def frame_bytes(stream: FaceStream) -> bytes:
    """What stands between header and checksum."""
    data = pack_stream(stream)
    return data[unpack_header(data)[2] : -4]


def test_the_longest_frames_are_within_the_limit() -> None:
    for dims, quality in ((50, 0), (50, QUALITIES - 1), (10, 0)):
        config = RangeConfig(dims, quality)
        limits, reference, far = config.steps.limits, None, 0
        for sign in (0, 0, 0, 1, -1, 1, 1, -1):
            payload, reference = encode_frame(config, tuple(sign * limit for limit in limits), reference, far)
            far = 1
            assert len(payload) < MAX_PAYLOAD_BYTES / 2


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (b"\x01", "truncated"),
        (b"\x01\x80", "truncated"),
        (b"\x01\x02\x01", "truncated"),
        (b"\x01\x80\x00", "too_long"),
        (b"\x01\xff\xff\xff\xff\xff", "too_long"),
        (b"\x01" + pack_varint(MAX_PAYLOAD_BYTES + 1) + bytes(MAX_PAYLOAD_BYTES + 1), "too_long"),
        (b"\x01" + pack_varint(MAX_PAYLOAD_BYTES) + bytes(MAX_PAYLOAD_BYTES), "trailing"),
        (b"\x01\x01\x00", "trailing"),  # a code never ends with a zero byte
        (b"\x01\x00\x00", "trailing"),  # after the frame
        (b"\x02\x00", "unknown_reference"),
        (b"\x03\x00", "bad_kind"),
    ],
)
def test_frames_of_profile_range_that_lie(frames: bytes, reason: str) -> None:
    assert reason_of(signed(RANGE_HEADER.pack(1) + frames)) == reason


@pytest.mark.parametrize(
    ("config", "flags", "reason"),
    [
        (0x11, 3, "bad_config"),  # quality 17
        (0xA0, 3, "unknown_motions"),
        (0xC0, 3, "bad_config"),
        (0x04, 2, "bad_header"),
        (0x04, 1, "bad_header"),
        (0x04, 7, "bad_header"),
        (0x90, 3, None),  # E = 50 at quality 16
    ],
)
def test_configurations_of_profile_range(config: int, flags: int, reason: str | None) -> None:
    header = bytearray(RANGE_HEADER.pack(0))
    header[6:8] = config, flags
    if reason is None:
        assert unpack_stream(signed(bytes(header))).header.config == RangeConfig(50, 16)
    else:
        assert reason_of(signed(bytes(header))) == reason


def test_the_worked_example_of_profile_range_is_true() -> None:
    data = worked_example(1)
    stream, config = unpack_stream(data), RangeConfig(10, 4)
    assert stream.header == StreamHeader("0f" * 32, "mediapipe", 25.0, config, torso=True)
    neutral, moved = faces_of_the_example(stream)
    steps = config.steps.exact(moved) - config.steps.exact(neutral)
    assert np.rint(steps).tolist() == [2, *[0] * 15, 20, 0, 0, 1, *[0] * 11]
    assert moved.expression[0] == pytest.approx(0.212, abs=5e-4)
    assert moved.jaw_pose[0] == pytest.approx(0.083, abs=5e-4)
    assert moved.eyelids.tolist() == pytest.approx([0.029, 0.029], abs=5e-4)
    assert pack_stream(stream) == data
