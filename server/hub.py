"""Joins the state machines to the sockets: rooms ask for hosted clients, the worker pool provides them.

Everything here is synchronous and takes `now`; a socket is anything with `send` and `close`.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, assert_never

from codec.signaling import (
    PROTOCOL_VERSION,
    Assign,
    ErrorCode,
    Hello,
    Message,
    PartMessage,
    SignalingError,
    Unassign,
    WorkerHello,
    WorkerWelcome,
)
from server.commands import (
    AssignClient,
    ClosePart,
    ConfirmHosted,
    ReleaseHosted,
    ReportClientLost,
    ReportNoneFree,
    RequestHosted,
    RoomCommand,
    SendToPart,
    UnassignClient,
    WorkerPoolCommand,
)
from server.config import ServerConfig
from server.metrics import Metrics
from server.rooms import Rooms
from server.tokens import AttachClaims, JoinClaims, ResumeClaims, Tokens, WorkerClaims
from server.workers import WorkerPool


class Socket(Protocol):
    """Where messages go; both calls return at once."""

    def send(self, message: Message) -> None:
        """Queues a message."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Closes the socket after what is queued."""
        ...


class Hub:
    """The whole signaling server but for its sockets.

    Args:
        config: limits and times.
        tokens: signs and verifies tokens.
        metrics: counts what happens.
        wall_now: Unix time, for TURN credentials.
    """

    def __init__(
        self, config: ServerConfig, tokens: Tokens, metrics: Metrics, wall_now: Callable[[], float] = time.time
    ) -> None:
        self._tokens = tokens
        self._metrics = metrics
        self._rooms = Rooms(config, tokens, metrics, wall_now)
        self._pool = WorkerPool(config.attach_timeout_s, self._rooms.is_in_room)
        self._ids = itertools.count(1)
        self._parts: dict[int, Socket] = {}
        self._workers: dict[int, Socket] = {}

    def gauges(self) -> dict[str, int]:
        """Current sizes, for `/metrics` and `/healthz`."""
        return {
            "members": self._rooms.member_count,
            "lobby_members": self._rooms.lobby_count,
            "rooms": self._rooms.room_count,
            "open_connections": len(self._parts) + len(self._workers),
            "workers": self._pool.worker_count,
            "hosted_capacity": self._pool.capacity,
            "hosted_assigned": self._pool.assigned_count,
            "hosted_waiting": self._pool.waiting_count,
        }

    def open_part(self, socket: Socket, hello: Hello, now: float) -> int:
        """A part said hello; returns the id of its connection.

        Raises:
            SignalingError: fatal.
        """
        _check_version(hello.version)
        claims = self._tokens.verify(hello.token, JoinClaims, AttachClaims, ResumeClaims)
        connection_id = next(self._ids)
        self._parts[connection_id] = socket
        try:
            commands = self._rooms.enter(connection_id, hello.part, claims, now)
        except SignalingError:
            del self._parts[connection_id]
            raise
        self._run(commands, now)
        return connection_id

    def receive_from_part(self, connection_id: int, message: PartMessage, now: float) -> None:
        """A part sent a message.

        Raises:
            SignalingError: the message is refused.
        """
        self._metrics.messages += 1
        self._run(self._rooms.receive(connection_id, message, now), now)

    def close_part(self, connection_id: int, now: float) -> None:
        """A part's socket is gone."""
        self._parts.pop(connection_id, None)
        self._run(self._rooms.disconnect(connection_id, now), now)

    def open_worker(self, socket: Socket, hello: WorkerHello, now: float) -> int:
        """A worker said hello; returns its id.

        Raises:
            SignalingError: fatal.
        """
        _check_version(hello.version)
        self._tokens.verify(hello.token, WorkerClaims)
        worker_id = next(self._ids)
        self._workers[worker_id] = socket
        socket.send(WorkerWelcome())
        serving = tuple(dict.fromkeys(hello.members))[: hello.capacity]
        attached = [member_id for member_id in serving if self._rooms.adopt(member_id)]
        self._run(self._pool.add(worker_id, hello.capacity, serving, attached, now), now)
        return worker_id

    def close_worker(self, worker_id: int, now: float) -> None:
        """A worker's socket is gone."""
        self._workers.pop(worker_id, None)
        self._run(self._pool.remove(worker_id, now), now)

    def tick(self, now: float) -> None:
        """Lets deadlines pass; to be called about twice a second."""
        self._run([*self._rooms.tick(now), *self._pool.tick(now)], now)

    def close(self, code: int, reason: str) -> None:
        """Closes all sockets."""
        for socket in (*self._parts.values(), *self._workers.values()):
            socket.close(code, reason)

    def _run(
        self, commands: list[RoomCommand] | list[RoomCommand | WorkerPoolCommand] | list[WorkerPoolCommand], now: float
    ) -> None:
        """Carries commands out in order; those that follow from one come after all earlier ones."""
        queue = deque[RoomCommand | WorkerPoolCommand](commands)
        while queue:
            queue.extend(self._run_one(queue.popleft(), now))

    def _run_one(
        self, command: RoomCommand | WorkerPoolCommand, now: float
    ) -> list[RoomCommand] | list[WorkerPoolCommand]:
        match command:
            case SendToPart():
                if command.connection_id in self._parts:
                    self._parts[command.connection_id].send(command.message)
            case ClosePart():
                if command.connection_id in self._parts:
                    self._parts[command.connection_id].close(command.code, command.reason)
            case RequestHosted():
                return self._pool.request(command.member_id, now)
            case ConfirmHosted():
                self._pool.confirm(command.member_id)
            case ReleaseHosted():
                return self._pool.release(command.member_id, now)
            case AssignClient():
                token = self._rooms.assign(command.member_id)
                if token is None:
                    return self._pool.release(command.member_id, now)
                self._send_to_worker(command.worker_id, Assign(command.member_id, token))
            case UnassignClient():
                self._send_to_worker(command.worker_id, Unassign(command.member_id))
            case ReportNoneFree():
                return self._rooms.none_free(command.member_id)
            case ReportClientLost():
                return self._rooms.client_lost(command.member_id)
            case _:
                assert_never(command)
        return []

    def _send_to_worker(self, worker_id: int, message: Assign | Unassign) -> None:
        if worker_id in self._workers:
            self._workers[worker_id].send(message)


def _check_version(version: int) -> None:
    if version != PROTOCOL_VERSION:
        detail = f"This server speaks version {PROTOCOL_VERSION} of the protocol, not {version}: update the older side."
        raise SignalingError(ErrorCode.BAD_VERSION, detail, fatal=True)
