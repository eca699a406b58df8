"""A WebSocket to the server that comes back after a loss. What is said over it is the caller's affair."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
from yarl import URL

from client.errors import ServerUnreachable
from codec.signaling import MAX_MESSAGE_BYTES, SignalingError

logger = logging.getLogger(__name__)

M = TypeVar("M")

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 4.0)
CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10.0

FIRST_ATTEMPTS = 5
"""Failed attempts before the very first connection is given up. A connection that once stood is resumed for ever."""


def backoff_s(attempt: int) -> float:
    """Pause before attempt number `attempt` (from 1), with a fifth of jitter so that clients do not march in step."""
    return BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1] * random.uniform(0.8, 1.2)


class ServerSocket:
    """One connection to the server.

    `welcomed` is the caller's to set, when the server has accepted its `hello`.

    Args:
        websocket: an open one; whoever made it closes it.
    """

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self.welcomed = False

    async def send(self, text: str) -> None:
        """Sends a message.

        Raises:
            ConnectionError: the connection is lost.
        """
        await self._websocket.send_str(text)

    async def listen(self, parse: Callable[[str], M], take: Callable[[M], None]) -> None:
        """Hands every message to `take` until the socket is closed; what `parse` refuses is dropped."""
        async for frame in self._websocket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                message = parse(frame.data)
            except SignalingError as error:
                logger.warning("message of the server dropped: %s", error.error_code)
                continue
            take(message)

    @property
    def ended_well(self) -> bool:
        """Whether the server has closed a conversation with us as finished (1000 in docs/protocol.md)."""
        return self.welcomed and self._websocket.close_code == aiohttp.WSCloseCode.OK


async def stay_connected(url: URL, speak: Callable[[ServerSocket], Awaitable[bool]]) -> None:
    """Connects, and connects again whenever the connection is lost.

    Args:
        url: of the WebSocket, with `http` or `https`.
        speak: called with each new connection. Returns when that is lost, True to be called with another one, False
            when there is nothing to come back for. What it raises, except for the loss itself, ends this function.

    Raises:
        ServerUnreachable: the server has never welcomed us, in FIRST_ATTEMPTS attempts.
    """
    attempt, ever = 0, False
    async with aiohttp.ClientSession() as http:
        while True:
            socket = None
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    websocket = await http.ws_connect(url, heartbeat=HEARTBEAT_S, max_msg_size=2 * MAX_MESSAGE_BYTES)
                socket = ServerSocket(websocket)
                try:
                    if not await speak(socket):
                        return
                finally:
                    await websocket.close()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                logger.debug("connection to the server failed: %s", type(error).__name__)
            welcomed = socket is not None and socket.welcomed
            ever |= welcomed
            attempt = 1 if welcomed else attempt + 1
            if not ever and attempt >= FIRST_ATTEMPTS:
                raise ServerUnreachable(f"The server at {url.origin()} cannot be reached.")
            await asyncio.sleep(backoff_s(attempt))
