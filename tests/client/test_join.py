from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from client.errors import JoinRefused
from client.join import MAX_ANSWER_BYTES, fetch_join_token


@asynccontextmanager
async def answering(body: bytes, status: int = 200) -> AsyncIterator[str]:
    async def token(request: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    app = web.Application()
    app.router.add_post("/api/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (address, port, *_) = runner.addresses[0]
    yield f"http://{address}:{port}"
    await runner.cleanup()


async def test_a_token_is_taken() -> None:
    async with answering(b'{"token": "abc"}') as url:
        assert await fetch_join_token(url, "room") == "abc"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"\xff",
        b"[" * 50_000,
        b'{"token": "' + b"x" * MAX_ANSWER_BYTES + b'"}',
        b'{"token": 5}',
    ],
    ids=["html", "list", "no text", "nested", "too long", "number"],
)
async def test_another_server_is_named(body: bytes) -> None:
    async with answering(body) as url:
        with pytest.raises(JoinRefused, match=f"no visavis server at {url}"):
            await fetch_join_token(url, "room")


async def test_a_refusal_is_the_servers_sentence() -> None:
    async with answering(b'{"error_code": "bad_passcode", "detail": "The passcode is wrong."}', 403) as url:
        with pytest.raises(JoinRefused, match="The passcode is wrong") as caught:
            await fetch_join_token(url, "room")
    assert caught.value.error_code == "bad_passcode"
