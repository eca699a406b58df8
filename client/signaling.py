"""The WebSocket to the server: connects, resumes after a loss, hands parsed messages on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

import aiohttp

from client.errors import JoinRefused, ServerUnreachable
from client.server_url import parse_server_url
from client.tasks import TaskOwner
from codec.signaling import (
    MAX_MESSAGE_BYTES,
    Error,
    Hello,
    Joined,
    PartMessage,
    ServerMessage,
    SignalingError,
    SocketPart,
    Welcome,
    parse_server_message,
)

logger = logging.getLogger(__name__)

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 4.0)
CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10.0
MAX_QUEUED = 256
"""Messages that wait for the socket; beyond it they are dropped (the other side's retry makes up for it)."""

FIRST_ATTEMPTS = 5
"""Failed attempts before the very first connection is given up. A connection that once stood is resumed for ever."""


def backoff_s(attempt: int) -> float:
    """Pause before attempt number `attempt` (from 1), with a fifth of jitter so that clients do not march in step."""
    return BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1] * random.uniform(0.8, 1.2)


class _Left(Exception):
    """The server closed the socket normally: the member is no more, and there is nothing to resume."""


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
        self._ever_connected = False

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
        attempt = 0
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    welcomed = await self._connect_once(http)
                except _Left:
                    return
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    logger.debug("signaling connection failed: %s", type(error).__name__)
                    welcomed = False
                attempt = 1 if welcomed else attempt + 1
                if not self._ever_connected and attempt >= FIRST_ATTEMPTS:
                    raise ServerUnreachable(f"The server at {self._url.origin()} cannot be reached.")
                await asyncio.sleep(backoff_s(attempt))

    async def _connect_once(self, http: aiohttp.ClientSession) -> bool:
        """One socket's life; True if the server welcomed it."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await http.ws_connect(self._url, heartbeat=HEARTBEAT_S, max_msg_size=2 * MAX_MESSAGE_BYTES)
        tasks = TaskOwner("signaling")
        welcomed = False
        try:
            await socket.send_str(Hello(self._part, self._token).to_json())
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                try:
                    message = parse_server_message(frame.data)
                except SignalingError as error:
                    logger.warning("message of the server dropped: %s", error.error_code)
                    continue
                if isinstance(message, Welcome) and not welcomed:
                    welcomed = self._ever_connected = self._connected = True
                    tasks.start(self._write(socket), "write")
                self._take(message)
        finally:
            self._connected = False
            while not self._outbox.empty():
                self._outbox.get_nowait()
                self._outbox.task_done()
            await tasks.aclose()
            await socket.close()
        if welcomed and socket.close_code == aiohttp.WSCloseCode.OK:
            raise _Left
        return welcomed

    def _take(self, message: ServerMessage) -> None:
        if isinstance(message, Welcome) or (isinstance(message, Joined) and message.resume_token):
            self._token = message.resume_token or self._token
        if isinstance(message, Error) and message.fatal:
            raise JoinRefused(message.error_code, message.detail)
        self._on_message(message)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                text = await self._outbox.get()
                try:
                    await socket.send_str(text)
                finally:
                    self._outbox.task_done()

    async def flush(self, timeout_s: float = 1.0) -> None:
        """Waits until what was sent is on its way, so that a `leave` gets out before the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._outbox.join()
