from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.avatar_file import unpack_avatar
from codec.burst_coding import BurstDecoder
from codec.burst_packet import Burst, BurstKind, BurstPacket
from codec.errors import AvatarFileError, BitstreamError
from codec.face_decoder import FaceDecoder
from codec.packet import Packet, PacketKind
from codec.quantizer import STILL_TORSO
from tools.avatar_vectors import avatar_values, own_basis
from tools.burst_vectors import BURST_STREAM, PREFIX, burst_stream, invalid_bursts
from tools.regenerate_vectors import STREAMS, face_stream, invalid_packets

ROOT = Path(__file__).parents[2]
FACE = ROOT / "tests" / "vectors" / "face"
AVATAR = ROOT / "tests" / "vectors" / "avatar"


@pytest.mark.parametrize("name", STREAMS)
def test_golden_streams_decode_to_their_values(name: str) -> None:
    decoder = FaceDecoder()
    kinds: set[PacketKind] = set()
    for wanted in json.loads((FACE / name).read_text()):
        packet = Packet.unpack(bytes.fromhex(wanted["hex"]))
        kinds.add(packet.kind)
        assert packet.pack().hex() == wanted["hex"]
        assert packet.kind.name.lower() == wanted["kind"]
        assert (packet.sequence, packet.timestamp_ms) == (wanted["sequence"], wanted["timestamp_ms"])
        assert packet.reference_offset == wanted["reference_offset"]
        assert ([packet.ack.sequence, packet.ack.earlier] if packet.ack else None) == wanted["ack"]
        if wanted["symbols"]:
            frame = decoder.decode(packet)
            assert list(frame.symbols) == wanted["symbols"]
            assert frame.to_params().to_vector().tolist() == wanted["values"]
            assert list(frame.torso) == wanted.get("torso_symbols", list(STILL_TORSO))
            assert frame.to_params().torso.tolist() == wanted.get("torso", [0] * 6)
    assert kinds == set(PacketKind)


def test_golden_bursts_decode_to_their_values() -> None:
    decoder = BurstDecoder()
    entries = json.loads((FACE / BURST_STREAM).read_text())
    for wanted in entries:
        packet = BurstPacket.unpack(bytes.fromhex(wanted["hex"]), own_basis())
        assert packet.pack().hex() == wanted["hex"]
        assert packet.kind.name.lower() == wanted["kind"]
        assert (packet.sequence, packet.timestamp_ms) == (wanted["sequence"], wanted["timestamp_ms"])
        assert ([packet.ack.sequence, packet.ack.earlier] if packet.ack else None) == wanted["ack"]
        assert (vars(packet.report) if packet.report else None) == wanted["report"]
        assert (packet.burst is not None) == ("frames" in wanted)
        if packet.burst:
            assert_burst(packet.burst, wanted)
            frames = decoder.decode(packet)
            assert [time_ms % 2**32 for time_ms, _ in frames] == [frame["time_ms"] for frame in wanted["frames"]]
            for (_, frame), values in zip(frames, wanted["frames"], strict=True):
                assert list(frame.symbols) == values["symbols"]
                assert frame.to_params().to_vector().tolist() == values["values"]
                assert frame.to_params().torso.tolist() == values["torso"]
    assert {entry["kind"] for entry in entries} == {kind.name.lower() for kind in BurstKind}


def assert_burst(burst: Burst, wanted: dict[str, Any]) -> None:
    assert (burst.config.dims, burst.config.quality, burst.lag_ms) == tuple(
        wanted[name] for name in ("dims", "quality", "lag_ms")
    )
    assert (burst.reference_offset, burst.distance) == (wanted["reference_offset"], wanted["distance"])
    assert (burst.config.basis is not None) == wanted["own_motions"]
    assert list(burst.intervals_ms) == wanted["intervals_ms"]
    assert burst.count == len(wanted["frames"])


@pytest.mark.parametrize("name", sorted(json.loads((FACE / "invalid.json").read_text())))
def test_invalid_packets_are_refused_for_their_reason(name: str) -> None:
    faces, bursts = FaceDecoder(), BurstDecoder()

    def decode(data: bytes) -> object:
        if name.startswith(PREFIX):
            return bursts.decode(BurstPacket.unpack(data))
        return faces.decode(Packet.unpack(data))

    stream = BURST_STREAM if name.startswith(PREFIX) else "stream_50_8.json"
    for packet in json.loads((FACE / stream).read_text())[:2]:
        decode(bytes.fromhex(packet["hex"]))
    with pytest.raises(BitstreamError) as caught:
        decode((FACE / "invalid" / f"{name}.bin").read_bytes())
    assert caught.value.reason == json.loads((FACE / "invalid.json").read_text())[name]


def test_the_face_vectors_are_those_that_the_script_writes() -> None:
    assert json.loads((FACE / BURST_STREAM).read_text()) == burst_stream()
    for name, (config, with_torso) in STREAMS.items():
        assert json.loads((FACE / name).read_text()) == face_stream(config, with_torso)
    assert {path.stem: path.read_bytes() for path in (FACE / "invalid").iterdir()} == {
        name: data for name, (_, data) in (invalid_packets() | invalid_bursts()).items()
    }


@pytest.mark.parametrize("name", ["small", "small_v1", "motions", "owned", "owned_v1"])
def test_the_golden_avatars_decode_to_their_values(name: str) -> None:
    assert avatar_values((AVATAR / f"{name}.vav").read_bytes()) == json.loads((AVATAR / f"{name}.json").read_text())


@pytest.mark.parametrize("path", sorted((AVATAR / "invalid").iterdir()), ids=lambda path: path.stem)
def test_invalid_avatars_are_refused(path: Path) -> None:
    with pytest.raises(AvatarFileError):
        unpack_avatar(path.read_bytes())


def test_the_worked_example_of_the_document_is_true() -> None:
    text = (ROOT / "docs" / "bitstream.md").read_text("utf-8").split("## Worked example")[1]
    key, delta, leaning = (without_comments(block) for block in re.findall(r"```hex\n(.*?)```", text, re.DOTALL))
    decoder = FaceDecoder()
    first = Packet.unpack(key)
    assert (first.kind, first.sequence, first.timestamp_ms, first.ack) == (PacketKind.KEY, 258, 1000, None)
    shown = decoder.decode(first).to_params()
    np.testing.assert_array_equal(shown.expression, np.zeros(10))
    np.testing.assert_allclose(shown.translation, [0, 0, 0.6], atol=2e-4)
    second = Packet.unpack(delta)
    assert (second.kind, second.sequence, second.timestamp_ms) == (PacketKind.DELTA, 260, 1080)
    assert second.reference_offset == 2
    assert second.ack is not None
    assert second.ack.sequences() == (513, 512, 510)
    shown = decoder.decode(second).to_params()
    assert shown.expression[0] == pytest.approx(8 / 127)
    assert shown.jaw_pose[0] == pytest.approx(20 * 0.8 / 511)
    assert shown.eyelids.tolist() == pytest.approx([1 / 255, 0])
    assert shown.gaze[0] == pytest.approx(-0.8 / 511)
    assert shown.torso.tolist() == [0] * 6
    third = Packet.unpack(leaning)
    assert third.pack() == leaning
    assert (third.sequence, third.timestamp_ms, third.reference_offset) == (261, 1120, 3)
    np.testing.assert_array_equal(decoder.decode(third).to_params().to_vector(), shown.to_vector())
    assert decoder.decode(third).to_params().torso.tolist() == pytest.approx([1 / 511, 0, 0, 0, 0.15 / 511, 0])


def without_comments(block: str) -> bytes:
    return bytes.fromhex(" ".join(line.split("#")[0] for line in block.splitlines()))
