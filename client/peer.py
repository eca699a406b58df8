"""The link to one other member's client, over all its connections: negotiation, liveness, faces, avatar, statistics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from client.avatar_trust import Meeting
from client.avatars import AvatarLibrary
from client.clock import monotonic_s, unix_ms
from client.command_runner import CommandRunner
from client.control import (
    PROTOCOL_VERSION,
    AvatarGet,
    AvatarProof,
    AvatarShown,
    Bye,
    ControlMessage,
    KeyRequest,
    MotionsKnown,
    PeerHello,
    parse_control,
    to_text,
)
from client.face_connection import FaceConnection
from client.face_traffic import FaceTraffic
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
from client.peer_avatar import PeerAvatar
from client.peer_face import OwnFace, PeerEvents
from client.peer_stats import LinkTraffic, PeerStats
from client.tasks import TaskOwner
from client.wire_meter import WireMeter
from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from codec.signaling import IceServer, SessionDescription, SignalData, SignalingError
from renderer.avatar.avatar_model import AvatarModel

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
        expected_avatar: what the peer wears, as the server has it.

    Attributes:
        extractor: what tracks the peer's face, by its own account; None before it has greeted us.
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
        expected_avatar: str | None = None,
    ) -> None:
        self.member_id = member_id
        self.name = name
        self._own = own
        self._ice_servers = ice_servers
        self._send_signal = send_signal
        self._events = events
        self._negotiator = Negotiator(offers, unix_ms(), monotonic_s())
        self._tasks = TaskOwner(f"peer-{member_id[:8]}", self._task_failed)
        self._runner = CommandRunner(f"peer-{member_id[:8]}", self._negotiator, self._execute)
        self._connection: FaceConnection | None = None
        self._faces = FaceTraffic(
            own.expression_dims,
            self._send_packet,
            self._show_face,
        )
        self.extractor: str | None = None
        self._refused_until: float | None = None
        self._bad_messages = 0
        self._refusal: str | None = None
        self._avatar = PeerAvatar(own, library, self._tasks, self._say, self)
        self._expected_avatar = expected_avatar
        self._traffic = LinkTraffic()

    @property
    def offers(self) -> bool:
        """Whether we make the offers."""
        return self._negotiator.offers

    @property
    def _refused(self) -> bool:
        return self._refused_until is not None

    def start(self) -> None:
        """Begins to connect."""
        if self._expected_avatar is not None:
            self._avatar.expect(self._expected_avatar)
        self._tasks.start(self._runner.run(), "run")
        self._runner.enqueue(self._negotiator.start(monotonic_s()))

    async def aclose(self, say_bye: bool = False) -> None:
        """Closes everything."""
        if say_bye:
            self._say(Bye())
        self._faces.close()
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
        self._faces.restart()
        self._bad_messages = 0
        self._connection = FaceConnection(self._ice_servers, self)
        logger.debug("face connection attempt")
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        self._avatar.closed()
        if connection is None:
            return
        meter, counted = connection.meter, self._faces.stats
        self._faces.restart()
        self._traffic.retire(counted, meter)
        await connection.aclose()

    def _task_failed(self, error: Exception) -> None:
        logger.error("a link's task failed", exc_info=error)
        self._negotiator.failed()

    # --- events of the connection

    def on_open(self) -> None:
        """The other side can be told who we are."""
        own = self._own
        fingerprints = None if self._connection is None else self._connection.fingerprints
        self._avatar.met(Meeting(own.member_id, self.member_id, self.offers, fingerprints))
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
                challenge=self._avatar.challenge.hex(),
                manifest=None if own.credentials is None else own.credentials.manifest,
            )
        )
        self._avatar.opened()

    def on_broken(self) -> None:
        """The connection ended."""
        self._negotiator.failed()

    def on_face(self, packet: bytes) -> None:
        """A face packet."""
        now = monotonic_s()
        if self._refused:
            return
        if self._faces.receive(packet, now):
            self._negotiator.heard(now)
        if self._faces.wants_key():
            self._say(KeyRequest())

    def on_avatar(self, chunk: bytes) -> None:
        """A piece of the peer's avatar."""
        if self._refused:
            return
        self._avatar.piece(chunk)

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
            case AvatarShown(avatar_id, size, manifest):
                self._faces.learn(None)
                self._avatar.wanted(avatar_id, size, manifest)
            case AvatarProof():
                self._avatar.proved(message)
            case AvatarGet():
                if self._connection is not None:
                    self._avatar.asked(message, self._connection)
            case MotionsKnown(avatar_id):
                if avatar_id == self._own.avatar_id:
                    self._faces.speak_in(self._own.motions)
            case KeyRequest():
                self._faces.key_requested()
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
            self._refusal = None
            self.extractor = hello.extractor
            self._faces.greeted(profile, hello.epoch_ms)
            self._avatar.greeted(hello)

    def _refuse(self, notice: str) -> None:
        """Closes the connection and says why; after a while it may be tried again."""
        self._refused_until = monotonic_s() + REFUSED_FOR_S
        if notice != self._refusal:
            self._refusal = notice
            self._events.on_notice(notice)
        self._faces.rest()
        self._tasks.start(self._drop_connection(), "refuse")

    # --- events of avatars

    def on_avatar_worn(self, avatar_id: str | None) -> None:
        """See AvatarEvents."""
        self._events.on_peer_avatar(self.member_id, avatar_id)

    def on_avatar_preview(self, model: AvatarModel) -> None:
        """See AvatarEvents."""
        self._events.on_peer_preview(self.member_id, model)

    def on_avatar_problem(self, problem: str) -> None:
        """See AvatarEvents."""
        self._events.on_notice(self._avatar_notice(problem))

    def on_avatar_motions(self, motions: MotionBasis | None) -> None:
        """See AvatarEvents."""
        self._faces.learn(motions)

    def own_avatar_changed(self) -> None:
        """Our own avatar is another one now."""
        self._faces.speak_in(None)
        self._avatar.own_changed()

    def _avatar_notice(self, problem: str) -> str:
        return f"{self.name}'s avatar was refused ({problem}), so that they are shown as a guest."

    @property
    def _notice(self) -> str | None:
        """What the person should know about this peer at the moment."""
        if self._refusal is None and self._avatar.problem is not None:
            return self._avatar_notice(self._avatar.problem)
        return self._refusal

    def room_changed(self) -> None:
        """Our room has another nonce."""
        self._avatar.room_changed()

    def _say(self, message: ControlMessage) -> None:
        if self._connection is not None:
            self._connection.send_control(to_text(message))

    # --- faces

    def send_face(self, params: FaceParams | None, capture_ms: int) -> None:
        """Sends our face, captured at `capture_ms` (Unix)."""
        if self._can_send:
            self._faces.send(params, max(capture_ms - self._own.epoch_ms, 0))

    def _show_face(self, params: FaceParams | None, capture_ms: int) -> None:
        if params is None or self._avatar.may_move:
            self._events.on_peer_face(self.member_id, params, capture_ms)

    def tick(self, now: float) -> None:
        """To be called about 20 times a second: timers, keep-alive, easing to rest."""
        if self._refused_until is not None:
            if now < self._refused_until:
                return
            self._refused_until = None
        self._runner.enqueue(self._negotiator.tick(now))
        if self._can_send:
            self._faces.poll(now)
        self._faces.tick(now)

    @property
    def _can_send(self) -> bool:
        return self._connection is not None and self._connection.carries_faces and not self._refused

    def _send_packet(self, packet: bytes) -> None:
        if self._connection is not None:
            self._connection.send_face(packet)

    # --- statistics

    def stats(self, now: float) -> PeerStats:
        """Rates since the last call."""
        meter = None if self._connection is None else self._connection.meter
        rates = self._traffic.rates(self._faces.stats, meter, now)
        quality = self._faces.quality
        return PeerStats(
            self.member_id,
            LinkState.GONE if self._refused else self._negotiator.state(now),
            self._avatar.status,
            round(self._avatar.progress, 2),
            *rates,
            round(100 * quality.loss_in, 1),
            round(100 * quality.loss_out, 1),
            round(quality.playout_ms, 1),
            quality.rate_step,
            self._notice,
            self._avatar.owner,
        )

    @property
    def connected(self) -> bool:
        """Whether the channels are open."""
        return self._connection is not None and self._connection.open

    @property
    def avatar_bytes_sent(self) -> int:
        """Bytes of our avatar that this peer asked for and got."""
        return self._avatar.bytes_sent

    def meter(self) -> WireMeter:
        """Bytes on the wire of the current connection."""
        return WireMeter() if self._connection is None else self._connection.meter

    def counters(self) -> dict[str, Any]:
        """Totals of the current connection, for tests and logs."""
        return vars(self._faces.stats) | {
            "bad_control": self._bad_messages,
            "bad_avatar_pieces": self._avatar.pieces_dropped,
        }
