"""The connection to one's own page: camera in, rendered video out, `ui` messages (docs/protocol.md, "Leg")."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

import av
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError

from client.clock import capture_ms
from client.enrolment_messages import TAKE_CHANNEL, TakeEvent, TakeLost, parse_take
from client.page_link import PageLink
from client.ui_messages import UiMessage, parse_ui
from client.view.track import AtlasTrack
from codec.signaling import SignalData, SignalingError

logger = logging.getLogger(__name__)

UI_HIGH_WATER_BYTES = 65_536


class LegEvents(Protocol):
    """What the leg tells its session; in the event loop."""

    def on_leg_open(self) -> None:
        """The `ui` channel is open: tell the page everything anew."""
        ...

    def on_ui(self, message: UiMessage) -> None:
        """A message of the page."""
        ...

    def on_take(self, event: TakeEvent) -> None:
        """Something of a take that the page sends."""
        ...

    def on_camera_frame(self, frame: av.VideoFrame, capture_ms: int) -> None:
        """A camera frame and its time of arrival (Unix ms)."""
        ...


class Leg(PageLink):
    """See the module.

    Args:
        send_signal: relays data to the page.
        events: the session.
    """

    def __init__(self, send_signal: Callable[[SignalData], None], events: LegEvents) -> None:
        super().__init__("leg", send_signal)
        self._events = events
        self._ui: RTCDataChannel | None = None
        self._take: RTCDataChannel | None = None
        self._track: AtlasTrack | None = None
        self._camera: asyncio.Task[None] | None = None

    def show(self, frame: av.VideoFrame) -> None:
        """The newest picture for the page."""
        if self._track is not None:
            self._track.put(frame)

    def say(self, text: str) -> bool:
        """Sends a `ui` message; False if it was dropped, because there is no page or it does not read."""
        channel = self._ui
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < UI_HIGH_WATER_BYTES:
            with contextlib.suppress(InvalidStateError, ValueError):
                channel.send(text)
                return True
        return False

    def _listen(self, pc: RTCPeerConnection) -> None:
        pc.on("datachannel", self._adopt)
        pc.on("track", self._receive_track)

    def _attach(self, pc: RTCPeerConnection) -> None:
        """The first video of the offer is the camera, the second one the atlas.

        Anything else is refused: what nobody reads (a sound, say) aiortc queues without bound.
        """
        videos = pc.getTransceivers()
        if [transceiver.kind for transceiver in videos] != ["video", "video"]:
            raise ValueError("the page's offer is not one of two videos")
        self._track = AtlasTrack()
        videos[1].sender.replaceTrack(self._track)
        videos[1].direction = "sendonly"

    def _receive_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video" and self._camera is None:
            self._camera = self._tasks.start(self._receive_camera(track), "camera")

    async def _receive_camera(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self._events.on_camera_frame(frame, capture_ms())

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label == TAKE_CHANNEL:
            self._adopt_take(channel)
            return
        if channel.label != "ui":
            channel.close()
            return
        self._ui = channel
        channel.on("message", self._receive_ui)
        self._call(self._events.on_leg_open)

    def _adopt_take(self, channel: RTCDataChannel) -> None:
        """One take at a time: a newer channel replaces the older one."""
        if self._take is not None:
            self._take.close()
        self._take = channel

        def receive(message: bytes | str) -> None:
            if channel is not self._take:
                return
            try:
                event = parse_take(message)
            except SignalingError as error:
                logger.warning("message of a take dropped: %s", error.detail)
                return
            if event is not None:
                self._call(lambda: self._events.on_take(event))

        def lose() -> None:
            if channel is self._take:
                self._lose_take()

        channel.on("message", receive)
        channel.on("close", lose)

    def _lose_take(self) -> None:
        self._take = None
        self._call(lambda: self._events.on_take(TakeLost()))

    def _receive_ui(self, text: bytes | str) -> None:
        if isinstance(text, bytes):
            return
        try:
            message = parse_ui(text)
        except SignalingError as error:
            logger.warning("ui message dropped: %s", error.detail)
            return
        if message is not None:
            self._call(lambda: self._events.on_ui(message))

    def _call(self, function: Callable[[], None]) -> None:
        # An exception here would run into aiortc's receiving loop and end it without a word.
        try:
            function()
        except Exception:
            logger.exception("handling a message of the page failed")

    def _detach(self) -> None:
        self._ui = None
        if self._take is not None:
            self._lose_take()
        if self._camera is not None:
            self._camera.cancel()
            self._camera = None
        if self._track is not None:
            self._track.stop()
            self._track = None
