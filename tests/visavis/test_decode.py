"""`visavis decode`: the same pictures as `visavis render`, from the same options."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatar_store.guests import list_guests
from codec.range_steps import RangeConfig
from codec.stream_file import pack_stream
from tests.support.tracks import made_track
from visavis.__main__ import app
from visavis.commands.decode import decode
from visavis.commands.render import render
from visavis.errors import CommandError
from visavis.face_streams import stream_of_track


@pytest.fixture
def source(tmp_path: Path) -> Path:
    track = made_track([index / 25 for index in range(3)])
    path = tmp_path / "face.vvs"
    path.write_bytes(pack_stream(stream_of_track(track, RangeConfig(50, 4))))
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, [*map(str, arguments)])


def pictures(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_the_options_are_those_of_render() -> None:
    decoding, rendering = (dict(signature(command).parameters) for command in (decode, render))
    for parameters in (decoding, rendering):
        del parameters["avatar"], parameters["stream"]
    assert list(decoding.values()) == list(rendering.values())


def test_the_pictures_are_those_of_render(source: Path, tmp_path: Path) -> None:
    first, last = list_guests()[0].name, list_guests()[-1].name
    view = ("--size", 64, "--threads", 1, "--yaw", 30, "--background", "transparent")
    for wanted, options in ((first, ()), (last, ("--avatar", last))):
        decoded, rendered = tmp_path / f"{wanted} decoded", tmp_path / f"{wanted} rendered"
        result = run("decode", source, "-o", decoded, *options, *view)
        assert result.exit_code == 0, result.output
        assert "3 pictures of 64 x 64, 0.1 s" in result.stdout
        assert run("render", wanted, "--stream", source, "-o", rendered, *view).exit_code == 0
        assert len(pictures(decoded)) == 3
        assert pictures(decoded) == pictures(rendered)


def test_what_cannot_be_decoded_is_told_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.vvs").write_text("dear diary")
    there = sorted(tmp_path.iterdir())
    for stream, options, sentence in (
        (tmp_path / "notes.vvs", (), "is no stream that can be read"),
        (tmp_path / "missing.vvs", (), "cannot be read"),
        (source, ("--avatar", "nobody"), "There is no avatar 'nobody'"),
        (source, ("--avatar", ""), "There is no avatar ''"),
        (source, ("--size", 66), "--size is 64 to 4096"),
        (source, ("-o", tmp_path / "face.json"), "name an .mp4, .webm or .mov file"),
        (source, ("-o", source), "name an .mp4, .webm or .mov file"),
    ):
        result = run("decode", stream, "-o", tmp_path / "head.mp4", *options)
        assert result.exit_code != 0
        assert isinstance(result.exception, CommandError), (options, result)
        assert sentence in str(result.exception)
    assert sorted(tmp_path.iterdir()) == there
