"""One participant's place in a room: signaling, the other members, a link to each of them, and one's own face.

Sessions of hosted clients (client.session) and bots (client.bot) are built around it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from client.avatars import AvatarLibrary
from client.clock import capture_ms, monotonic_s
from client.face_pipeline import TrackedFace
from client.peer import PeerLink
from client.peer_face import OwnFace
from client.peer_stats import PeerStats
from client.signaling import SignalingClient
from client.tasks import TaskOwner
from codec.avatar_proof import NONCE_BYTES
from codec.params import MAX_EXPRESSION, FaceParams
from codec.signaling import (
    Error,
    IceServer,
    Joined,
    Leave,
    Member,
    MemberJoined,
    MemberLeft,
    MemberUpdated,
    Notice,
    PartAddress,
    PartMessage,
    Relayed,
    ServerMessage,
    Signal,
    SignalData,
    SignalingError,
    SocketPart,
    Welcome,
    parse_signal_data,
)
from renderer.avatar.avatar_model import AvatarModel

logger = logging.getLogger(__name__)

TICK_S = 0.05
MISSING_S = 20.0
"""How long a member that the server no longer lists after a reconnection may take to come back to it too."""


class CallEvents(Protocol):
    """What a call tells its owner; in the event loop."""

    def on_welcome(self, welcome: Welcome) -> None:
        """The server knows us; again after each reconnection."""
        ...

    def on_joined(self, member: Member) -> None:
        """We are in the room, as `member`; again after each reconnection."""
        ...

    def on_member(self, member: Member) -> None:
        """Another member is there, or changed."""
        ...

    def on_member_left(self, member_id: str) -> None:
        """Another member is gone."""
        ...

    def on_signal(self, sender: PartAddress, data: SignalData) -> None:
        """A `leg` or `voice` signal for us."""
        ...

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """See client.peer_face.PeerEvents."""
        ...

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """See client.peer_face.PeerEvents."""
        ...

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """See client.peer_face.PeerEvents."""
        ...

    def on_notice(self, text: str) -> None:
        """A sentence for the person."""
        ...

    def on_refusal(self, error_code: str, detail: str) -> None:
        """The server refused a message."""
        ...


class Call:
    """See the module.

    Args:
        server_url: the server.
        part: `client` for a hosted session, `bot` for a bot.
        token: attach or join token.
        library: avatars.
        avatar_id: own avatar to begin with; the library must have it.
        extractor: what tracks our face, for the `hello` to peers.
        events: the owner.
    """

    def __init__(
        self,
        server_url: str,
        part: SocketPart,
        token: str,
        *,
        library: AvatarLibrary,
        avatar_id: str,
        extractor: str,
        events: CallEvents,
    ) -> None:
        self._library = library
        self._events = events
        self._signaling = SignalingClient(server_url, part, token, self._on_message)
        self._own = OwnFace("", library.head.model_id, extractor, MAX_EXPRESSION, capture_ms(), avatar_id, b"")
        self._own.room_nonces = ()
        self._ice_servers: Sequence[IceServer] = ()
        self._members: dict[str, Member] = {}
        self._links: dict[str, PeerLink] = {}
        self._missing: dict[str, float] = {}
        self._closing = TaskOwner("call-closing")
        self.member: Member | None = None

    @property
    def member_id(self) -> str:
        """Our id; empty before the server's welcome."""
        return self._own.member_id

    @property
    def members(self) -> Mapping[str, Member]:
        """The other members of the room."""
        return self._members

    @property
    def avatar_id(self) -> str:
        """The avatar that we show."""
        return self._own.avatar_id

    @property
    def ice_servers(self) -> Sequence[IceServer]:
        """STUN and TURN servers."""
        return self._ice_servers

    async def run(self) -> None:
        """Takes part until cancelled, or until the server says that we have left; closes everything at the end.

        Raises:
            JoinRefused: the server does not let us in.
            ServerUnreachable: there is no server.
            UnknownAvatar: the library does not have our avatar.
            CodecError, AvatarMismatchError: it cannot be used.
        """
        try:
            await self._wear(self._own.avatar_id)
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(self._tick(), name="call.tick")
                await self._signaling.run()
                ticking.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            await self._close_all(say_bye=False)

    async def leave(self) -> None:
        """Says good-bye to server and peers; `run` is to be cancelled next."""
        self._signaling.send(Leave())
        await self._signaling.flush()
        await self._close_all(say_bye=True)

    def send(self, message: PartMessage) -> None:
        """Sends a signaling message; dropped while the server is away."""
        self._signaling.send(message)

    async def set_avatar(self, avatar_id: str) -> None:
        """Shows another avatar from now on.

        Raises:
            UnknownAvatar: the library does not have it.
            CodecError, AvatarMismatchError: it cannot be used.
        """
        changed = avatar_id != self._own.avatar_id
        await self._wear(avatar_id)
        if changed:
            for link in self._links.values():
                link.own_avatar_changed()

    async def _wear(self, avatar_id: str) -> None:
        data, motions = await self._library.file(avatar_id), await self._library.motions(avatar_id)
        credentials = await self._library.worn(avatar_id)
        self._own.avatar_id, self._own.avatar_data, self._own.motions = avatar_id, data, motions
        self._own.credentials = credentials

    def send_face(self, face: TrackedFace) -> None:
        """Sends our face, or that there is none, to everyone."""
        for link in self._links.values():
            link.send_face(face.params, face.capture_ms)

    def stats(self) -> list[PeerStats]:
        """One entry per other member; rates are those since the last call."""
        now = monotonic_s()
        return [link.stats(now) for link in self._links.values()]

    def link(self, member_id: str) -> PeerLink | None:
        """The link to a member."""
        return self._links.get(member_id)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = monotonic_s()
            for link in list(self._links.values()):
                link.tick(now)
            for member_id in [missing for missing, deadline in self._missing.items() if deadline <= now]:
                self._lose(member_id)

    # --- messages of the server

    def _on_message(self, message: ServerMessage) -> None:
        match message:
            case Welcome():
                self._own.member_id = message.member_id
                self._ice_servers = message.ice_servers
                self._events.on_welcome(message)
            case Joined(member, members):
                self.member = member
                self._enter(message.room_nonce)
                self._events.on_joined(member)
                for missing in set(self._members) - {other.member_id for other in members}:
                    # A server that has just restarted does not know everybody yet.
                    self._missing.setdefault(missing, monotonic_s() + MISSING_S)
                for other in members:
                    self._meet(other)
            case MemberJoined(member) | MemberUpdated(member):
                self._meet(member)
            case MemberLeft(member_id):
                self._lose(member_id)
            case Relayed(sender, data):
                self._on_relayed(sender, data)
            case Notice(text):
                self._events.on_notice(text)
            case Error(error_code, detail):
                logger.warning("server: %s", error_code)
                self._events.on_refusal(error_code, detail)
            case _:
                pass

    def _enter(self, room_nonce: str | None) -> None:
        """The room is another one after a restart of the server; the others may not know yet."""
        nonce = bytes(NONCE_BYTES) if room_nonce is None else bytes.fromhex(room_nonce)
        if self._own.room_nonces[:1] != (nonce,):
            self._own.room_nonces = (nonce, *self._own.room_nonces[:1])
            for link in self._links.values():
                link.room_changed()

    def _on_relayed(self, sender: PartAddress, data: Mapping[str, object]) -> None:
        try:
            signal = parse_signal_data(data)
        except SignalingError:
            logger.warning("malformed signal dropped")
            return
        if signal.kind != "face":
            self._events.on_signal(sender, signal)
        elif sender.member_id in self._links:
            self._links[sender.member_id].on_signal(signal)

    def _meet(self, member: Member) -> None:
        if self.member is None:
            return
        if member.member_id == self.member.member_id:
            self.member = member
            return
        self._members[member.member_id] = member
        self._missing.pop(member.member_id, None)
        offers = self.member.order > member.order
        link = self._links.get(member.member_id)
        if link is not None and link.offers != offers:
            self._drop_link(member.member_id)
            link = None
        if link is None:
            self._connect(member, offers)
        else:
            link.name = member.name
        self._events.on_member(member)

    def _connect(self, member: Member, offers: bool) -> None:
        def relay(data: SignalData) -> None:
            self._signaling.send(Signal(PartAddress(member.member_id, "client"), "client", data.to_data()))

        self._links[member.member_id] = link = PeerLink(
            member.member_id,
            member.name,
            offers=offers,
            own=self._own,
            library=self._library,
            ice_servers=self._ice_servers,
            send_signal=relay,
            events=self._events,
            expected_avatar=member.avatar_id,
        )
        link.start()

    def _lose(self, member_id: str) -> None:
        self._missing.pop(member_id, None)
        if self._members.pop(member_id, None) is not None:
            self._events.on_member_left(member_id)
        self._drop_link(member_id)

    def _drop_link(self, member_id: str) -> None:
        link = self._links.pop(member_id, None)
        if link is not None:
            self._closing.start(link.aclose(), "link")

    async def _close_all(self, say_bye: bool) -> None:
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(link.aclose(say_bye) for link in links), self._closing.drain())
