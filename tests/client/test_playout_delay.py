from __future__ import annotations

import asyncio
from struct import unpack_from

import aioice.ice
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription, rtp
from aiortc.codecs import HEADER_EXTENSIONS
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

from client import playout_delay
from client.playout_delay import URI, PlayoutDelayMap
from tests.support.fake_page import GrayCamera

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
PACKETS = 8


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtp, "HeaderExtensionsMap", rtp.HeaderExtensionsMap)
    monkeypatch.setitem(HEADER_EXTENSIONS, "video", HEADER_EXTENSIONS["video"][:])
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
    playout_delay.install()
    playout_delay.install()


def elements(packet: bytes) -> dict[int, bytes]:
    """Header extensions of a decrypted RTP packet by their id."""
    if not packet[0] & 0x10:
        return {}
    start = 12 + 4 * (packet[0] & 0x0F)
    profile, words = unpack_from("!HH", packet, start)
    return dict(rtp.unpack_header_extensions(profile, packet[start + 4 : start + 4 + 4 * words]))


async def received(monkeypatch: pytest.MonkeyPatch, change_offer) -> tuple[list[bytes], list[bytes], str]:
    """(video packets, audio packets, answer) of a call between a page that only receives and a sender."""
    videos, sounds, enough = [], [], asyncio.Event()
    handle = RTCDtlsTransport._handle_rtp_data

    async def record(self, data, arrival_time_ms) -> None:
        packets = sounds if data[1] & 0x7F == 96 else videos  # aiortc's first dynamic type is Opus
        packets.append(data)
        if min(len(videos), len(sounds)) >= PACKETS:
            enough.set()
        await handle(self, data, arrival_time_ms)

    monkeypatch.setattr(RTCDtlsTransport, "_handle_rtp_data", record)
    page, sender, sink = RTCPeerConnection(), RTCPeerConnection(), MediaBlackhole()
    page.on("track", sink.addTrack)
    try:
        for kind in ("video", "audio"):
            page.addTransceiver(kind, direction="recvonly")
        await page.setLocalDescription(await page.createOffer())
        offer = change_offer(page.localDescription.sdp)
        await sender.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for track in (GrayCamera(100), AudioStreamTrack()):
            sender.addTrack(track)
        await sender.setLocalDescription(await sender.createAnswer())
        await page.setRemoteDescription(sender.localDescription)
        await sink.start()
        async with asyncio.timeout(10):
            await enough.wait()
        return videos, sounds, sender.localDescription.sdp
    finally:
        await sink.stop()
        await sender.close()
        await page.close()


async def test_every_video_packet_asks_for_no_delay_under_the_id_of_the_offer(monkeypatch) -> None:
    videos, sounds, answer = await received(monkeypatch, lambda sdp: sdp.replace(f"extmap:4 {URI}", f"extmap:9 {URI}"))
    assert f"a=extmap:9 {URI}" in answer
    for packet in videos:
        found = elements(packet)
        assert found[9] == b"\x00\x00\x00"
        assert found[1] == b"0"  # the video's mid is still there,
        assert len(found[3]) == 3  # and its absolute sending time
    assert {*elements(sounds[0])} == {1, 2}


async def test_without_the_extension_in_the_offer_packets_are_as_before(monkeypatch) -> None:
    def forget(sdp: str) -> str:
        return "".join(line for line in sdp.splitlines(keepends=True) if URI not in line)

    videos, _, answer = await received(monkeypatch, forget)
    assert URI not in answer
    assert all({*elements(packet)} == {1, 3} for packet in videos)


@pytest.mark.parametrize(
    ("mid_id", "delay_id", "expected"),
    [
        (1, 14, {1: b"0", 14: b"\x00\x00\x00"}),
        (1, 15, {1: b"0"}),
        (16, 5, {16: b"0"}),
        (1, 0, {1: b"0"}),
        (None, 5, {5: b"\x00\x00\x00"}),
    ],
)
def test_ids_that_do_not_fit_the_short_form_leave_the_extension_out(mid_id, delay_id, expected) -> None:
    extensions = [RTCRtpHeaderExtensionParameters(id=delay_id, uri=URI)]
    if mid_id is not None:
        extensions.append(RTCRtpHeaderExtensionParameters(id=mid_id, uri=MID))
    header_map = PlayoutDelayMap()
    header_map.configure(RTCRtpParameters(headerExtensions=extensions))
    profile, packed = header_map.set(rtp.HeaderExtensions(mid="0"))
    assert len(packed) % 4 == 0
    assert dict(rtp.unpack_header_extensions(profile, packed)) == expected
