"""A room on this machine: server, hosted client and bots, each in its own process, all on loopback.

The demo, `visavis bench call`, the end-to-end tests and the screenshot tool open one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from visavis.errors import CommandError
from visavis.processes import Child

READY_TIMEOUT_S = 180.0
POLL_S = 0.1


@dataclass
class LocalRoom:
    """A running server and its children; `open_room` makes one."""

    url: str
    room: str
    environment: dict[str, str]
    on_line: Callable[[str, str], None]
    group: asyncio.TaskGroup
    children: dict[str, Child] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def page_url(self) -> str:
        """What a person would open."""
        return f"{self.url}/?room={self.room}"

    async def start(self, name: str, arguments: Sequence[str]) -> None:
        """Starts `visavis ARGUMENTS`; its unexpected end fails the room."""
        child = await Child.start(name, arguments, lambda line: self.on_line(name, line), self.environment)
        self.children[name] = child
        self._tasks.append(self.group.create_task(self._watch(child), name=name))

    async def _watch(self, child: Child) -> None:
        status = await child.run()
        raise CommandError(f"{child.name} stopped (status {status}): {child.last_line or 'it printed nothing'}")

    async def start_bot(self, name: str, video: Path, *options: str) -> None:
        """Starts a bot that plays `video` in a loop."""
        arguments = ["bot", "--server", self.url, "--room", self.room, "--video", str(video), "--loop", "--name", name]
        await self.start(name, [*arguments, *options])

    async def stop(self, name: str | None = None) -> None:
        """Stops one child, or all in the reverse order of their start, and waits for their end."""
        chosen = [task for task in reversed(self._tasks) if name is None or task.get_name() == name]
        for task in chosen:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._tasks.remove(task)

    async def health(self) -> dict[str, Any]:
        """The server's /healthz, or an empty dict while it does not answer."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/healthz") as response:
                return await response.json()
        except aiohttp.ClientError:
            return {}

    async def wait_for(self, condition: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Waits until /healthz fulfils `condition`.

        Raises:
            CommandError: not within READY_TIMEOUT_S; the message names `what`.
        """
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not condition(await self.health()):  # noqa: ASYNC110 - other processes are polled
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise CommandError(f"The room did not get {what} within {READY_TIMEOUT_S:.0f} s.") from None

    async def wait_for_workers(self, count: int) -> None:
        """Waits until `count` hosted client processes are ready."""
        await self.wait_for(lambda health: health.get("workers", 0) >= count, f"{count} hosted clients")

    async def wait_for_members(self, count: int, *, or_more: bool = False) -> None:
        """Waits until exactly `count` members are in rooms; with `or_more`, until at least so many are."""

        def is_met(health: dict[str, Any]) -> bool:
            members = health.get("members", 0)
            return members >= count if or_more else members == count

        await self.wait_for(is_met, f"{count} members")


@asynccontextmanager
async def open_room(
    *, port: int, room: str, on_line: Callable[[str, str], None], say: Callable[[str], None] = lambda line: None
) -> AsyncIterator[LocalRoom]:
    """Starts a server and one hosted client, and stops every child in the end.

    Args:
        port: TCP port of the server on 127.0.0.1.
        room: name of the room.
        on_line: called with (child, line) for every line that a child prints.
        say: called with a sentence before each step.

    Raises:
        CommandError: a child ended by itself, or something did not get ready.
    """
    environment = {"VISAVIS_SECRET": secrets.token_urlsafe(32), "VISAVIS_LOOPBACK": "1"}
    try:
        async with asyncio.TaskGroup() as group:
            opened = LocalRoom(f"http://127.0.0.1:{port}", room, environment, on_line, group)
            try:
                say("starting the server")
                await opened.start("server", ["serve", "--host", "127.0.0.1", "--port", str(port), "--hosted", "0"])
                await opened.wait_for(bool, "a server")
                say("starting the hosted client (loads the face model, compiles the renderer on first use)")
                await opened.start("hosted", ["host", "--server", opened.url])
                await opened.wait_for_workers(1)
                yield opened
            finally:
                await asyncio.shield(opened.stop())
    except BaseExceptionGroup as problems:
        sentence = next((error for error in problems.exceptions if isinstance(error, CommandError)), None)
        if sentence is None:
            raise
        raise sentence from None
