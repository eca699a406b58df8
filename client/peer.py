"""The link to one other member's client, over all its connections: negotiation, liveness, faces, avatar, statistics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from client.avatar_exchange import AvatarExchange
from client.avatars import AvatarLibrary
from client.clock import monotonic_s, unix_ms
from client.command_runner import CommandRunner
from client.control import (
    PROTOCOL_VERSION,
    AvatarGet,
    AvatarShown,
    Bye,
    ControlMessage,
    KeyRequest,
    PeerHello,
    parse_control,
    to_text,
)
from client.face_connection import FaceConnection
from client.negotiation import (
    AddCandidate,
    ApplyAnswer,
    AskForSession,
    Command,
    LinkState,
    MakeAnswer,
    MakeOffer,
    Negotiator,
)
from client.peer_face import OwnFace, PeerEvents, ShownFace
from client.peer_stats import LinkTraffic, PeerStats
from client.tasks import TaskOwner
from client.wire_meter import WireMeter
from codec.face_link import FaceLink
from codec.params import FaceParams
from codec.signaling import IceServer, SessionDescription, SignalData, SignalingError

logger = logging.getLogger(__name__)

MAX_BAD_MESSAGES = 50
"""Malformed control messages after which the connection is closed: that peer does not speak our protocol."""

REFUSED_FOR_S = 30.0
"""How long a peer that was refused is left alone."""


class PeerLink:
    """See the module.

    Args:
        member_id: the other member.
        name: how to call it in notices.
        offers: we make the offers.
        own: our side.
        library: avatars.
        ice_servers: STUN and TURN servers.
        send_signal: relays data to the other client.
        events: our call.
    """

    def __init__(
        self,
        member_id: str,
        name: str,
        *,
        offers: bool,
        own: OwnFace,
        library: AvatarLibrary,
        ice_servers: Sequence[IceServer],
        send_signal: Callable[[SignalData], None],
        events: PeerEvents,
    ) -> None:
        self.member_id = member_id
        self.name = name
        self._own = own
        self._ice_servers = ice_servers
        self._send_signal = send_signal
        self._events = events
        self._negotiator = Negotiator(offers, unix_ms(), monotonic_s())
        self._tasks = TaskOwner(f"peer-{member_id[:8]}", self._task_failed)
        self._current: dict[str, asyncio.Task[Any]] = {}
        self._runner = CommandRunner(f"peer-{member_id[:8]}", self._negotiator, self._execute)
        self._connection: FaceConnection | None = None
        self._link = FaceLink(own.expression_dims)
        self._hello: PeerHello | None = None
        self._refused_until: float | None = None
        self._bad_messages = 0
        self._face = ShownFace(lambda params, capture_ms: events.on_peer_face(member_id, params, capture_ms))
        self._refusal: str | None = None
        self._avatar_problem: str | None = None
        self._avatar = AvatarExchange(library, self._avatar_changed)
        self._traffic = LinkTraffic()
        self._poll_timer: asyncio.TimerHandle | None = None

    @property
    def offers(self) -> bool:
        """Whether we make the offers."""
        return self._negotiator.offers

    @property
    def _refused(self) -> bool:
        return self._refused_until is not None

    def start(self) -> None:
        """Begins to connect."""
        self._tasks.start(self._runner.run(), "run")
        self._runner.enqueue(self._negotiator.start(monotonic_s()))

    async def aclose(self, say_bye: bool = False) -> None:
        """Closes everything."""
        if say_bye:
            self._say(Bye())
        self._face.close()
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        await self._tasks.aclose()
        await self._drop_connection()

    # --- signaling

    def on_signal(self, data: SignalData) -> None:
        """A `face` signal of the other client."""
        if self._refused:
            return
        self._runner.enqueue(self._negotiator.receive(data, monotonic_s()))

    async def _execute(self, command: Command) -> None:
        match command:
            case MakeOffer(session):
                connection = await self._new_connection(session)
                sdp = await connection.make_offer()
                self._describe(session, SessionDescription("offer", sdp))
            case MakeAnswer(session, offer):
                connection = await self._new_connection(session)
                sdp = await connection.make_answer(offer)
                self._describe(session, SessionDescription("answer", sdp))
            case ApplyAnswer(session, sdp):
                if self._connection is not None and session == self._negotiator.session:
                    await self._connection.apply_answer(sdp)
            case AddCandidate(session, candidate):
                if self._connection is not None and session == self._negotiator.session:
                    await self._connection.add_candidate(candidate)
            case AskForSession(session):
                self._send_signal(SignalData("face", session, request=True))

    def _describe(self, session: int, description: SessionDescription) -> None:
        if session == self._negotiator.session:
            self._send_signal(SignalData("face", session, description=description))

    async def _new_connection(self, session: int) -> FaceConnection:
        await self._drop_connection()
        self._link = FaceLink(self._own.expression_dims)
        self._hello = None
        self._bad_messages = 0
        self._connection = FaceConnection(self._ice_servers, self)
        logger.debug("face connection attempt")
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if "avatar-out" in self._current:
            self._current["avatar-out"].cancel()
        if connection is None:
            return
        meter, counted = connection.meter, self._link.stats
        self._link = FaceLink(self._own.expression_dims)
        self._traffic.retire(counted, meter)
        await connection.aclose()

    def _task_failed(self, error: Exception) -> None:
        logger.error("a link's task failed", exc_info=error)
        self._negotiator.failed()

    # --- events of the connection

    def on_open(self) -> None:
        """All channels are open: introduce ourselves."""
        own = self._own
        self._say(
            PeerHello(
                own.member_id,
                own.head_model_id,
                own.avatar_id,
                len(own.avatar_data),
                own.extractor,
                own.expression_dims,
                own.epoch_ms,
                profiles=own.profiles,
            )
        )

    def on_broken(self) -> None:
        """The connection ended."""
        self._negotiator.failed()

    def on_face(self, packet: bytes) -> None:
        """A face packet."""
        now = monotonic_s()
        if self._refused:
            return
        self._link.receive(packet, now)
        if self._link.silent_for(now) == 0:
            self._negotiator.heard(now)
        if self._link.wants_key():
            self._say(KeyRequest())
        if self._hello is not None:
            self._face.follow(self._link, self._hello.epoch_ms, now)

    def on_avatar(self, chunk: bytes) -> None:
        """A piece of the peer's avatar."""
        if self._refused:
            return
        data = self._avatar.receive(chunk)
        if data is not None:
            self._replace("avatar-in", self._avatar.finish(data))

    def on_control(self, text: str) -> None:
        """A control message."""
        if self._refused:
            return
        try:
            message = parse_control(text)
        except SignalingError:
            self._bad_messages += 1
            if self._bad_messages >= MAX_BAD_MESSAGES:
                self._refuse(f"{self.name} sends messages that make no sense; the connection was closed.")
            return
        self._negotiator.heard(monotonic_s())
        match message:
            case PeerHello():
                self._greet(message)
            case AvatarShown(avatar_id, size):
                self._fetch_avatar(avatar_id, size)
            case AvatarGet(avatar_id, offset):
                if avatar_id == self._own.avatar_id and self._connection is not None:
                    self._replace("avatar-out", self._avatar.send(self._connection, self._own.avatar_data, offset))
            case KeyRequest():
                self._link.key_requested()
            case Bye():
                self._negotiator.failed()
            case None:
                pass

    def _greet(self, hello: PeerHello) -> None:
        profile = hello.common_profile()
        if hello.version != PROTOCOL_VERSION or profile is None:
            self._refuse(f"{self.name} uses another version of visavis: both sides should update.")
        elif hello.head_model_id != self._own.head_model_id:
            self._refuse(f"{self.name} uses another head model, so that their face cannot be shown.")
        else:
            self._hello = hello
            self._refusal = None
            self._link.speak(profile)
            self._fetch_avatar(hello.avatar_id, hello.avatar_bytes)

    def _refuse(self, notice: str) -> None:
        """Closes the connection and says why; after a while it may be tried again."""
        self._refused_until = monotonic_s() + REFUSED_FOR_S
        if notice != self._refusal:
            self._refusal = notice
            self._events.on_notice(notice)
        self._face.rest()
        self._tasks.start(self._drop_connection(), "refuse")

    # --- avatars

    def _fetch_avatar(self, avatar_id: str, size: int) -> None:
        self._replace("avatar-in", self._avatar.want(avatar_id, size, self._say))

    def _replace(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        """Starts a task in place of the last one of that name: a peer that asks again and again gets one at a time."""
        if name in self._current:
            self._current[name].cancel()
        self._current[name] = self._tasks.start(coroutine, name)

    def _avatar_changed(self, avatar_id: str | None, problem: str | None) -> None:
        if problem is not None and problem != self._avatar_problem:
            self._events.on_notice(self._avatar_notice(problem))
        self._avatar_problem = problem
        self._events.on_peer_avatar(self.member_id, avatar_id)

    def own_avatar_changed(self) -> None:
        """Our own avatar is another one now."""
        self._say(AvatarShown(self._own.avatar_id, len(self._own.avatar_data)))

    def _avatar_notice(self, problem: str) -> str:
        return f"{self.name}'s avatar was refused ({problem}), so that they are shown as a guest."

    @property
    def _notice(self) -> str | None:
        """What the person should know about this peer at the moment."""
        if self._refusal is None and self._avatar_problem is not None:
            return self._avatar_notice(self._avatar_problem)
        return self._refusal

    def _say(self, message: ControlMessage) -> None:
        if self._connection is not None:
            self._connection.send_control(to_text(message))

    # --- faces

    def send_face(self, params: FaceParams | None, capture_ms: int) -> None:
        """Sends our face, captured at `capture_ms` (Unix)."""
        stream_ms = max(capture_ms - self._own.epoch_ms, 0)
        if self._can_send:
            self._send_packets(self._link.send(params, stream_ms, monotonic_s()))
            self._plan_poll()

    def tick(self, now: float) -> None:
        """To be called about 20 times a second: timers, keep-alive, easing to rest."""
        if self._refused_until is not None:
            if now < self._refused_until:
                return
            self._refused_until = None
        self._runner.enqueue(self._negotiator.tick(now))
        self._poll(now)
        self._face.tick(now)

    @property
    def _can_send(self) -> bool:
        return self._connection is not None and self._connection.open and not self._refused

    def _poll(self, now: float) -> None:
        if self._can_send:
            self._send_packets(self._link.poll(now))

    def _plan_poll(self) -> None:
        """A face that waits for the next one must not wait for the next tick."""
        deadline = self._link.deadline()
        if self._poll_timer is not None:
            self._poll_timer.cancel()
            self._poll_timer = None
        if deadline is not None:
            loop = asyncio.get_running_loop()
            self._poll_timer = loop.call_later(deadline - monotonic_s(), lambda: self._poll(monotonic_s()))

    def _send_packets(self, packets: Sequence[bytes]) -> None:
        for packet in packets:
            if self._connection is not None:
                self._connection.send_face(packet)

    # --- statistics

    def stats(self, now: float) -> PeerStats:
        """Rates since the last call."""
        meter = None if self._connection is None else self._connection.meter
        rates = self._traffic.rates(self._link.stats, meter, now)
        return PeerStats(
            self.member_id,
            LinkState.GONE if self._refused else self._negotiator.state(now),
            self._avatar.status,
            round(self._avatar.progress, 2),
            *rates,
            self._notice,
        )

    @property
    def avatar_bytes_sent(self) -> int:
        """Bytes of our avatar that this peer asked for and got."""
        return self._avatar.bytes_sent

    def meter(self) -> WireMeter:
        """Bytes on the wire of the current connection."""
        return WireMeter() if self._connection is None else self._connection.meter

    def counters(self) -> dict[str, Any]:
        """Totals of the current connection, for tests and logs."""
        return vars(self._link.stats) | {
            "bad_control": self._bad_messages,
            "bad_avatar_pieces": self._avatar.pieces_dropped,
        }
