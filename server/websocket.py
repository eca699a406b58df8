"""The WebSocket endpoints `/api/ws` (parts) and `/api/worker` (hosted client processes)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import WSMsgType, web

from codec.signaling import (
    MAX_MESSAGE_BYTES,
    Error,
    ErrorCode,
    Hello,
    SignalingError,
    parse_part_message,
    parse_worker_message,
)
from server.limits import TokenBucket
from server.origins import is_request_allowed
from server.sockets import FLUSH_S, QueuedSocket
from server.state import STATE, ServerState

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_REFUSED = 1008
CLOSE_FAILED = 1011


async def serve_part(request: web.Request) -> web.StreamResponse:
    """Handles `/api/ws`."""
    state = request.app[STATE]
    return await _serve(request, lambda socket: _PartSession(state, socket))


async def serve_worker(request: web.Request) -> web.StreamResponse:
    """Handles `/api/worker`."""
    state = request.app[STATE]
    return await _serve(request, lambda socket: _WorkerSession(state, socket))


class _PartSession:
    """A part's connection: hello first, then messages."""

    kind = "unknown"

    def __init__(self, state: ServerState, socket: QueuedSocket) -> None:
        self._state = state
        self._socket = socket
        self._connection_id: int | None = None

    def receive(self, text: str) -> None:
        message = parse_part_message(text)
        now = self._state.now()
        if self._connection_id is not None:
            self._state.hub.receive_from_part(self._connection_id, message, now)
        elif isinstance(message, Hello):
            self._connection_id = self._state.hub.open_part(self._socket, message, now)
            self.kind = message.part
        else:
            raise SignalingError(ErrorCode.BAD_MESSAGE, "Say hello first.")

    @property
    def is_open(self) -> bool:
        return self._connection_id is not None

    def close(self) -> None:
        if self._connection_id is not None:
            self._state.hub.close_part(self._connection_id, self._state.now())


class _WorkerSession:
    """A worker's connection: it says hello and then only listens."""

    kind = "unknown"

    def __init__(self, state: ServerState, socket: QueuedSocket) -> None:
        self._state = state
        self._socket = socket
        self._worker_id: int | None = None

    def receive(self, text: str) -> None:
        message = parse_worker_message(text)
        if self._worker_id is not None:
            raise SignalingError(ErrorCode.BAD_MESSAGE, "This worker has said hello already.")
        self._worker_id = self._state.hub.open_worker(self._socket, message, self._state.now())
        self.kind = "worker"

    @property
    def is_open(self) -> bool:
        return self._worker_id is not None

    def close(self) -> None:
        if self._worker_id is not None:
            self._state.hub.close_worker(self._worker_id, self._state.now())


_Session = _PartSession | _WorkerSession


async def _serve(request: web.Request, make_session: Callable[[QueuedSocket], _Session]) -> web.StreamResponse:
    state = request.app[STATE]
    if not is_request_allowed(state.config, request):
        state.metrics.refused += 1
        raise web.HTTPForbidden(text="This page belongs to another site.")
    if len(state.open_sockets) >= state.config.max_connections:
        state.metrics.refused += 1
        raise web.HTTPServiceUnavailable(text="This server has too many connections. Try again later.")
    websocket = web.WebSocketResponse(
        heartbeat=state.config.heartbeat_s, max_msg_size=MAX_MESSAGE_BYTES, compress=False
    )
    socket = QueuedSocket(websocket)
    state.open_sockets.add(socket)
    try:
        return await _serve_socket(request, websocket, socket, make_session(socket))
    finally:
        state.open_sockets.discard(socket)


async def _serve_socket(
    request: web.Request, websocket: web.WebSocketResponse, socket: QueuedSocket, session: _Session
) -> web.StreamResponse:
    state = request.app[STATE]
    await websocket.prepare(request)
    state.metrics.connections += 1
    started = state.now()
    try:
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(socket.run(), name="signaling writer")
            try:
                await _read(state, websocket, socket, session)
            except Exception:
                socket.close(CLOSE_FAILED, "internal error")
                raise
            finally:
                session.close()
                socket.close(CLOSE_NORMAL, "")
                _, pending = await asyncio.wait([writer], timeout=FLUSH_S)
                for task in pending:
                    task.cancel()
    finally:
        state.metrics.stalled += socket.stalled
        logger.info(
            "connection closed: kind=%s duration_s=%.1f code=%s",
            session.kind,
            state.now() - started,
            websocket.close_code,
        )
    return websocket


async def _read(state: ServerState, websocket: web.WebSocketResponse, socket: QueuedSocket, session: _Session) -> None:
    """Feeds the session until the socket closes."""
    bucket = TokenBucket(state.config.messages_per_s, state.config.message_burst, state.now())
    while True:
        try:
            frame = await websocket.receive(None if session.is_open else state.config.hello_timeout_s)
        except TimeoutError:
            socket.close(CLOSE_REFUSED, "no hello in time")
            return
        if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        try:
            if not bucket.take(state.now()):
                raise SignalingError(ErrorCode.RATE_LIMITED, "Too many messages in a short time.", fatal=True)
            if frame.type is WSMsgType.BINARY:
                raise SignalingError(ErrorCode.BAD_MESSAGE, "Messages are text, not binary.")
            session.receive(frame.data)
        except SignalingError as error:
            state.metrics.refused += 1
            fatal = error.fatal or not session.is_open
            socket.send(Error(error.error_code, error.detail[:500], fatal))
            if fatal:
                socket.close(CLOSE_REFUSED, error.error_code)
                return
