"""One of our ends of a WebRTC connection that a page offers, and offers again: each newer session replaces the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from aiortc import RTCPeerConnection, RTCSessionDescription

from client.clock import monotonic_s
from client.command_runner import CommandRunner
from client.face_connection import add_ice_candidate, close_quietly, rtc_configuration
from client.negotiation import AddCandidate, Command, MakeAnswer, Negotiator
from client.tasks import TaskOwner, complete
from codec.signaling import IceServer, SessionDescription, SignalData


class PageLink:
    """Answers offers; subclasses say what the connection carries.

    Args:
        kind: of the signals.
        send_signal: relays data to the page.
        ice_servers: STUN and TURN servers.
    """

    def __init__(
        self,
        kind: Literal["leg", "voice"],
        send_signal: Callable[[SignalData], None],
        ice_servers: Sequence[IceServer] = (),
    ) -> None:
        self._kind: Literal["leg", "voice"] = kind
        self._send_signal = send_signal
        self.ice_servers = ice_servers
        self._negotiator = Negotiator(offers=False, first_session=0, now=monotonic_s())
        self._tasks = TaskOwner(kind)
        self._runner = CommandRunner(kind, self._negotiator, self._execute)
        self._pc: RTCPeerConnection | None = None

    def start(self) -> None:
        """Begins to answer offers."""
        self._tasks.start(self._runner.run(), "run")

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._tasks.aclose()
        await self._drop()

    def on_signal(self, data: SignalData) -> None:
        """A signal of the page."""
        self._runner.enqueue(self._negotiator.receive(data, monotonic_s()))

    def _listen(self, pc: RTCPeerConnection) -> None:
        """Registers for the events of a new connection, before its offer is read."""

    def _attach(self, pc: RTCPeerConnection) -> None:
        """Takes up what was offered, before it is answered.

        Raises:
            ValueError: the offer is not what the protocol says.
        """
        raise NotImplementedError

    def _detach(self) -> None:
        """Lets go of what belongs to the connection, which is about to be closed."""

    async def _execute(self, command: Command) -> None:
        match command:
            case MakeAnswer(session, sdp):
                await self._answer(session, sdp)
            case AddCandidate(session, candidate):
                if self._pc is not None and session == self._negotiator.session:
                    await add_ice_candidate(self._pc, candidate)
            case _:
                self._send_signal(SignalData(self._kind, self._negotiator.session, request=True))

    async def _answer(self, session: int, offer: str) -> None:
        await self._drop()
        self._pc = pc = RTCPeerConnection(rtc_configuration(self.ice_servers))
        self._listen(pc)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            self._attach(pc)
            await complete(pc.setLocalDescription(await pc.createAnswer()))
        except Exception as error:  # aiortc's SDP parser raises whatever a strange line makes it raise
            await self._drop()
            raise ValueError(f"the page's offer cannot be used: {type(error).__name__}") from error
        if session == self._negotiator.session:
            description = SessionDescription("answer", pc.localDescription.sdp)
            self._send_signal(SignalData(self._kind, session, description=description))

    async def _drop(self) -> None:
        pc, self._pc = self._pc, None
        self._detach()
        if pc is not None:
            await close_quietly(pc)
