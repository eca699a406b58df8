"""Streams of made-up faces, and the examples of docs/stream-file.md."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from codec.errors import BitstreamError
from codec.params import EXPRESSION_DIMS, FaceParams
from codec.quantizer import EXPRESSION_BITS, StreamConfig
from codec.range_steps import QUALITIES, RangeConfig
from codec.stream_file import FaceStream, unpack_stream
from codec.stream_header import StreamHeader

DOCUMENT = Path(__file__).parents[2] / "docs" / "stream-file.md"
HEAD_ID = "5a" * 32

EG0_HEADER = StreamHeader(HEAD_ID, "mediapipe", 25.0, StreamConfig(50))
RANGE_HEADER = replace(EG0_HEADER, config=RangeConfig(50, 4), torso=True)

_names_and_rates = (
    st.just(HEAD_ID),
    st.text(st.characters(categories=["L", "N"]), max_size=12),
    st.sampled_from([0.1, 12.5, 25.0, 29.97, 60.0, 1000.0]),
)
eg0_configs = st.builds(StreamConfig, st.sampled_from(EXPRESSION_DIMS), st.sampled_from(EXPRESSION_BITS))
range_configs = st.builds(RangeConfig, st.sampled_from(EXPRESSION_DIMS), st.integers(0, QUALITIES - 1))
eg0_headers = st.builds(StreamHeader, *_names_and_rates, eg0_configs, st.booleans(), st.booleans())
range_headers = st.builds(StreamHeader, *_names_and_rates, range_configs, st.just(True), st.just(True))
headers = st.one_of(eg0_headers, range_headers)
times = st.lists(st.one_of(st.integers(20, 60), st.integers(1, 100_000)), max_size=40)


def moving_face(count: int, dims: int = 50, seed: int = 0) -> np.ndarray:
    """[count, dims + 15] a face that moves as people do, and sometimes jumps; within the ranges."""
    rng = np.random.default_rng(seed)
    values = 0.5 * np.sin(np.arange(count)[:, None] / 9 + np.arange(dims + 15)) + rng.normal(
        0, 0.02, (count, dims + 15)
    )
    jumps = rng.random(count) < 0.1
    values[jumps] = rng.uniform(-0.7, 0.7, (jumps.sum(), dims + 15))
    values[:, dims + 5] = 0.6 + 0.1 * values[:, dims + 5]
    values[:, dims + 9 : dims + 11] = np.abs(values[:, dims + 9 : dims + 11])
    return values.astype(np.float32)


def face_stream(header: StreamHeader, steps_ms: list[int], seed: int = 0, faces: float = 0.8) -> FaceStream:
    """A stream of `moving_face` with a share of `faces`; a frame comes so long after the one before it."""
    rng = np.random.default_rng(seed)
    count = len(steps_ms)
    detected = rng.random(count) < faces
    values = moving_face(count, header.expression_dims, seed)
    values[~detected] = np.nan
    torso = (0.1 * np.sin(np.arange(count)[:, None] // 3 / 4 + np.arange(6))).astype(np.float32)
    torso[~detected] = np.nan
    return FaceStream(header, np.cumsum(steps_ms, dtype=np.int64), detected, values, torso if header.torso else None)


def cut(stream: FaceStream, end: int) -> FaceStream:
    """The first frames of a stream without a torso."""
    return FaceStream(stream.header, stream.time_ms[:end], stream.detected[:end], stream.values[:end])


def reason_of(data: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(BitstreamError) as caught:
        unpack_stream(data)
    return caught.value.reason


def signed(content: bytes) -> bytes:
    """The content with a checksum that is right."""
    return content + struct.pack("<I", zlib.crc32(content))


def worked_example(number: int) -> bytes:
    """The bytes of one of the document's examples."""
    block = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[number]
    return bytes.fromhex(" ".join(line.split("#")[0] for line in block.splitlines()))


def faces_of_the_example(stream: FaceStream) -> tuple[FaceParams, FaceParams]:
    """Both of the faces that the examples have; the last frame is the second one again."""
    assert stream.time_ms.tolist() == [0, 40, 81, 120]
    assert stream.detected.tolist() == [True, True, False, True]
    np.testing.assert_array_equal(stream.values[3], stream.values[1])
    neutral, moved = stream.params(0), stream.params(1)
    assert neutral is not None
    assert moved is not None
    np.testing.assert_allclose(neutral.to_vector(), FaceParams.neutral(10).to_vector(), atol=2e-4)
    return neutral, moved
