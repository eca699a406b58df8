"""A bot's voice: answers the `voice` offers of pages with the sound of its file. It hears nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from client.clock import monotonic_s
from client.command_runner import CommandRunner
from client.face_connection import add_ice_candidate, close_quietly, rtc_configuration
from client.negotiation import AddCandidate, Command, MakeAnswer, Negotiator
from client.tasks import TaskOwner, complete
from codec.signaling import IceServer, SessionDescription, SignalData

logger = logging.getLogger(__name__)


class VoiceLink:
    """The sound for one page.

    Args:
        ice_servers: STUN and TURN servers.
        make_track: a new track of the sound; None: the bot is silent.
        send_signal: relays data to the page.
    """

    def __init__(
        self,
        ice_servers: Sequence[IceServer],
        make_track: Callable[[], MediaStreamTrack | None],
        send_signal: Callable[[SignalData], None],
    ) -> None:
        self._ice_servers = ice_servers
        self._make_track = make_track
        self._send_signal = send_signal
        self._negotiator = Negotiator(offers=False, first_session=0, now=monotonic_s())
        self._runner = CommandRunner("voice", self._negotiator, self._execute)
        self._tasks = TaskOwner("voice")
        self._pc: RTCPeerConnection | None = None

    def start(self) -> None:
        """Begins to answer offers."""
        self._tasks.start(self._runner.run(), "run")

    async def aclose(self) -> None:
        """Ends the sound."""
        await self._tasks.aclose()
        await self._drop()

    def on_signal(self, data: SignalData) -> None:
        """A `voice` signal of the page."""
        self._runner.enqueue(self._negotiator.receive(data, monotonic_s()))

    async def _execute(self, command: Command) -> None:
        match command:
            case MakeAnswer(session, sdp):
                await self._answer(session, sdp)
            case AddCandidate(session, candidate):
                if self._pc is not None and session == self._negotiator.session:
                    await add_ice_candidate(self._pc, candidate)
            case _:
                self._send_signal(SignalData("voice", self._negotiator.session, request=True))

    async def _answer(self, session: int, offer: str) -> None:
        await self._drop()
        self._pc = pc = RTCPeerConnection(rtc_configuration(self._ice_servers))
        try:
            await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            self._attach_sound(pc)
            await complete(pc.setLocalDescription(await pc.createAnswer()))
        except Exception as error:  # aiortc's SDP parser raises whatever a strange line makes it raise
            await self._drop()
            raise ValueError(f"the page's offer cannot be used: {type(error).__name__}") from error
        if session == self._negotiator.session:
            description = SessionDescription("answer", pc.localDescription.sdp)
            self._send_signal(SignalData("voice", session, description=description))

    def _attach_sound(self, pc: RTCPeerConnection) -> None:
        """Only sends: aiortc would decode what comes in and queue it without bound."""
        track = self._make_track()
        for transceiver in pc.getTransceivers():
            if transceiver.kind == "audio" and track is not None:
                transceiver.sender.replaceTrack(track)
                transceiver.direction = "sendonly"
                track = None
            else:
                transceiver.direction = "inactive"

    async def _drop(self) -> None:
        pc, self._pc = self._pc, None
        if pc is not None:
            await close_quietly(pc)
