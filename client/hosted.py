"""The hosted client process: serves people who have only a browser, one session each (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from avatar_store.open_store import default_store
from client import aiortc_setup
from client.enrolment_queue import EnrolmentQueue, EnrolmentRunner
from client.enrolment_runner import SubprocessRunner
from client.enrolment_upload import TakeStorage
from client.equipment import Equipment
from client.errors import ClientError, JoinRefused
from client.server_socket import ServerSocket, stay_connected
from client.server_url import parse_server_url
from client.session import Session
from client.shutdown import stopped_by_signals
from client.tasks import TaskOwner
from client.view.pool import DrawingPool
from codec.signaling import (
    Assign,
    Error,
    Unassign,
    WorkerCommand,
    WorkerHello,
    WorkerWelcome,
    parse_worker_command,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HostedConfig:
    """A hosted client process.

    Args:
        server_url: e.g. `http://127.0.0.1:8080`.
        make_token: a fresh worker token; called for each connection, since tokens expire.
        capacity: people to serve at once.
        renderer: what draws (renderer.backends.choose).
    """

    server_url: str
    make_token: Callable[[], str]
    capacity: int = 4
    renderer: str = "auto"


async def run_hosted(config: HostedConfig, equipment: Equipment | None = None) -> None:
    """Serves people until SIGINT or SIGTERM.

    Raises:
        JoinRefused: the server refuses the token.
        ServerUnreachable: there is no server.
        ClientError: the server's address is none.
    """
    parse_server_url(config.server_url)  # said before anything is loaded
    aiortc_setup.install()
    async with stopped_by_signals():
        if equipment is None:
            from client.load_equipment import load_equipment

            equipment = await asyncio.to_thread(load_equipment, default_store(), config.renderer)
        try:
            await HostedWorker(config, equipment).run()
        finally:
            await equipment.library.aclose()


class HostedWorker:
    """The connection to the server, the sessions, and what all of them share: who draws, and who makes avatars.

    Args:
        config: its own.
        equipment: of the process.
        runner: makes avatars; None: in processes of their own.

    Raises:
        ClientError: the server's address is none.
    """

    def __init__(self, config: HostedConfig, equipment: Equipment, runner: EnrolmentRunner | None = None) -> None:
        self._config = config
        self._equipment = equipment
        self._pool = DrawingPool()
        self._queue = EnrolmentQueue(runner or SubprocessRunner(), TakeStorage())
        self._tasks = TaskOwner("hosted")
        self._sessions: dict[str, asyncio.Task[None]] = {}
        self._url = parse_server_url(config.server_url) / "api/worker"

    async def run(self) -> None:
        """Connects and reconnects until cancelled; sessions outlive a lost connection.

        Raises:
            JoinRefused: the server refuses the token.
            ServerUnreachable: there is no server.
        """
        await asyncio.to_thread(self._queue.storage.sweep)
        try:
            await stay_connected(self._url, self._speak)
        finally:
            await self._tasks.aclose()
            await self._queue.aclose()
            await asyncio.to_thread(self._pool.close)

    async def _speak(self, socket: ServerSocket) -> bool:
        """One connection's life; True, since a worker comes back whatever ended it."""

        def take(command: WorkerCommand) -> None:
            socket.welcomed |= isinstance(command, WorkerWelcome)
            self._obey(command)

        hello = WorkerHello(self._config.make_token(), self._config.capacity, tuple(self._sessions))
        await socket.send(hello.to_json())
        await socket.listen(parse_worker_command, take)
        return True

    def _obey(self, command: WorkerCommand) -> None:
        match command:
            case WorkerWelcome():
                logger.info("hosted client ready: capacity=%d", self._config.capacity)
            case Assign(member_id, attach_token):
                self._assign(member_id, attach_token)
            case Unassign(member_id):
                self._unassign(member_id)
            case Error(error_code, detail, fatal):
                if fatal:
                    raise JoinRefused(error_code, detail)
                logger.warning("server: %s", error_code)

    def _assign(self, member_id: str, attach_token: str) -> None:
        self._unassign(member_id)
        task = self._tasks.start(self._serve(attach_token), f"session-{member_id[:8]}")
        self._sessions[member_id] = task
        task.add_done_callback(lambda done: self._forget(member_id, done))

    def _forget(self, member_id: str, task: asyncio.Task[None]) -> None:
        if self._sessions.get(member_id) is task:
            del self._sessions[member_id]

    def _unassign(self, member_id: str) -> None:
        task = self._sessions.pop(member_id, None)
        if task is not None:
            task.cancel()

    async def _serve(self, attach_token: str) -> None:
        """One session's life; whatever goes wrong in it stays in it (the server assigns the person anew)."""
        session = Session(self._config.server_url, attach_token, self._equipment, self._pool, self._queue)
        logger.info("session begins")
        try:
            await session.run()
        except ClientError as error:
            logger.warning("session ended: %s", type(error).__name__)
        except Exception:
            logger.exception("session failed")
        else:
            logger.info("session ended")
