"""`visavis demo`: a server, a hosted client and two bots on this machine, in one command."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from visavis.errors import CommandError

BOTS = 2


def demo(
    video: Annotated[list[Path] | None, typer.Option(help="A recording for the bots (repeat for more).")] = None,
    port: Annotated[int, typer.Option(help="Port of the page.", min=1, max=65535)] = 8080,
    room: Annotated[str, typer.Option(help="Name of the room.")] = "demo",
) -> None:
    """Start everything on this machine and print the address of the page. Ctrl-C ends it."""
    console = Console()
    for path in video or ():
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
    _require_free_port(port)
    with tempfile.TemporaryDirectory(prefix="visavis-") as scratch:
        recordings = video or _sample_recordings(console, Path(scratch))
        asyncio.run(_run(console, recordings, port, room))
    console.print("bye")


def _require_free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(f"Port {port} is already in use: choose another with --port.") from None


def _sample_recordings(console: Console, scratch: Path) -> list[Path]:
    from visavis.sample import fetch_recordings

    try:
        return fetch_recordings(console.print)
    except CommandError as error:
        from visavis.rendered_sample import render_sample

        console.print(f"{error} Instead the bots play a rendered guest avatar.")
        return [render_sample(scratch / "rendered.mp4", console)]


async def _run(console: Console, recordings: list[Path], port: int, room: str) -> None:
    from client.shutdown import stopped_by_signals
    from visavis.local_room import open_room

    def on_line(name: str, line: str) -> None:
        console.print(f"{name:>7} | {line}", style="dim", markup=False, highlight=False)

    async with stopped_by_signals(), open_room(port=port, room=room, on_line=on_line, say=console.print) as opened:
        count = max(BOTS, len(recordings))
        for index in range(count):
            recording = recordings[index % len(recordings)]
            console.print(f"starting bot {index + 1} of {count} on {recording.name}")
            await opened.start_bot(f"Bot {index + 1}", recording)
        await opened.wait_for_members(count, or_more=True)  # a page left open may be in already
        console.print(f"\n[bold green]Ready.[/] Open [bold]{opened.page_url}[/] (Ctrl-C ends the demo)\n")
        await asyncio.Event().wait()
