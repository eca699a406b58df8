"""`visavis serve`, `visavis host`, `visavis invite`: what a host of rooms runs."""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from visavis.errors import CommandError
from visavis.processes import keep_running

if TYPE_CHECKING:
    from server.config import ServerConfig


class Renderer(StrEnum):
    """The backends that there are (renderer.backends.choose)."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


SERVER_OPTION = typer.Option(help="Address of the server.", envvar="VISAVIS_SERVER")
LOCAL_SERVER = "http://127.0.0.1:8080"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port.  [default: 8080]", min=0, max=65535)] = None,
    hosted: Annotated[int, typer.Option(help="Hosted client processes to start for people with only a browser.")] = 1,
    passcode: Annotated[str | None, typer.Option(help="Ask for this before a join.", envvar="VISAVIS_PASSCODE")] = None,
) -> None:
    """Run the meeting server. Everything else is set by VISAVIS_* variables (docs/hosting.md)."""
    from server.config import config_from_environment

    config = config_from_environment(os.environ, host=host, port=port, passcode=passcode)
    asyncio.run(_serve(Console(), config, hosted))


async def _serve(console: Console, config: ServerConfig, hosted: int) -> None:
    from client.shutdown import stopped_by_signals
    from server.run import running_server

    def on_line(line: str) -> None:
        console.print(line, style="dim", markup=False, highlight=False)

    async with stopped_by_signals(), running_server(config) as server, asyncio.TaskGroup() as group:
        console.print(f"Serving at {server.url}", highlight=False)
        arguments = ("host", "--server", server.url)
        for index in range(hosted):
            name = f"hosted client {index + 1}"
            group.create_task(keep_running(name, arguments, on_line, {"VISAVIS_SECRET": config.secret}), name=name)
        await asyncio.Event().wait()


def host(
    server: Annotated[str, SERVER_OPTION] = LOCAL_SERVER,
    capacity: Annotated[int, typer.Option(help="People to serve at once.")] = 4,
    renderer: Annotated[
        Renderer, typer.Option(help="What draws; `auto`: the graphics card if it can.", envvar="VISAVIS_RENDERER")
    ] = Renderer.AUTO,
) -> None:
    """Run a hosted client: it tracks and renders for people who have only a browser. Needs VISAVIS_SECRET."""
    from client.errors import JoinRefused
    from client.hosted import HostedConfig, run_hosted
    from codec.signaling import ErrorCode
    from server.tokens import make_worker_token

    secret = _secret()
    try:
        asyncio.run(run_hosted(HostedConfig(server, lambda: make_worker_token(secret), capacity, renderer.value)))
    except JoinRefused as error:
        if error.error_code != ErrorCode.BAD_TOKEN:
            raise
        raise CommandError("The server does not accept VISAVIS_SECRET: use the same secret as the server.") from None


def invite(
    room: Annotated[str, typer.Argument(help="Name of the room.")],
    server: Annotated[str, SERVER_OPTION] = LOCAL_SERVER,
    hours: Annotated[float, typer.Option(help="How long the link lets people in.", min=0.01)] = 24,
) -> None:
    """Print a link that lets people into a room of a server that requires invitations. Needs VISAVIS_SECRET."""
    from server.tokens import Tokens, make_invite

    try:
        token = make_invite(Tokens(_secret()), room, hours * 3600)
    except ValueError as error:
        raise CommandError(str(error)) from None
    print(f"{server}/?room={room}#invite={token}")


def _secret() -> str:
    secret = os.environ.get("VISAVIS_SECRET", "")
    if not secret:
        raise CommandError("VISAVIS_SECRET is not set: use the same secret as the server.")
    return secret
