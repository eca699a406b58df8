"""`visavis decode`: the counterpart of `visavis encode`, which is `visavis render` with the stream named first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.commands.render import (
    Behind,
    Distance,
    EyeContact,
    Fps,
    Half,
    InStereo,
    Orbit,
    Out,
    Pitch,
    Size,
    Threads,
    Turn,
    Yaw,
    render,
)


def decode(
    stream: Annotated[
        Path, typer.Argument(metavar="STREAM", help="A stream file (`visavis encode`), or a track file.")
    ],
    avatar: Annotated[
        str | None, typer.Option(help="A guest's name or id, or an avatar file (.vav); default: the first guest.")
    ] = None,
    out: Out = Path("head.mp4"),
    size: Size = 512,
    fps: Fps = None,
    orbit: Orbit = None,
    turn: Turn = None,
    yaw: Yaw = 0.0,
    pitch: Pitch = 0.0,
    distance: Distance = 0.95,
    eye_contact: EyeContact = False,
    stereo: InStereo = False,
    half: Half = False,
    background: Behind = "#20242c",
    threads: Threads = None,
) -> None:
    """Show the face of a stream again, on an avatar (docs/stream-file.md)."""
    from avatar_store.guests import list_guests

    render(
        avatar=list_guests()[0].name if avatar is None else avatar,
        stream=stream,
        out=out,
        size=size,
        fps=fps,
        orbit=orbit,
        turn=turn,
        yaw=yaw,
        pitch=pitch,
        distance=distance,
        eye_contact=eye_contact,
        stereo=stereo,
        half=half,
        background=background,
        threads=threads,
    )
