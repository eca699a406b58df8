"""Bytes as a stream file: what a reader makes of it (tests/fuzz/README.md)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from codec.errors import BitstreamError
from codec.stream_file import FaceStream, pack_stream, unpack_stream
from tests.support.hostile_faces import ShownFaces

STREAM = Path(__file__).parents[1] / "vectors" / "stream"
CHECKSUM_BYTES = 4


def seeds() -> Iterator[tuple[str, bytes]]:
    """Name and bytes: the golden files, and the invalid ones."""
    for path in sorted(STREAM.glob("**/*.vvs")):
        yield path.stem, path.read_bytes()


def check(data: bytes) -> None:
    """As they are, and with the checksum that they should have: no mutation finds that one by itself."""
    content = data[:-CHECKSUM_BYTES]
    for candidate in (data, content + zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "little")):
        try:
            stream = unpack_stream(candidate)
        except BitstreamError:
            continue
        _check_stream(stream)


def _check_stream(stream: FaceStream) -> None:
    """It holds faces within the ranges, and comes back as it is when it is written again."""
    for index in range(len(stream)):
        face = stream.params(index)
        if face is not None:
            ShownFaces().check(face, 0.0)
    again = unpack_stream(pack_stream(stream))
    assert again.header == stream.header
    for name in ("time_ms", "detected", "values", "torso"):
        first, second = getattr(stream, name), getattr(again, name)
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_array_equal(second, first)
