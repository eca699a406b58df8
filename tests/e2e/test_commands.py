"""Bad input to the commands: one clear sentence, a non-zero status, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

SECRET = "a-secret-that-is-long-enough-for-tests"


def run(*arguments: str, secret: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "visavis", *arguments]
    environment = {**os.environ, "VISAVIS_SECRET": secret}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=environment)


def assert_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last, done.stderr


def test_bot_without_a_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing.mp4"
    assert_sentence(run("bot", "--video", str(missing)), "missing.mp4")


@pytest.mark.parametrize("command", ["bot", "bench"])
def test_a_file_that_is_no_video(command: str, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    arguments = ["bot", "--video", str(text)] if command == "bot" else ["bench", "track", "--clips", str(tmp_path)]
    assert_sentence(run(*arguments), "notes.mp4")


@contextmanager
def serving(*options: str, **variables: str) -> Iterator[str]:
    """Runs `visavis serve` at a free port, with environment variables; gives its address."""
    command = [sys.executable, "-P", "-m", "visavis", "serve", "--port", "0", "--hosted", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "VISAVIS_SECRET": SECRET, **variables}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


def test_bot_with_a_video_without_a_face(tmp_path: Path) -> None:
    path = tmp_path / "grey.mp4"
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream("libx264", rate=25)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((128, 128, 3), 127, np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                sink.mux(packet)
        for packet in stream.encode(None):
            sink.mux(packet)
    with serving() as url:
        assert_sentence(run("bot", "--video", str(path), "--server", url), "face")


def test_bot_with_a_wrong_passcode_is_told_so(recording: Path) -> None:
    with serving("--passcode", "right") as url:
        assert_sentence(run("bot", "--video", str(recording), "--server", url, "--passcode", "wrong"), "passcode")


def test_bot_presents_its_invitation(recording: Path) -> None:
    with serving(VISAVIS_REQUIRE_INVITE="1") as url:
        arguments = ["bot", "--video", str(recording), "--server", url]
        assert_sentence(run(*arguments), "invitation")
        assert_sentence(run(*arguments, "--invite", "forged"), "link", "not valid")


def test_bot_without_a_server(recording: Path) -> None:
    assert_sentence(run("bot", "--video", str(recording), "--server", "http://127.0.0.1:9"), "127.0.0.1:9")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_port_in_use(command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_sentence(run(command, "--port", port), port, "in use")


@pytest.mark.parametrize(("command", "port"), [("serve", "70000"), ("demo", "70000"), ("demo", "0")])
def test_a_port_that_is_none(command: str, port: str) -> None:
    done = run(command, "--port", port)
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_host_without_a_secret() -> None:
    assert_sentence(run("host", "--server", "http://127.0.0.1:9"), "VISAVIS_SECRET")


def test_host_without_a_server() -> None:
    assert_sentence(run("host", "--server", "http://127.0.0.1:9", secret=SECRET), "127.0.0.1:9", "reached")


def test_host_with_a_wrong_secret() -> None:
    with serving() as url:
        assert_sentence(run("host", "--server", url, secret="not " + SECRET), "VISAVIS_SECRET", "same")


def test_bench_needs_clips(tmp_path: Path) -> None:
    assert_sentence(run("bench", "track", "--clips", str(tmp_path)), str(tmp_path))


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("demo", "serve", "host", "bot", "encode", "decode", "bench", "invite"):
        assert name in done.stdout
