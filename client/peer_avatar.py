"""What a link has to do with avatars: the peer's to be shown, ours to be sent, and the motions that they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from client.avatar_exchange import AvatarExchange, AvatarStatus
from client.avatars import UNUSABLE, AvatarLibrary
from client.control import AvatarGet, AvatarShown, ControlMessage, MotionsKnown
from client.face_connection import FaceConnection
from client.peer_face import OwnFace
from client.tasks import TaskOwner
from codec.motion_basis import MotionBasis
from renderer.avatar.avatar_model import AvatarModel


class AvatarEvents(Protocol):
    """What a peer's avatar tells the link."""

    def on_avatar_worn(self, avatar_id: str | None) -> None:
        """The avatar to show from now on, which the library has; None: a guest."""
        ...

    def on_avatar_preview(self, model: AvatarModel) -> None:
        """What is here of it, to show meanwhile."""
        ...

    def on_avatar_problem(self, problem: str) -> None:
        """Why there is a guest, in words; once."""
        ...

    def on_avatar_motions(self, motions: MotionBasis | None) -> None:
        """The motions of the peer's avatar; None: not known."""
        ...


class PeerAvatar:
    """See the module.

    Args:
        own: our side.
        library: avatars.
        tasks: of the link.
        say: sends a control message.
        events: the link.
    """

    def __init__(
        self,
        own: OwnFace,
        library: AvatarLibrary,
        tasks: TaskOwner,
        say: Callable[[ControlMessage], None],
        events: AvatarEvents,
    ) -> None:
        self._own = own
        self._library = library
        self._tasks = tasks
        self._say = say
        self._events = events
        self._current: dict[str, asyncio.Task[Any]] = {}
        self._exchange = AvatarExchange(library, self._changed, events.on_avatar_preview)
        self.problem: str | None = None

    @property
    def status(self) -> AvatarStatus:
        """What the person sees."""
        return self._exchange.status

    @property
    def progress(self) -> float:
        """Share of the file that is here, 0..1."""
        return self._exchange.progress

    @property
    def bytes_sent(self) -> int:
        """Bytes of our avatar that went out."""
        return self._exchange.bytes_sent

    @property
    def pieces_dropped(self) -> int:
        """Pieces that fitted nowhere."""
        return self._exchange.pieces_dropped

    def expect(self, avatar_id: str) -> None:
        """The server says that the peer wears this."""
        self._replace("expect", self._exchange.expect(avatar_id))

    def opened(self) -> None:
        """A connection is there, and we have greeted the peer."""
        self._exchange.ask_early(self._say)

    def closed(self) -> None:
        """The connection is gone."""
        if "send" in self._current:
            self._current["send"].cancel()

    def wanted(self, avatar_id: str, size: int) -> None:
        """The peer wears this from now on."""
        self._replace("fetch", self._exchange.want(avatar_id, size, self._say))

    def piece(self, chunk: bytes) -> None:
        """A piece of the peer's avatar."""
        data = self._exchange.receive(chunk)
        if data is not None:
            self._replace("fetch", self._exchange.finish(data))
        preview = self._current.get("preview")
        if self._exchange.preview_due and (preview is None or preview.done()):
            self._current["preview"] = self._tasks.start(self._exchange.show_preview(), "preview")

    def asked(self, get: AvatarGet, connection: FaceConnection) -> None:
        """The peer asks for ours."""
        if get.avatar_id == self._own.avatar_id:
            self._replace("send", self._exchange.send(connection, self._own.avatar_data, get.offset))

    def own_changed(self) -> None:
        """Ours is another one now."""
        self._say(AvatarShown(self._own.avatar_id, len(self._own.avatar_data)))

    def _changed(self, avatar_id: str | None, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            self._events.on_avatar_problem(problem)
        self.problem = problem
        self._events.on_avatar_worn(avatar_id)
        if avatar_id is not None:
            self._replace("motions", self._learn_motions(avatar_id))

    async def _learn_motions(self, avatar_id: str) -> None:
        try:
            motions = await self._library.motions(avatar_id)
        except UNUSABLE:
            return  # whoever shows the avatar says so
        if motions is not None:
            self._events.on_avatar_motions(motions)
            self._say(MotionsKnown(avatar_id))

    def _replace(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        """Starts a task in place of the last one of that name: a peer that asks again and again gets one at a time."""
        if name in self._current:
            self._current[name].cancel()
        self._current[name] = self._tasks.start(coroutine, f"avatar-{name}")
