"""One attempt at a connection between two clients: an RTCPeerConnection with `control`, `avatar` and `face` channels.

A shell without memory: client.peer decides when to make one, and what the messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.sdp import candidate_from_sdp

from client import sctp_init
from client.tasks import complete
from client.wire_meter import WireMeter, meter_of
from codec.avatar_proof import fingerprint_of
from codec.signaling import IceCandidate, IceServer

logger = logging.getLogger(__name__)

CHANNELS: dict[str, dict[str, Any]] = {
    "control": {},
    "avatar": {},
    "face": {"ordered": False, "maxRetransmits": 0},
}
AVATAR_HIGH_WATER_BYTES = 8_800
"""Bytes of an avatar that may wait in SCTP's queue, where all else passes them (client/sctp_window.py): eight chunks,
so that the window is filled at once when it opens."""

FACE_HIGH_WATER_BYTES = 8_192
"""Face packets are dropped rather than queued beyond this: a stalled link must not deliver old faces later."""

CONTROL_HIGH_WATER_BYTES = 262_144
CLOSE_TIMEOUT_S = 3.0


class ConnectionEvents(Protocol):
    """What a connection tells its owner; called in the event loop, never after `aclose`."""

    def on_open(self) -> None:
        """`control` is open; the others are soon."""
        ...

    def on_control(self, text: str) -> None:
        """A message on `control`."""
        ...

    def on_avatar(self, chunk: bytes) -> None:
        """A message on `avatar`."""
        ...

    def on_face(self, packet: bytes) -> None:
        """A message on `face`."""
        ...

    def on_broken(self) -> None:
        """The connection has ended without our doing."""
        ...


def rtc_configuration(ice_servers: Sequence[IceServer]) -> RTCConfiguration:
    """aiortc's form of the server's list. An empty list means none (aiortc's own default would be Google's STUN)."""
    servers = [RTCIceServer(list(ice.urls), ice.username, ice.credential) for ice in ice_servers]
    return RTCConfiguration(iceServers=servers)


async def add_ice_candidate(connection: RTCPeerConnection, candidate: IceCandidate | None) -> None:
    """Gives a trickled candidate to aiortc; one that it cannot parse is ignored."""
    try:
        if candidate is None or not candidate.candidate:
            await connection.addIceCandidate(None)
            return
        parsed = candidate_from_sdp(candidate.candidate.removeprefix("candidate:"))
        parsed.sdpMid, parsed.sdpMLineIndex = candidate.sdpMid, candidate.sdpMLineIndex
        await connection.addIceCandidate(parsed)
    except (ValueError, IndexError, AssertionError, InvalidStateError) as error:
        logger.debug("candidate ignored: %s", type(error).__name__)


async def close_quietly(connection: RTCPeerConnection) -> None:
    """Closes, and gives up on a connection whose closing hangs."""
    with contextlib.suppress(TimeoutError, ConnectionError, InvalidStateError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await complete(connection.close(), CLOSE_TIMEOUT_S)


class FaceConnection:
    """See the module.

    Args:
        ice_servers: from the server's `welcome`.
        events: the owner.
    """

    def __init__(self, ice_servers: Sequence[IceServer], events: ConnectionEvents) -> None:
        self._events: ConnectionEvents | None = events
        self._pc = RTCPeerConnection(rtc_configuration(ice_servers))
        self._channels: dict[str, RTCDataChannel] = {}
        self._avatar_ready = asyncio.Event()
        self.open = False
        self._pc.on("connectionstatechange", self._state_changed)

    @property
    def meter(self) -> WireMeter:
        """Bytes on the wire so far."""
        return meter_of(self._pc)

    @property
    def fingerprints(self) -> tuple[bytes, bytes] | None:
        """SHA-256 of the offering and of the answering side's certificates, which DTLS has made sure of; None if the
        descriptions do not say."""
        local, remote = (
            fingerprint_of(description.sdp) if description is not None else None
            for description in (self._pc.localDescription, self._pc.remoteDescription)
        )
        if local is None or remote is None:
            return None
        return (local, remote) if self._pc.localDescription.type == "offer" else (remote, local)

    async def make_offer(self) -> str:
        """The SDP of our offer, candidates included (aiortc does not trickle).

        Raises:
            OSError: no socket could be opened.
        """
        for label, options in CHANNELS.items():
            self._adopt(self._pc.createDataChannel(label, **options))
        await complete(self._pc.setLocalDescription(await self._pc.createOffer()))
        assert self._pc.sctp is not None
        return self._pc.localDescription.sdp + sctp_init.line_of(self._pc.sctp)

    async def make_answer(self, sdp: str) -> str:
        """The SDP of our answer.

        Raises:
            ValueError: the offer cannot be used.
        """
        self._pc.on("datachannel", self._adopt)
        await self._describe("offer", sdp)
        if self._pc.sctp is None or self._pc.getTransceivers():
            raise ValueError("the offer is not one of data channels only")
        line = sctp_init.line_of(self._pc.sctp) if sctp_init.take(self._pc.sctp, sdp) else ""
        await complete(self._pc.setLocalDescription(await self._pc.createAnswer()))
        return self._pc.localDescription.sdp + line

    async def apply_answer(self, sdp: str) -> None:
        """Takes the other side's answer.

        Raises:
            ValueError: it cannot be used.
        """
        if self._pc.sctp is not None:
            sctp_init.take(self._pc.sctp, sdp)
        await self._describe("answer", sdp)

    async def _describe(self, kind: str, sdp: str) -> None:
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:  # aiortc's SDP parser raises whatever a strange line makes it raise
            raise ValueError(f"the {kind} cannot be used: {type(error).__name__}") from error

    async def add_candidate(self, candidate: IceCandidate | None) -> None:
        """Takes a trickled candidate."""
        await add_ice_candidate(self._pc, candidate)

    def send_control(self, text: str) -> None:
        """Sends on `control`; dropped when the channel is not open or the other side does not read."""
        self._send("control", text, CONTROL_HIGH_WATER_BYTES)

    def send_face(self, packet: bytes) -> bool:
        """Sends on `face`; False if it was dropped."""
        return self._send("face", packet, FACE_HIGH_WATER_BYTES)

    async def send_avatar(self, chunk: bytes) -> None:
        """Sends on `avatar` when it is open and the queue is short enough.

        Raises:
            ConnectionError: the channel is closed.
        """
        while self.open and not self._takes_avatar:
            self._avatar_ready.clear()
            await self._avatar_ready.wait()
        if not self._send("avatar", chunk, 2 * AVATAR_HIGH_WATER_BYTES):
            raise ConnectionError("the avatar channel is closed")

    @property
    def _takes_avatar(self) -> bool:
        channel = self._channels.get("avatar")
        if channel is None or channel.readyState == "connecting":
            return False
        return channel.readyState != "open" or channel.bufferedAmount < AVATAR_HIGH_WATER_BYTES

    @property
    def carries_faces(self) -> bool:
        """Whether `face` is open."""
        channel = self._channels.get("face")
        return channel is not None and channel.readyState == "open"

    def _send(self, label: str, data: bytes | str, high_water: int) -> bool:
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open" or channel.bufferedAmount > high_water:
            return False
        try:
            channel.send(data)
        except (InvalidStateError, ValueError):
            return False
        return True

    def _adopt(self, channel: RTCDataChannel) -> None:
        label = channel.label
        if label not in CHANNELS or label in self._channels:
            channel.close()
            return
        self._channels[label] = channel
        channel.on("message", lambda message: self._received(label, message))
        channel.on("close", lambda: self._tell(lambda events: events.on_broken()))
        if label == "avatar":
            channel.bufferedAmountLowThreshold = AVATAR_HIGH_WATER_BYTES // 2
            for event in ("open", "bufferedamountlow", "close"):
                channel.on(event, self._avatar_ready.set)
            self._avatar_ready.set()
        if label == "control":
            channel.on("open", self._opened)
            if channel.readyState == "open":
                self._opened()

    def _opened(self) -> None:
        if not self.open:
            self.open = True
            self._tell(lambda events: events.on_open())

    def _received(self, label: str, message: bytes | str) -> None:
        if isinstance(message, str):
            if label == "control":
                self._tell(lambda events: events.on_control(message))
        elif label == "avatar":
            self._tell(lambda events: events.on_avatar(message))
        elif label == "face":
            self._tell(lambda events: events.on_face(message))

    def _tell(self, call: Callable[[ConnectionEvents], None]) -> None:
        # An exception here would run into aiortc's receiving loop and end it without a word.
        if self._events is None:
            return
        try:
            call(self._events)
        except Exception:
            logger.exception("handling a peer's message failed")

    def _state_changed(self) -> None:
        if self._pc.connectionState in ("failed", "closed"):
            self._tell(lambda events: events.on_broken())

    async def aclose(self) -> None:
        """Closes; the owner hears nothing any more."""
        self._events = None
        self.open = False
        self._avatar_ready.set()
        await close_quietly(self._pc)
