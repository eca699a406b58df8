"""What a link has to do with avatars: the peer's to be shown, ours to be sent, whose they are, their motions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from avatar_store.keys import fingerprint
from client.avatar_exchange import AvatarExchange, AvatarStatus
from client.avatar_trust import AvatarTrust, Meeting, Verdict, prove
from client.avatars import UNUSABLE, AvatarLibrary
from client.control import AvatarGet, AvatarProof, AvatarShown, ControlMessage, MotionsKnown, PeerHello
from client.face_connection import FaceConnection
from client.peer_face import OwnFace
from client.tasks import TaskOwner
from codec.motion_basis import MotionBasis
from renderer.avatar.avatar_model import AvatarModel

PROOF_TIMEOUT_S = 10.0
"""How long a peer may take to prove that its avatar is its own, before the person is told that it does not."""

KEY_DIGITS = 16
"""Of the fingerprint of an owner's key, for people to compare."""


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
        self._trust = AvatarTrust(library.guest_ids)
        self._meeting: Meeting | None = None
        self._asked_of_us = b""
        self._worn: str | None = None
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

    @property
    def challenge(self) -> bytes:
        """What the peer's proof is to be for."""
        return self._trust.challenge

    @property
    def owner(self) -> str | None:
        """Beginning of the fingerprint of the key that the peer has proven to hold; None if it has not, or need not."""
        claim = self._trust.claim
        if claim is None or claim.manifest is None or self._exchange.status != "own":
            return None
        return fingerprint(claim.manifest.owner_key).replace(" ", "")[:KEY_DIGITS]

    @property
    def may_move(self) -> bool:
        """Whether the peer's face may move what is shown of it: a guest, or an avatar that is its own. After a
        reconnection that is to be proven again."""
        return self._worn is None or self._trust.verdict == "trusted"

    def met(self, meeting: Meeting) -> None:
        """There is a connection."""
        self._meeting, self._asked_of_us = meeting, b""
        self._trust.met(meeting)

    def opened(self) -> None:
        """We have greeted the peer."""
        self._exchange.ask_early(self._say)

    def closed(self) -> None:
        """The connection is gone."""
        for name in ("send", "proof"):
            if name in self._current:
                self._current[name].cancel()

    def greeted(self, hello: PeerHello) -> None:
        """The peer introduces itself."""
        self._asked_of_us = bytes.fromhex(hello.challenge or "")
        self._prove()
        self.wanted(hello.avatar_id, hello.avatar_bytes, hello.manifest)

    def wanted(self, avatar_id: str, size: int, manifest: str | None) -> None:
        """The peer wears this from now on."""
        self._exchange.claimed(self._trust.claimed(avatar_id, size, manifest))
        self._replace("proof", self._wait_for_proof())
        self._judged()

    def proved(self, proof: AvatarProof) -> None:
        """The peer proves that it is its own."""
        before = self._trust.verdict
        self._trust.proved(proof, self._own.room_nonces)
        if self._trust.verdict != before:
            self._judged(before)

    def room_changed(self) -> None:
        """The room has another nonce."""
        self._prove()
        before = self._trust.verdict
        self._trust.check_again(self._own.room_nonces)
        if self._trust.verdict != before:
            self._judged(before)

    def _judged(self, before: Verdict = "waiting") -> None:
        """Shows, or stops to fetch, what the peer claims, as the verdict is."""
        claim = self._trust.claim
        if claim is None:
            return
        if self._trust.verdict == "refused":
            if "fetch" in self._current:
                self._current["fetch"].cancel()
            self._exchange.deny(self._trust.problem)
            return
        if before == "refused":
            self._exchange.claimed(claim)
        if self._trust.verdict == "trusted":
            self._exchange.permit()
        if self._trust.verdict == "waiting" or before != "waiting" or claim.manifest is None:
            self._replace("fetch", self._exchange.want(self._say))
        self._show_part()

    async def _wait_for_proof(self) -> None:
        await asyncio.sleep(PROOF_TIMEOUT_S)
        if self._trust.verdict == "waiting":
            self._trust.gave_up()
            self._judged()

    def _prove(self) -> None:
        own = self._own
        if self._meeting is None or own.credentials is None or not (self._asked_of_us and own.room_nonces):
            return
        proof = prove(self._meeting, own.credentials.key, own.room_nonces[0], self._asked_of_us, own.avatar_id)
        if proof is not None:
            self._say(proof)

    def piece(self, chunk: bytes) -> None:
        """A piece of the peer's avatar."""
        data = self._exchange.receive(chunk)
        if data is not None:
            self._replace("fetch", self._exchange.finish(data))
        self._show_part()

    def _show_part(self) -> None:
        preview = self._current.get("preview")
        if self._exchange.preview_due and (preview is None or preview.done()):
            self._current["preview"] = self._tasks.start(self._exchange.show_preview(), "preview")

    def asked(self, get: AvatarGet, connection: FaceConnection) -> None:
        """The peer asks for ours."""
        if get.avatar_id == self._own.avatar_id:
            self._replace("send", self._exchange.send(connection, self._own.avatar_data, get.offset))

    def own_changed(self) -> None:
        """Ours is another one now."""
        own = self._own
        manifest = None if own.credentials is None else own.credentials.manifest
        self._say(AvatarShown(own.avatar_id, len(own.avatar_data), manifest))
        self._prove()

    def _changed(self, avatar_id: str | None, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            self._events.on_avatar_problem(problem)
        self.problem, self._worn = problem, avatar_id
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
