"""Bytes as the packets that a peer sends: what a link makes of them (tests/fuzz/README.md).

They are records: the packet's size (u16, little-endian, modulo LONGEST), the time since the one before it in units of
4 ms (u8), and the packet; the last one may be shorter than it says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from codec.burst_packet import VERSION, BurstPacket
from codec.errors import BitstreamError
from codec.face_link import RANGE, FaceLink
from codec.packet import MAX_PACKET_BYTES
from codec.params import FaceParams
from tests.support.hostile_faces import ShownFaces
from tools.avatar_vectors import own_basis

LONGEST = MAX_PACKET_BYTES + 2
UNIT_MS = 4
FACE = Path(__file__).parents[1] / "vectors" / "face"


def seeds() -> Iterator[tuple[str, bytes]]:
    """Name and bytes: the golden streams, whole, and each invalid packet after the first two of its stream."""
    streams: dict[str, list[bytes]] = {}
    for path in sorted(FACE.glob("*_*.json")):
        entries = json.loads(path.read_text())
        if "kind" in entries[0]:
            streams[path.stem] = [bytes.fromhex(entry["hex"]) for entry in entries]
            yield path.stem, records(streams[path.stem])
    for path in sorted((FACE / "invalid").iterdir()):
        stream = streams["burst_50_4" if path.stem.startswith("burst_") else "stream_50_8"]
        yield path.stem, records([*stream[:2], path.read_bytes()])


def records(packets: Sequence[bytes], interval_ms: int = 40) -> bytes:
    """The bytes that stand for packets which come at equal intervals."""
    return b"".join(len(data).to_bytes(2, "little") + bytes([interval_ms // UNIT_MS]) + data for data in packets)


def check(data: bytes) -> None:
    """Nothing is raised, packets of version 2 have one form, and what is shown is a face that moves as faces can."""
    link, faces, now = FaceLink(profile=RANGE), ShownFaces(), 0.0
    link.learn(own_basis())
    while len(data) >= 3:
        size, pause_ms = int.from_bytes(data[:2], "little") % LONGEST, UNIT_MS * data[2]
        packet, data = data[3 : 3 + size], data[3 + size :]
        now += pause_ms / 1000
        _check_form(packet)
        link.receive(packet, now)
        face = link.current(now)
        if face is not None:
            faces.check(face, now)
        following = link.next_change(now)
        assert following is None or following >= now
        for answer in (*link.send(FaceParams.neutral(), int(1000 * now), now), *link.poll(now)):
            assert len(answer) <= MAX_PACKET_BYTES
    assert link.stats.packets_in >= link.stats.bad_packets.total() + link.stats.key_frames_in


def _check_form(packet: bytes) -> None:
    try:
        parsed = BurstPacket.unpack(packet, own_basis())
    except BitstreamError:
        return
    assert packet[0] >> 4 == VERSION
    assert parsed.pack() == packet
