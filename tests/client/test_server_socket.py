"""Connections to a server that is away, comes and goes, or talks nonsense."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
from aiohttp import WSCloseCode, web
from aiohttp.test_utils import TestServer, unused_port
from yarl import URL

from client import server_socket
from client.errors import ServerUnreachable
from client.server_socket import FIRST_ATTEMPTS, ServerSocket, stay_connected
from codec.signaling import SignalingError


@dataclass
class Answer:
    """What the server does with one connection: refuses it, or says something and closes it."""

    texts: Sequence[str | bytes] = ()
    close_code: int = WSCloseCode.GOING_AWAY
    refuses: bool = False


WELCOME, FAREWELL, REFUSAL = Answer(["welcome"]), Answer(["welcome"], WSCloseCode.OK), Answer(refuses=True)
Serve = Callable[[Sequence[Answer]], Awaitable[URL]]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The attempts before which there was a pause; none of them takes time."""
    attempts: list[int] = []
    monkeypatch.setattr(server_socket, "backoff_s", lambda attempt: attempts.append(attempt) or 0.0)
    return attempts


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers one connection after the other as it is told, and then refuses."""
    servers: list[TestServer] = []

    async def start(answers: Sequence[Answer]) -> URL:
        left = iter(answers)

        async def answer(request: web.Request) -> web.StreamResponse:
            now = next(left, REFUSAL)
            if now.refuses:
                raise web.HTTPServiceUnavailable
            websocket = web.WebSocketResponse()
            await websocket.prepare(request)
            assert await websocket.receive_str() == "hello"
            for text in now.texts:
                await (websocket.send_str(text) if isinstance(text, str) else websocket.send_bytes(text))
            await websocket.close(code=now.close_code)
            return websocket

        app = web.Application()
        app.router.add_get("/", answer)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return servers[-1].make_url("/")

    yield start
    for server in servers:
        await server.close()


class Speaker:
    """Says hello, notes what it hears, and leaves when the server has closed the conversation as finished."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, socket: ServerSocket) -> bool:
        def take(text: str) -> None:
            self.heard.append(text)
            socket.welcomed |= text == "welcome"

        await socket.send("hello")
        await socket.listen(parse, take)
        return not socket.ended_well


def parse(text: str) -> str:
    if text == "nonsense":
        raise SignalingError("bad_message", "No sense.")
    return text


async def test_a_server_that_never_was_there_is_given_up(pauses: list[int]) -> None:
    url = URL(f"http://127.0.0.1:{unused_port()}/")
    with pytest.raises(ServerUnreachable, match=f"The server at {url.origin()} cannot be reached"):
        await stay_connected(url, Speaker())
    assert pauses == list(range(1, FIRST_ATTEMPTS))


async def test_a_server_that_takes_sockets_but_welcomes_nobody_is_given_up(serve: Serve, pauses: list[int]) -> None:
    url = await serve([Answer(close_code=WSCloseCode.OK)] * 10)
    with pytest.raises(ServerUnreachable):
        await stay_connected(url, Speaker())
    assert len(pauses) == FIRST_ATTEMPTS - 1


async def test_a_server_that_was_there_is_looked_for_until_it_is_back(serve: Serve, pauses: list[int]) -> None:
    away = FIRST_ATTEMPTS + 3
    speaker = Speaker()
    await stay_connected(await serve([REFUSAL, WELCOME, *[REFUSAL] * away, WELCOME, FAREWELL]), speaker)
    assert speaker.heard == ["welcome"] * 3
    assert pauses == [1, *range(1, away + 2), 1]  # each welcome begins the count anew


async def test_what_is_no_message_is_dropped(serve: Serve) -> None:
    speaker = Speaker()
    await stay_connected(await serve([Answer(["welcome", "nonsense", b"binary", "more"], WSCloseCode.OK)]), speaker)
    assert speaker.heard == ["welcome", "more"]


async def test_an_error_of_the_speaker_ends_it(serve: Serve) -> None:
    async def speak(socket: ServerSocket) -> bool:
        await socket.send("hello")
        raise LookupError("not the connection's fault")

    with pytest.raises(LookupError):
        await stay_connected(await serve([WELCOME]), speak)


@pytest.mark.parametrize(("attempt", "base_s"), [(1, 0.2), (2, 0.5), (5, 4.0), (1000, 4.0)])
def test_pauses_grow_to_a_limit(attempt: int, base_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert 0.8 * base_s <= server_socket.backoff_s(attempt) <= 1.2 * base_s
