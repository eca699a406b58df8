"""What the request handlers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from server.config import ServerConfig
from server.hub import Hub
from server.limits import AddressLimit, PasscodeGuard
from server.metrics import Metrics
from server.sockets import QueuedSocket
from server.tokens import Tokens


@dataclass(frozen=True)
class ServerState:
    """The parts of a running server.

    Args:
        config: its settings.
        tokens: signs and verifies tokens.
        metrics: counters.
        hub: rooms and workers.
        join_limit: join tokens for each address.
        passcode_guard: checks the passcode, if there is one.
        now: monotonic seconds.
        open_sockets: sockets that are open, those that have not said hello included.
    """

    config: ServerConfig
    tokens: Tokens
    metrics: Metrics
    hub: Hub
    join_limit: AddressLimit
    passcode_guard: PasscodeGuard | None
    now: Callable[[], float]
    open_sockets: set[QueuedSocket] = field(default_factory=lambda: set[QueuedSocket]())


STATE = web.AppKey("state", ServerState)
