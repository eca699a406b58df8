"""Starts the server as a context; stopping it is up to the program around it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from aiohttp import web

from server.app import make_app
from server.config import ServerConfig
from server.errors import ServerStartError

SHUTDOWN_S = 5.0


@dataclass(frozen=True)
class RunningServer:
    """A server that listens.

    Args:
        host: a name or address under which this machine reaches it.
        port: the port that it really has.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """Its address in a browser on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextlib.asynccontextmanager
async def running_server(config: ServerConfig) -> AsyncGenerator[RunningServer, None]:
    """Runs the server inside the caller's event loop until the block is left.

    Raises:
        ConfigError: the web root is not one.
        ServerStartError: the server cannot listen at its address.
    """
    app = await asyncio.to_thread(make_app, config)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)  # an access log would hold addresses
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, config.host, config.port).start()
        except OSError as error:
            raise ServerStartError(_explain(error, config)) from error
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(config.host, config.host)
        yield RunningServer(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _explain(error: OSError, config: ServerConfig) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {config.port} is already in use: choose another with --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {config.port} needs administrator rights: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{config.host} is not an address of this machine: choose another with --host"
    return f"The server cannot listen at {config.host}:{config.port}: {error.strerror or error}"
