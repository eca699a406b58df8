"""What a bot is to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codec.stream_file import FaceStream
from tracker.loop_mode import LoopMode


@dataclass(frozen=True)
class BotConfig:
    """See the module.

    Args:
        server_url: e.g. `http://127.0.0.1:8080`.
        room: name of the room.
        source: a recording, which is tracked, or a stream, which is replayed.
        avatar_id: what `choose_avatar` understands; None: a guest that goes with the bot's name.
        name: shown to the others.
        loop: begin again when it ends; otherwise the bot leaves then.
        audio: send a recording's sound.
        passcode: of the server.
        invite: invitation token.
        record_peer: write the first other head, as rendered here, to this MP4.
        profile: of the recorded person (tracker.profile).
        closed_loop: whether the avatar is a likeness of the recorded person, against which the tracker's answers are
            corrected.

    A stream has no sound and needs no tracker, so `audio`, `profile` and `closed_loop` do nothing for one.
    """

    server_url: str
    room: str
    source: Path | FaceStream
    avatar_id: str | None = None
    name: str = "Bot"
    loop: bool = False
    audio: bool = True
    passcode: str | None = None
    invite: str | None = None
    record_peer: Path | None = None
    profile: Path | None = None
    closed_loop: LoopMode = LoopMode.AUTO
