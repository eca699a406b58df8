"""`visavis bot`: a recorded person takes part in a call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.commands.closed_loop import ClosedLoop
from visavis.errors import CommandError


def bot(
    video: Annotated[
        Path | None, typer.Option(help="The recording: any video with a face that FFmpeg can read.")
    ] = None,
    stream: Annotated[
        Path | None, typer.Option(help="Or a stream file (`visavis encode`) or track file, replayed without sound.")
    ] = None,
    room: Annotated[str, typer.Option(help="Name of the room.")] = "lobby",
    server: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:8080",
    avatar: Annotated[
        str | None, typer.Option(help="Avatar id, name or file; default: a guest by the bot's name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name shown to the others; default: the file's.")] = None,
    profile: Annotated[
        Path | None, typer.Option(help="The profile of the recorded person (`visavis calibrate`, `visavis enroll`).")
    ] = None,
    closed_loop: Annotated[
        ClosedLoop,
        typer.Option(help="Correct the tracker against the avatar; auto: if the profile says that it is the person's."),
    ] = ClosedLoop.AUTO,
    loop: Annotated[bool, typer.Option("--loop", help="Start again when the file ends.")] = False,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Do not send the file's sound.")] = False,
    passcode: Annotated[str | None, typer.Option(help="Passcode of the server.", envvar="VISAVIS_PASSCODE")] = None,
    invite: Annotated[
        str | None, typer.Option(help="Invitation token (`visavis invite`).", envvar="VISAVIS_INVITE")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Write the first other head, rendered here, to this MP4.")] = None,
) -> None:
    """Play a recording, track its face live and send it to everyone in the room; or replay a stream."""
    file = video if stream is None else stream
    if file is None or (video is not None and stream is not None):
        raise CommandError("Name a recording (--video) or a stream file (--stream), one of them.")
    if stream is not None and (profile is not None or closed_loop is ClosedLoop.ON):
        raise CommandError(
            "--profile and --closed-loop are for --video: the faces of a stream have been tracked already."
        )
    import asyncio

    from client.bot import BotConfig, run_bot
    from tracker.loop_mode import LoopMode
    from visavis.face_streams import load_face_stream

    config = BotConfig(
        server_url=server,
        room=room,
        source=file if stream is None else load_face_stream(stream),
        avatar_id=avatar,
        name=name or file.stem,
        loop=loop,
        audio=not no_audio,
        passcode=passcode,
        invite=invite,
        record_peer=record,
        profile=profile,
        closed_loop=LoopMode(closed_loop.value),
    )
    asyncio.run(run_bot(config))
