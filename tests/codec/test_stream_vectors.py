from __future__ import annotations

import json
from pathlib import Path

import pytest

from codec.errors import BitstreamError
from codec.stream_file import pack_stream, unpack_stream
from tools.stream_vectors import HEADERS, invalid_streams, stream_file, stream_values

STREAM = Path(__file__).parents[1] / "vectors" / "stream"
REASONS: dict[str, str] = json.loads((STREAM / "invalid.json").read_text())


@pytest.mark.parametrize("name", HEADERS)
def test_golden_streams_decode_to_their_values(name: str) -> None:
    data = (STREAM / name).read_bytes()
    wanted = json.loads((STREAM / name).with_suffix(".json").read_text())
    assert stream_values(data) == wanted
    assert any(row is None for row in wanted["values"])
    assert pack_stream(unpack_stream(data)) == data


@pytest.mark.parametrize("name", REASONS)
def test_invalid_streams_are_refused_for_their_reason(name: str) -> None:
    with pytest.raises(BitstreamError) as caught:
        unpack_stream((STREAM / "invalid" / f"{name}.vvs").read_bytes())
    assert caught.value.reason == REASONS[name]


def test_the_stream_vectors_are_those_that_the_script_writes() -> None:
    for name, header in HEADERS.items():
        assert (STREAM / name).read_bytes() == stream_file(header)
    written = {name: (REASONS[name], (STREAM / "invalid" / f"{name}.vvs").read_bytes()) for name in REASONS}
    assert written == invalid_streams()
