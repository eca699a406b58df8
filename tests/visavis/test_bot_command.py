"""What `visavis bot` says to options that do not go together; what it does is tested in calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from client import bot
from codec.stream_file import FaceStream, pack_stream
from tests.support.tracks import made_track
from visavis.__main__ import app
from visavis.errors import CommandError
from visavis.face_streams import stream_of_track


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "talk.vvs"
    path.write_bytes(pack_stream(stream_of_track(made_track([0.0, 0.04]))))
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["bot", *map(str, arguments)])


def test_a_stream_is_replayed_under_its_name(stream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[bot.BotConfig] = []

    async def note(config: bot.BotConfig) -> None:
        configs.append(config)

    monkeypatch.setattr(bot, "run_bot", note)
    options = ("--loop", "--avatar", "Kofi", "--record", "seen.mp4", "--passcode", "open", "--invite", "token")
    assert run("--stream", stream, *options).exit_code == 0
    (config,) = configs
    assert isinstance(config.source, FaceStream)
    assert len(config.source) == 2
    assert (config.name, config.loop, config.avatar_id) == ("talk", True, "Kofi")
    assert (config.record_peer, config.passcode, config.invite) == (Path("seen.mp4"), "open", "token")


def test_what_does_not_go_together_is_told(stream: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.vvs").write_text("dear diary")
    for options, sentence in (
        ((), "one of them"),
        (("--video", "a.mp4", "--stream", stream), "one of them"),
        (("--stream", stream, "--profile", "me.profile"), "are for --video"),
        (("--stream", stream, "--closed-loop", "on"), "are for --video"),
        (("--stream", tmp_path / "notes.vvs"), "is no stream that can be read"),
        (("--stream", tmp_path / "missing.vvs"), "cannot be read"),
    ):
        result = run(*options)
        assert result.exit_code != 0
        assert isinstance(result.exception, CommandError), (options, result)
        assert sentence in str(result.exception)
