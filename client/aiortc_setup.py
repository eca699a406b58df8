"""Work-arounds for aiortc 1.16 and aioice 0.13, each with its reason. `install()` runs before the first connection.

They touch private parts, so pyproject.toml pins the versions.
"""

from __future__ import annotations

import os
from typing import Any, cast

import aioice.ice
import aioice.mdns
import aioice.turn
import aiortc.codecs
import aiortc.codecs.vpx as vpx
import aiortc.rtcsctptransport as sctp
import av
from aiortc.mediastreams import VIDEO_TIME_BASE, convert_timebase
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from client import (
    dtls_ciphers,
    dtls_repeats,
    playout_delay,
    sctp_bundling,
    sctp_early_open,
    sctp_init,
    sctp_window,
    wire_meter,
)

UDP_SOCKET_BUFFER_BYTES = 1 << 20
"""aioice asks for 256 KiB; SCTP's window outgrows it on a fast link and the kernel's drops stall transfers for 1 s."""

GATHER_TIMEOUT_S = 1.5
"""How long to wait for STUN and TURN servers. aioice: 5 s, which a server that does not answer costs each attempt."""

SCTP_RTO_INITIAL_S = 0.5
SCTP_RTO_MIN_S = 0.2
"""aiortc: 3 s and 1 s. At 10 % loss the lower values halve the set-up time (p50 4.0 -> 1.8 s)."""

RECEIVE_WINDOW_BYTES = 1 << 20
"""aiortc announces this window and never enforces it: a peer could fill the memory with one endless message."""

VIDEO_BITRATE = 2_500_000
"""Of the video to one's own page. Pinned: aiortc makes a new encoder, hence a key frame, for each 10 % that the
browser's estimate moves (7-11 key frames in 10 s on loopback)."""

_installed = False


def install() -> None:
    """Applies everything once per process. VISAVIS_LOOPBACK=1 restricts connections to 127.0.0.1 (tests, demo)."""
    global _installed
    if _installed:
        return
    _installed = True
    aioice.turn.UDP_SOCKET_BUFFER_SIZE = UDP_SOCKET_BUFFER_BYTES
    sctp.SCTP_RTO_INITIAL = SCTP_RTO_INITIAL_S
    sctp.SCTP_RTO_MIN = cast(Any, SCTP_RTO_MIN_S)
    wire_meter.install()
    sctp_bundling.install()
    sctp_window.install()
    sctp_early_open.install()
    sctp_init.install()
    dtls_ciphers.install()
    dtls_repeats.install()
    playout_delay.install()
    _gather_quickly()
    _drop_mdns_candidates()
    _enforce_receive_window()
    cast(Any, aiortc.codecs).Vp8Encoder = LiveVp8Encoder
    if os.environ.get("VISAVIS_LOOPBACK") == "1":
        # aioice leaves 127.0.0.1 out of its host addresses.
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


def _gather_quickly() -> None:
    connection: Any = aioice.ice.Connection
    gather = connection.get_component_candidates

    async def get_component_candidates(self: Any, component: int, addresses: list[str]) -> Any:
        return await gather(self, component, addresses, GATHER_TIMEOUT_S)

    connection.get_component_candidates = get_component_candidates


def _drop_mdns_candidates() -> None:
    """A `.local` candidate costs 1 s in setRemoteDescription and is never resolved without an mDNS responder; the
    browser's first check tells us its address anyway (peer-reflexive candidate)."""
    connection: Any = aioice.ice.Connection
    add = connection.add_remote_candidate

    async def add_remote_candidate(self: Any, candidate: Any) -> None:
        if candidate is None or not aioice.mdns.is_mdns_hostname(candidate.host):
            await add(self, candidate)

    connection.add_remote_candidate = add_remote_candidate


def _enforce_receive_window() -> None:
    transport: Any = sctp.RTCSctpTransport
    receive = transport._receive_data_chunk

    async def receive_data_chunk(self: Any, chunk: Any) -> None:
        await receive(self, chunk)
        if self._advertised_rwnd < -RECEIVE_WINDOW_BYTES:
            await self._abort()

    transport._receive_data_chunk = receive_data_chunk


class LiveVp8Encoder(vpx.Vp8Encoder):
    """VP8 for rendered heads: pinned bit rate, cpu-used -12 and no denoiser.

    aiortc hard-codes cpu-used -6 and noise-sensitivity 4; on clean rendered frames that is 2.2 times the CPU time and
    2.6 dB less (46.0 against 43.4 dB at 1.5 Mb/s).
    """

    def __init__(self) -> None:
        super().__init__()
        self._context: VideoCodecContext | None = None

    @property
    def target_bitrate(self) -> int:
        """Bits per second; the browser's estimates are ignored."""
        return VIDEO_BITRATE

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        pass

    def encode(self, frame: Any, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """Codes one I420 frame into RTP payloads; returns them and the timestamp in 1/90000 s."""
        context = self._context
        if context is None or (context.width, context.height) != (frame.width, frame.height):
            context = self._context = _make_context(frame.width, frame.height)
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        payloads = self._packetize(data, self.picture_id)
        self.picture_id = (self.picture_id + 1) % (1 << 15)
        return payloads, convert_timebase(frame.pts, frame.time_base, VIDEO_TIME_BASE)


def _make_context(width: int, height: int) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create("libvpx", "w"))
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.bit_rate = VIDEO_BITRATE
    context.gop_size = 3000
    context.qmin, context.qmax = 2, 56
    context.thread_count = 1
    context.options = {
        "bufsize": str(VIDEO_BITRATE),
        "cpu-used": "-12",
        "deadline": "realtime",
        "lag-in-frames": "0",
        "maxrate": str(VIDEO_BITRATE),
        "minrate": str(VIDEO_BITRATE),
        "noise-sensitivity": "0",
        "overshoot-pct": "15",
        "partitions": "0",
        "static-thresh": "1",
        "undershoot-pct": "100",
    }
    return context
