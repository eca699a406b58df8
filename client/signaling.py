"""The WebSocket to the server: connects, resumes after a loss, hands parsed messages on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from client.errors import JoinRefused
from client.server_socket import ServerSocket, stay_connected
from client.server_url import parse_server_url
from client.tasks import TaskOwner
from codec.signaling import (
    Error,
    Hello,
    Joined,
    PartMessage,
    ServerMessage,
    SocketPart,
    Welcome,
    parse_server_message,
)

MAX_QUEUED = 256
"""Messages that wait for the socket; beyond it they are dropped (the other side's retry makes up for it)."""


class SignalingClient:
    """One part's connection to the server.

    Args:
        server_url: e.g. `http://127.0.0.1:8080`.
        part: what the socket is for.
        token: join token, or attach token of a hosted client.
        on_message: called with every message, in order; `Welcome` comes again after each reconnection.

    Raises:
        ClientError: `server_url` is no address.
    """

    def __init__(
        self, server_url: str, part: SocketPart, token: str, on_message: Callable[[ServerMessage], None]
    ) -> None:
        self._url = parse_server_url(server_url) / "api/ws"
        self._part: SocketPart = part
        self._token = token
        self._on_message = on_message
        self._outbox: asyncio.Queue[str] = asyncio.Queue(MAX_QUEUED)
        self._connected = False

    def send(self, message: PartMessage) -> None:
        """Sends a message, or drops it while there is no connection."""
        if not self._connected:
            return
        with contextlib.suppress(asyncio.QueueFull):
            self._outbox.put_nowait(message.to_json())

    async def run(self) -> None:
        """Connects and reconnects; returns when the server says that this member has left.

        Raises:
            JoinRefused: the server refused the token or the room.
            ServerUnreachable: the first connection could not be made.
        """
        await stay_connected(self._url, self._speak)

    async def _speak(self, socket: ServerSocket) -> bool:
        """One connection's life; False once the server has closed it because the member is no more."""
        tasks = TaskOwner("signaling")

        def take(message: ServerMessage) -> None:
            if isinstance(message, Welcome) and not socket.welcomed:
                socket.welcomed = self._connected = True
                tasks.start(self._write(socket), "write")
            self._take(message)

        try:
            await socket.send(Hello(self._part, self._token).to_json())
            await socket.listen(parse_server_message, take)
        finally:
            self._connected = False
            while not self._outbox.empty():
                self._outbox.get_nowait()
                self._outbox.task_done()
            await tasks.aclose()
        return not socket.ended_well

    def _take(self, message: ServerMessage) -> None:
        if isinstance(message, Welcome) or (isinstance(message, Joined) and message.resume_token):
            self._token = message.resume_token or self._token
        if isinstance(message, Error) and message.fatal:
            raise JoinRefused(message.error_code, message.detail)
        self._on_message(message)

    async def _write(self, socket: ServerSocket) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                text = await self._outbox.get()
                try:
                    await socket.send(text)
                finally:
                    self._outbox.task_done()

    async def flush(self, timeout_s: float = 1.0) -> None:
        """Waits until what was sent is on its way, so that a `leave` gets out before the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._outbox.join()
