"""One WebSocket as the hub sees it: a bounded queue of messages and a task that writes them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from aiohttp import web

from codec.signaling import Message

QUEUE_SIZE = 512
"""Messages waiting for one socket. Signaling has no message that may be skipped, so a full queue closes the socket."""

MAX_QUEUED_BYTES = 1 << 20
"""Bytes waiting for one socket: a burst of session descriptions for a full room is a tenth of that."""

FLUSH_S = 5.0
"""How long the last messages of a closing socket may take."""

CLOSE_STALLED = 4000


@dataclass(frozen=True)
class _Close:
    code: int
    reason: str


class QueuedSocket:
    """Implements `server.hub.Socket` on an aiohttp WebSocket; `run` writes what is queued.

    Args:
        websocket: prepared, owned by its request handler.
    """

    def __init__(self, websocket: web.WebSocketResponse) -> None:
        self._websocket = websocket
        self._queue: asyncio.Queue[bytes | _Close] = asyncio.Queue(QUEUE_SIZE)
        self._queued_bytes = 0
        self._is_closing = False
        self.stalled = False
        """Closed because the other side did not read."""

    def send(self, message: Message) -> None:
        """Queues a message; one for a closing socket is dropped."""
        if self._is_closing:
            return
        data = message.to_json().encode()
        if self._queue.full() or self._queued_bytes + len(data) > MAX_QUEUED_BYTES:
            self.stalled = True
            self.close(CLOSE_STALLED, "nothing was read for too long")
            return
        self._queued_bytes += len(data)
        self._queue.put_nowait(data)

    def close(self, code: int, reason: str) -> None:
        """Closes the socket after what is queued; only the first call counts."""
        if self._is_closing:
            return
        self._is_closing = True
        if self.stalled or self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
        self._queue.put_nowait(_Close(code, reason))

    async def run(self) -> None:
        """Writes messages until the socket is closed from either side."""
        with contextlib.suppress(ConnectionError):
            while True:
                item = await self._queue.get()
                if isinstance(item, _Close):
                    await self._websocket.close(code=item.code, message=item.reason.encode())
                    return
                self._queued_bytes -= len(item)
                await self._websocket.send_str(item.decode())
