from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from server.app import make_app
from server.config import ServerConfig
from tests.server.parts import Clock, Site
from tests.support.leaks import no_blocking_calls, no_leaked_tasks

__all__ = ["no_blocking_calls", "no_leaked_tasks"]

SECRET = "a secret for tests only"


@pytest.fixture
def web_root(tmp_path: Path) -> Path:
    for name, text in {
        "index.html": "<!doctype html><title>visavis</title>",
        "src/main.js": "export {};",
        "styles/base.css": "body {}",
        "images/icon.svg": "<svg/>",
        "package.json": "{}",
    }.items():
        path = tmp_path / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "web"


@pytest.fixture
async def start_site(web_root: Path) -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Starts a server with some settings; a second call is a second server, e.g. after a restart."""
    clients: list[TestClient] = []

    async def start(clock: Clock | None = None, **settings) -> Site:
        clock = clock or Clock()
        config = ServerConfig(secret=SECRET, web_root=web_root, guests_root=web_root.parent / "guests", **settings)
        app = await asyncio.to_thread(make_app, config, now=clock, wall_now=clock)
        client = TestClient(TestServer(app))
        clients.append(client)
        await client.start_server()
        return Site(client, clock, SECRET)

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def site(start_site: Callable[..., Awaitable[Site]]) -> Site:
    return await start_site()
