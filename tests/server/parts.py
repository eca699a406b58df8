"""Browsers, bots and workers for tests, on real sockets against a real server with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

from codec.signaling import (
    Assign,
    Hello,
    Join,
    Joined,
    Message,
    ServerMessage,
    SocketPart,
    Welcome,
    WorkerCommand,
    WorkerHello,
    WorkerWelcome,
    parse_server_message,
    parse_worker_command,
)
from server.state import STATE, ServerState
from server.tokens import make_worker_token

M = TypeVar("M")
PATIENCE_S = 20.0
"""A test fails after this long; none waits for it."""


@dataclass
class Clock:
    """Both clocks of a server, moved by hand."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


class TestSocket:
    """One WebSocket of a test."""

    __test__ = False

    def __init__(self, websocket: ClientWebSocketResponse, parse: Callable[[str], Message]) -> None:
        self.websocket = websocket
        self._parse = parse
        self.welcome: Welcome | None = None

    async def send(self, message: Message) -> None:
        await self.websocket.send_str(message.to_json())

    async def receive(self) -> ServerMessage | WorkerCommand:
        return self._parse(await self.websocket.receive_str(timeout=PATIENCE_S))

    async def expect(self, kind: type[M]) -> M:
        """The next message, which has to be of this kind."""
        message = await self.receive()
        assert isinstance(message, kind), message
        return message

    async def expect_close(self) -> int | None:
        """The code with which the server closes; nothing else may come first."""
        frame = await self.websocket.receive(timeout=PATIENCE_S)
        assert frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING), frame
        return self.websocket.close_code

    def lose(self) -> None:
        """Cuts the connection without a goodbye."""
        connection = self.websocket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


class Site:
    """A server under test and everybody who uses it."""

    def __init__(self, client: TestClient, clock: Clock, secret: str) -> None:
        self.client = client
        self.clock = clock
        self.secret = secret

    @property
    def state(self) -> ServerState:
        return self.client.app[STATE]

    def gauge(self, name: str) -> int:
        return self.state.hub.gauges()[name]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Lets the event loop turn until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Moves the clock and lets deadlines pass."""
        self.clock.now += seconds
        self.state.hub.tick(self.clock.now)

    async def token(self, room: str = "demo", **fields: str) -> str:
        async with self.client.post("/api/token", json={"room": room, **fields}) as response:
            assert response.status == 200, await response.text()
            return (await response.json())["token"]

    async def open(self, path: str = "/api/ws", **kwargs) -> TestSocket:
        websocket = await self.client.ws_connect(path, **kwargs)
        return TestSocket(websocket, parse_worker_command if path == "/api/worker" else parse_server_message)

    async def enter(self, part: SocketPart, token: str) -> TestSocket:
        """A part that has been welcomed."""
        socket = await self.open()
        await socket.send(Hello(part, token))
        socket.welcome = await socket.expect(Welcome)
        return socket

    async def join(self, name: str, part: SocketPart = "bot", room: str = "demo") -> tuple[TestSocket, Joined]:
        """A bot (or page) in the room; a page has to be given its client by the caller."""
        socket = await self.enter(part, await self.token(room))
        await socket.send(Join(name, None, False, True))
        return socket, await socket.expect(Joined)

    async def worker(self, capacity: int = 2, members: tuple[str, ...] = ()) -> TestSocket:
        """A worker that has been welcomed."""
        socket = await self.open("/api/worker")
        await socket.send(WorkerHello(make_worker_token(self.secret), capacity, members))
        await socket.expect(WorkerWelcome)
        return socket

    async def attach(self, worker: TestSocket) -> TestSocket:
        """The client that a worker opens for its next assignment."""
        assignment = await worker.expect(Assign)
        client = await self.enter("client", assignment.attach_token)
        assert client.welcome is not None
        assert client.welcome.member_id == assignment.member_id
        return client
