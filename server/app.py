"""The aiohttp application: the composition root of the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from server import api
from server.config import ServerConfig
from server.hub import Hub
from server.limits import AddressLimit, PasscodeGuard
from server.metrics import Metrics
from server.pages import add_pages
from server.state import STATE, ServerState
from server.tokens import Tokens
from server.websocket import serve_part, serve_worker

TICK_S = 0.5
CLOSE_GOING_AWAY = 1001


def make_app(
    config: ServerConfig,
    *,
    now: Callable[[], float] = time.monotonic,
    wall_now: Callable[[], float] = time.time,
) -> web.Application:
    """The server, ready to be run.

    Args:
        config: its settings.
        now: monotonic seconds.
        wall_now: Unix time in seconds, for tokens and TURN credentials.

    Raises:
        ConfigError: the web root is not one.
    """
    tokens, metrics = Tokens(config.secret, wall_now), Metrics()
    state = ServerState(
        config=config,
        tokens=tokens,
        metrics=metrics,
        hub=Hub(config, tokens, metrics, wall_now),
        join_limit=AddressLimit(config.joins_per_minute / 60, config.joins_per_minute),
        passcode_guard=None if config.passcode is None else PasscodeGuard(config.passcode),
        now=now,
    )
    app = web.Application(client_max_size=api.MAX_BODY_BYTES)
    app[STATE] = state
    app.router.add_post("/api/token", api.post_token)
    app.router.add_get("/api/config", api.get_config)
    app.router.add_get("/api/ws", serve_part)
    app.router.add_get("/api/worker", serve_worker)
    app.router.add_get("/healthz", api.get_health)
    app.router.add_get("/metrics", api.get_metrics)
    add_pages(app, state)
    app.cleanup_ctx.append(_tick)
    app.on_shutdown.append(_close_sockets)
    return app


async def _tick(app: web.Application) -> AsyncIterator[None]:
    """Lets deadlines pass while the server runs."""
    state, loop = app[STATE], asyncio.get_running_loop()

    def tick() -> None:
        nonlocal timer
        timer = loop.call_later(TICK_S, tick)
        state.hub.tick(state.now())

    timer = loop.call_later(TICK_S, tick)
    yield
    timer.cancel()


async def _close_sockets(app: web.Application) -> None:
    app[STATE].hub.close(CLOSE_GOING_AWAY, "the server stops")
