"""Fetching one peer's avatar and sending it ours, over the `avatar` channel (docs/protocol.md).

An interrupted transfer goes on where it stopped, also over a later connection. While an avatar comes, what is here of
it is shown as soon as it makes a head, and again when it makes a better one.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Literal, TypeAlias

from avatar_store.errors import ManifestError, UnknownAvatar
from client.avatar_claim import Claim
from client.avatars import UNUSABLE, AvatarLibrary
from client.control import AvatarGet
from client.face_connection import FaceConnection
from codec.avatar_stages import AvatarStages
from codec.avatar_transfer import AvatarReceiver, AvatarSender
from codec.errors import AvatarTransferError
from renderer.avatar.avatar_model import AvatarModel

logger = logging.getLogger(__name__)

AvatarStatus: TypeAlias = Literal["own", "guest", "loading", "unverified"]
"""What the person sees of a peer: its avatar, a guest in its place for good or until the avatar is here, or a guest
because nobody knows whether the avatar is theirs."""

MAX_PREVIEWS = 16
"""Parts of avatars that are built for one peer: what is beyond, after many changes, waits until it is whole."""

Changed = Callable[[str | None, str | None], None]


class _Incoming:
    """An avatar that is on its way.

    Args:
        avatar_id: of the file.
        size: bytes of the file; None if the peer has not said so yet.

    Raises:
        AvatarTransferError: no avatar is as large as that.
    """

    def __init__(self, avatar_id: str, size: int | None) -> None:
        self.receiver = AvatarReceiver(avatar_id, size)
        self.stages = AvatarStages()
        self.built = 0

    @property
    def avatar_id(self) -> str:
        """Of the file."""
        return self.receiver.avatar_id

    def better_part(self) -> bytes | None:
        """The beginning of the file if it makes a better head than the one before, once."""
        if self.stages.reached == self.built or self.receiver.complete is not None:
            return None
        self.built = self.stages.reached
        return bytes(self.receiver.received[: self.stages.usable])


class AvatarExchange:
    """See the module.

    Args:
        library: where avatars come from and go to.
        changed: called with the avatar to show (None: a guest), and a problem in words if there is one.
        preview: called with what there is to show of an avatar until it is all here.
    """

    def __init__(
        self, library: AvatarLibrary, changed: Changed, preview: Callable[[AvatarModel], None] = lambda model: None
    ) -> None:
        self._library = library
        self._changed = changed
        self._preview = preview
        self._incoming: _Incoming | None = None
        self._refused: dict[str, str] = {}
        self._missing: str | None = None
        self._asked_early: str | None = None
        self._claim: Claim | None = None
        self._permitted = False
        self._ready = False
        self._previews = 0
        self.status: AvatarStatus = "loading"
        self.progress = 0.0
        self.bytes_sent = 0
        self.pieces_dropped = 0

    async def expect(self, avatar_id: str) -> None:
        """The server says that the peer shows this avatar: looks whether it is here while there is no connection."""
        try:
            await self._library.model(avatar_id)
        except UnknownAvatar:
            self._missing = avatar_id
        except UNUSABLE:
            logger.debug("an expected avatar cannot be used")

    def ask_early(self, ask: Callable[[AvatarGet], None]) -> None:
        """A connection is there: asks for the expected avatar before the peer has greeted us, which saves a round
        trip. A peer that shows another one does not answer.
        """
        self._asked_early = None
        incoming = self._incoming
        if incoming is None and self._missing is not None and self._missing not in self._refused:
            incoming = self._incoming = _Incoming(self._missing, None)
        if incoming is not None and incoming.receiver.complete is None:
            self._asked_early = incoming.avatar_id
            ask(AvatarGet(incoming.avatar_id, incoming.receiver.offset))

    def claimed(self, claim: Claim) -> None:
        """The peer says what it shows. Nothing of it is shown before `permit`."""
        self._claim, self._permitted, self._ready = claim, False, False
        self.status = "loading"

    def permit(self) -> None:
        """The peer may show what it claims."""
        self._permitted = True
        if self._ready and self._claim is not None:
            self._show(self._claim.avatar_id)

    def deny(self, problem: str) -> None:
        """It may not; what is on its way of it is not wanted."""
        self._permitted = self._ready = False
        self._claim = None
        self._show_guest(problem, "unverified")

    async def want(self, ask: Callable[[AvatarGet], None]) -> None:
        """Finds what the peer claims to show, and shows it if it is here; otherwise asks for what is missing of it."""
        claim = self._claim
        if claim is None:
            return
        asked_early, self._asked_early = self._asked_early == claim.avatar_id, None
        if claim.avatar_id in self._refused:
            self._show_guest(self._refused[claim.avatar_id])
            return
        try:
            await self._library.vouch(claim)
        except UnknownAvatar:
            if self._claim is claim:
                await self._fetch(claim, ask, asked_early)
        except UNUSABLE as error:
            self._fail(claim, error)
        else:
            if self._claim is claim:
                self._incoming = None
                self._show(claim.avatar_id)

    async def _fetch(self, claim: Claim, ask: Callable[[AvatarGet], None], asked_early: bool) -> None:
        incoming = self._incoming
        try:
            if incoming is None or incoming.avatar_id != claim.avatar_id or not incoming.receiver.announced(claim.size):
                incoming, asked_early = _Incoming(claim.avatar_id, claim.size), False
                self._incoming = incoming
        except AvatarTransferError as error:
            self._fail(claim, error)
            return
        self.progress = incoming.receiver.progress
        if incoming.receiver.complete is not None:  # its check was interrupted
            await self.finish(incoming.receiver.complete)
        elif not asked_early:
            ask(AvatarGet(claim.avatar_id, incoming.receiver.offset))

    def receive(self, chunk: bytes) -> bytes | None:
        """A piece arrived. Returns the file when that was the last one; `finish` is to be awaited with it."""
        incoming = self._incoming
        if incoming is None:
            return None
        receiver = incoming.receiver
        dropped = receiver.dropped
        try:
            data = receiver.receive(chunk)
        except AvatarTransferError as error:
            if self._claim is not None and self._claim.avatar_id == receiver.avatar_id:
                self._fail(self._claim, error)
            return None
        self.pieces_dropped += receiver.dropped - dropped
        self.progress = receiver.progress
        incoming.stages.grown(receiver.received)
        return data

    @property
    def preview_due(self) -> bool:
        """Whether there is something new to show; `show_preview` is to be awaited, once at a time."""
        incoming = self._incoming
        if incoming is None or self._claim is None or not self._permitted:
            return False
        return incoming.avatar_id == self._claim.avatar_id and incoming.stages.reached > incoming.built

    async def show_preview(self) -> None:
        """Shows what is here of the avatar, as long as there is more of it than before."""
        while self.preview_due and self._previews < MAX_PREVIEWS:
            incoming, claim = self._incoming, self._claim
            assert incoming is not None
            assert claim is not None
            part = incoming.better_part()
            if part is None:
                return
            self._previews += 1
            try:
                model = await self._library.partial_model(part, claim)
            except UNUSABLE as error:
                if self._incoming is incoming:
                    self._fail(claim, error)
                return
            if model is not None and self._incoming is incoming and self._claim is claim:
                self._preview(model)

    async def finish(self, data: bytes) -> None:
        """Checks and keeps a complete file, and shows it. One that came before the peer's claim waits for that."""
        incoming, claim = self._incoming, self._claim
        if incoming is None or claim is None or claim.avatar_id != incoming.avatar_id:
            return
        try:
            await self._library.keep(data, claim)
        except UNUSABLE as error:
            if self._incoming is incoming:
                self._fail(claim, error)
            return
        if self._incoming is incoming and self._claim is claim:
            self._incoming = None
            self._show(claim.avatar_id)

    async def send(self, connection: FaceConnection, data: bytes, offset: int) -> None:
        """Sends our avatar's file from `offset` on, as fast as the connection takes it without delaying faces."""
        try:
            sender = AvatarSender(data, offset=offset)
        except AvatarTransferError:
            logger.warning("a peer asks for a part of the avatar that there is not")
            return
        with contextlib.suppress(ConnectionError):
            while (message := sender.next_message()) is not None:
                await connection.send_avatar(message)
                self.bytes_sent += len(message)

    def _show(self, avatar_id: str) -> None:
        self.progress = 1.0
        self._ready = True
        if self._permitted:
            self.status = "own"
            self._changed(avatar_id, None)

    def _fail(self, claim: Claim, error: Exception) -> None:
        """The avatar is of no use, or not what the peer claims."""
        logger.warning("a peer's avatar was refused")
        if self._claim is not claim:
            return
        if isinstance(error, ManifestError):
            self.deny(str(error))
            return
        if len(self._refused) < 64:
            self._refused[claim.avatar_id] = str(error)
        self._show_guest(str(error))

    def _show_guest(self, problem: str, status: AvatarStatus = "guest") -> None:
        self._incoming = None
        self.status = status
        self._changed(None, problem)
