"""Fetching one peer's avatar and sending it ours, over the `avatar` channel (docs/protocol.md).

An interrupted transfer goes on where it stopped, also over a later connection.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Literal, TypeAlias

from avatar_store.errors import UnknownAvatar
from client.avatars import UNUSABLE, AvatarLibrary
from client.control import AvatarGet
from client.face_connection import FaceConnection
from codec.avatar_transfer import AvatarReceiver, AvatarSender
from codec.errors import AvatarTransferError

logger = logging.getLogger(__name__)

AvatarStatus: TypeAlias = Literal["own", "guest", "loading"]
"""What the person sees of a peer: its avatar, a guest in its place for good, or a guest until the avatar is here."""

Changed = Callable[[str | None, str | None], None]


class AvatarExchange:
    """See the module.

    Args:
        library: where avatars come from and go to.
        changed: called with the avatar to show (None: a guest), and a problem in words if there is one.
    """

    def __init__(self, library: AvatarLibrary, changed: Changed) -> None:
        self._library = library
        self._changed = changed
        self._receiver: AvatarReceiver | None = None
        self._refused: dict[str, str] = {}
        self.status: AvatarStatus = "loading"
        self.progress = 0.0
        self.bytes_sent = 0
        self.pieces_dropped = 0

    async def want(self, avatar_id: str, size: int, ask: Callable[[AvatarGet], None]) -> None:
        """The peer shows this avatar: shows it if it is here, otherwise asks for what is missing of it."""
        if avatar_id in self._refused:
            self._show_guest(self._refused[avatar_id])
            return
        try:
            await self._library.model(avatar_id)
        except UnknownAvatar:
            await self._fetch(avatar_id, size, ask)
        except UNUSABLE as error:
            self._refuse(avatar_id, str(error))
        else:
            self._receiver = None
            self._show(avatar_id)

    async def _fetch(self, avatar_id: str, size: int, ask: Callable[[AvatarGet], None]) -> None:
        self.status = "loading"
        if self._receiver is None or self._receiver.avatar_id != avatar_id:
            try:
                self._receiver = AvatarReceiver(avatar_id, size)
            except AvatarTransferError as error:
                self._refuse(avatar_id, str(error))
                return
        self.progress = self._receiver.progress
        if self._receiver.complete is not None:  # its check was interrupted
            await self.finish(self._receiver.complete)
        else:
            ask(AvatarGet(avatar_id, self._receiver.offset))

    def receive(self, chunk: bytes) -> bytes | None:
        """A piece arrived. Returns the file when that was the last one; `finish` is to be awaited with it."""
        receiver = self._receiver
        if receiver is None:
            return None
        dropped = receiver.dropped
        try:
            data = receiver.receive(chunk)
        except AvatarTransferError as error:
            self._refuse(receiver.avatar_id, str(error))
            return None
        self.pieces_dropped += receiver.dropped - dropped
        self.progress = receiver.progress
        return data

    async def finish(self, data: bytes) -> None:
        """Checks and keeps a complete file, and shows it."""
        receiver = self._receiver
        if receiver is None:
            return
        try:
            await self._library.keep(data)
        except UNUSABLE as error:
            if self._receiver is receiver:
                self._refuse(receiver.avatar_id, str(error))
            return
        if self._receiver is receiver:
            self._receiver = None
            self._show(receiver.avatar_id)

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
        self.status = "own"
        self.progress = 1.0
        self._changed(avatar_id, None)

    def _refuse(self, avatar_id: str, problem: str) -> None:
        logger.warning("a peer's avatar was refused")
        if len(self._refused) < 64:
            self._refused[avatar_id] = problem
        self._show_guest(problem)

    def _show_guest(self, problem: str) -> None:
        self._receiver = None
        self.status = "guest"
        self._changed(None, problem)
