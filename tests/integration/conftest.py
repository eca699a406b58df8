from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from avatar_store.store import AvatarStore
from client import aiortc_setup
from client.avatars import AvatarLibrary
from client.equipment import Equipment
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from server.config import ServerConfig
from server.run import RunningServer, running_server
from tests.support.fakes import FakeRenderer, FakeTracker, write_guests, write_video
from tests.support.leaks import no_blocking_calls, no_leaked_tasks

__all__ = ["no_blocking_calls", "no_leaked_tasks"]

os.environ["VISAVIS_LOOPBACK"] = "1"
aiortc_setup.install()


@pytest.fixture(scope="session")
def head() -> HeadModel:
    return load_open_head()


@pytest.fixture(scope="session")
def guests(head: HeadModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("guests")
    write_guests(directory, head)
    return directory


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clips") / "clip.mp4", 2.0, audio=True)


@pytest.fixture
async def make_equipment(
    head: HeadModel, guests: Path, tmp_path: Path
) -> AsyncIterator[Callable[[str], tuple[Equipment, AvatarStore]]]:
    """Equipment with a store of its own, as on a machine of its own, and what is slow replaced."""
    libraries: list[AvatarLibrary] = []

    def make(name: str) -> tuple[Equipment, AvatarStore]:
        store = AvatarStore(tmp_path / f"store-{name}", guests=guests)
        library = AvatarLibrary(head, store, [guest_id])
        libraries.append(library)
        return Equipment(library, FakeTracker, lambda model: FakeRenderer(), f"tracker of {name}"), store

    guest_id = await asyncio.to_thread(write_guests, guests, head)
    yield make
    for library in libraries:
        await library.aclose()


@pytest.fixture
async def start_server(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    """Starts a server; `port` to start one again at the same place. It is stopped with the test, or by the stack."""
    web_root = tmp_path / "web"
    web_root.mkdir()
    (web_root / "index.html").write_text("<!doctype html>")
    for folder in ("src", "styles", "guests"):
        (web_root / folder).mkdir()
    stacks: list[AsyncExitStack] = []

    async def start(port: int = 0, **settings) -> tuple[RunningServer, AsyncExitStack]:
        config = ServerConfig(port=port, secret="a secret for tests only", web_root=web_root, **settings)
        stack = AsyncExitStack()
        server = await stack.enter_async_context(running_server(config))
        stacks.append(stack)
        return server, stack

    yield start
    for stack in stacks:
        await stack.aclose()
