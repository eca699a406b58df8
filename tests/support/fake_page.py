"""A page in Python: it joins, offers the leg to its hosted client, sends a gray camera and reads the atlas."""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from client.face_connection import rtc_configuration
from client.signaling import SignalingClient
from client.tasks import TaskOwner
from codec.signaling import (
    Join,
    Leave,
    PartAddress,
    Relayed,
    Signal,
    SignalData,
    Welcome,
    parse_signal_data,
)
from codec.signaling.values import SessionDescription
from tests.support.fakes import Happening

SIZE = 128
FRAME_S = 0.04


class GrayCamera(MediaStreamTrack):
    """Pictures of one gray."""

    kind = "video"

    def __init__(self, gray: int) -> None:
        super().__init__()
        self._picture = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
        self._picture[:SIZE] = gray
        self._index = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(FRAME_S)
        frame = av.VideoFrame.from_ndarray(self._picture, format="yuv420p")
        frame.pts, frame.time_base = self._index, Fraction(1, 25)
        self._index += 1
        return frame


class FakePage:
    """See the module."""

    def __init__(self, server_url: str, token: str, gray: int) -> None:
        self._signaling = SignalingClient(server_url, "page", token, self._on_message)
        self._tasks = TaskOwner("page")
        self._gray = gray
        self._session = 0
        self._pc: RTCPeerConnection | None = None
        self.member_id = ""
        self.server = Happening()
        self.ui = Happening()
        self.pictures = Happening()

    def start(self) -> None:
        """Connects to the server."""
        self._tasks.start(self._signaling.run(), "signaling")

    async def aclose(self) -> None:
        """Closes the window."""
        await self._tasks.aclose()
        if self._pc is not None:
            await self._pc.close()

    def join(self, name: str) -> None:
        """Enters the room."""
        self._signaling.send(Join(name, None, muted=True, camera_on=True))

    async def leave(self) -> None:
        """Leaves for good."""
        self._signaling.send(Leave())
        await self._signaling.flush()

    def say(self, **message: object) -> None:
        """Sends a `ui` message."""
        self._channel.send(json.dumps(message))

    def said(self, type_: str) -> list[dict]:
        """The `ui` messages of one type so far."""
        return [message for message in self.ui.items if message["type"] == type_]

    async def open_channel(self, label: str) -> RTCDataChannel:
        """One more data channel to the client, open."""
        assert self._pc is not None
        channel = self._pc.createDataChannel(label)
        opened = asyncio.Event()
        channel.on("open", opened.set)
        await opened.wait()
        return channel

    async def offer_leg(self, timeout_s: float = 10) -> None:
        """Connects to the client, for the first time or anew; returns when the `ui` channel is open."""
        if self._pc is not None:
            await self._pc.close()
        self._session += 1
        self._pc = pc = RTCPeerConnection(rtc_configuration([]))
        pc.addTransceiver(GrayCamera(self._gray), direction="sendonly")
        pc.addTransceiver("video", direction="recvonly")
        self._channel = pc.createDataChannel("ui")
        opened = asyncio.Event()
        self._channel.on("open", opened.set)
        self._channel.on("message", lambda text: self.ui.add(json.loads(text)))
        pc.on("track", lambda track: self._tasks.start(self._watch(track), "watch"))
        await pc.setLocalDescription(await pc.createOffer())
        description = SessionDescription("offer", pc.localDescription.sdp)
        self._send(SignalData("leg", self._session, description=description))
        async with asyncio.timeout(timeout_s):
            await opened.wait()

    def _send(self, data: SignalData) -> None:
        self._signaling.send(Signal(PartAddress(self.member_id, "client"), "page", data.to_data()))

    async def _watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.VideoFrame)
                self.pictures.add(frame.to_ndarray()[: frame.height])
        except MediaStreamError:
            pass

    def _on_message(self, message) -> None:
        if isinstance(message, Welcome):
            self.member_id = message.member_id
        if isinstance(message, Relayed):
            data = parse_signal_data(message.data)
            if isinstance(data.description, SessionDescription) and data.session == self._session:
                assert self._pc is not None
                answer = RTCSessionDescription(data.description.sdp, data.description.type)
                self._tasks.start(self._pc.setRemoteDescription(answer), "answer")
        self.server.add(message)
