"""The worked example of packets of version 2 (docs/bitstream.md), walked byte by byte and symbol by symbol."""

from __future__ import annotations

import re
from pathlib import Path

from codec.burst_coding import BurstDecoder
from codec.burst_packet import BurstKind, BurstPacket, LinkReport
from codec.params import FaceParams
from codec.range_frame import RangeFrame
from codec.range_model import NEUTRAL, FrameModel
from codec.range_steps import RangeConfig

TEXT = (Path(__file__).parents[2] / "docs" / "bitstream.md").read_text("utf-8").split("## Worked example, version 2")[1]
CONFIG = RangeConfig(10, 4)


def packets() -> list[bytes]:
    blocks = re.findall(r"```hex\n(.*?)```", TEXT, re.DOTALL)
    return [bytes.fromhex(" ".join(line.split("#")[0] for line in block.splitlines())) for block in blocks]


def decoded() -> tuple[RangeFrame, list[tuple[int, RangeFrame]]]:
    decoder = BurstDecoder()
    key, two = (BurstPacket.unpack(data) for data in packets())
    ((_, first),) = decoder.decode(key)
    return first, decoder.decode(two)


def test_the_packets_are_what_the_document_says() -> None:
    key, two = (BurstPacket.unpack(data) for data in packets())
    assert (key.kind, key.sequence, key.timestamp_ms, key.ack, key.report) == (BurstKind.FACES, 258, 1000, None, None)
    assert key.begins_anew
    assert key.burst is not None
    assert (key.burst.config, key.burst.payload) == (CONFIG, b"")
    assert (two.sequence, two.timestamp_ms, two.report) == (260, 1080, LinkReport(3 / 256, 8.0))
    assert two.ack is not None
    assert two.ack.sequences() == (513, 512, 510)
    assert two.burst is not None
    assert (two.burst.reference_offset, two.burst.distance, two.burst.intervals_ms) == (2, 1, (40,))
    assert [key.pack(), two.pack()] == packets()


def test_the_frames_are_what_the_document_says() -> None:
    first, following = decoded()
    assert set(first.symbols) == {0}
    assert (first.to_params().to_vector() == FaceParams.neutral(10).to_vector()).all()
    found = [(time_ms, symbols(frame)) for time_ms, frame in following]
    assert found == [(1040, {0: 2, 16: 20, 19: 1}), (1080, {0: 4, 16: 36, 19: 1})]


def symbols(frame: RangeFrame) -> dict[int, int]:
    return {index: symbol for index, symbol in enumerate(frame.symbols) if symbol}


def test_the_code_is_made_as_the_document_says() -> None:
    reference, ((_, frame), _) = decoded()
    model = FrameModel(CONFIG, 1, NEUTRAL, reference.habits)
    low, width, bits, lift = 0, 1 << 32, 32, model.lift
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 10
    for place, (_, level, said_lift, difference, parts, said_low, said_range) in enumerate(rows):
        index = model.order[place]
        assert int(level) == model.levels[place]
        assert int(said_lift) == lift
        assert int(difference) == frame.symbols[index]
        for start, size in re.findall(r"(\d+), (\d{3,5})(?![\d,])", parts):
            part = width >> 15
            low, width = low + part * int(start), part * int(size)
            while width < 1 << 24:
                low, width, bits = low << 8, width << 8, bits + 8
        assert (int(said_low, 16), int(said_range, 16)) == (low, width)
        if int(difference):
            lift = model.moved(place, abs(int(difference)))
    code = packets()[1][-8:]
    assert low <= int.from_bytes(code, "big") >> 8 * len(code) - bits < low + width
