"""`visavis enroll`: what its options mean, what it prints and keeps, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import signal
from importlib import util
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from avatar_store.errors import AvatarStoreError
from avatar_store.handles import find_handle
from avatar_store.keys import KEY_FILE
from avatar_store.open_store import default_store
from client.avatars import AvatarLibrary
from client.choose_avatar import choose_avatar
from client.errors import ClientError, MediaError
from codec.avatar_file import avatar_id, unpack_avatar
from enrolment import job_standard_parts
from enrolment.job_types import JobError, Profile, Progress
from enrolment.job_types import Stage as JobStage
from enrolment.metrics import lpips_fetch
from renderer.head.open_head import load_open_head
from tests.support.enrolling import FadingTrainer, Stage
from visavis.__main__ import app
from visavis.enroll_clip import display_name, parse_budget, parse_destination, report_folder, stop_on_interrupt
from visavis.enroll_progress import enroll_progress
from visavis.errors import CommandError
from visavis.output_files import open_video
from visavis.worn_avatar import load_avatar


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "me.mp4"
    with open_video(path, (64, 48), 25) as video:
        for index in range(5):
            video.write(np.full((48, 64, 3), 40 * index, np.uint8), index / 25)
    return path


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(job_standard_parts, "standard_parts", lambda job: stage.parts())
    monkeypatch.setattr(lpips_fetch, "lpips_weights_if_possible", lambda say: None)
    return stage


def run(*arguments: object):
    return CliRunner().invoke(app, ["enroll", *map(str, arguments)])


def test_without_a_name_the_avatar_is_in_the_store(clip: Path, stage: Stage) -> None:
    result = run(clip, "--budget", "1m")
    assert result.exit_code == 0, result.output
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()[:3]] == [
        "reading the recording", "making the instant avatar", "an avatar can be worn already",
    ]  # fmt: skip
    instant = result.stderr.splitlines()[2].split()[-1]
    lines = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert "dB" in lines["held-out pictures"]
    assert Path(lines["report"]) == clip.parent / "home" / "reports" / "me" / "report.html"
    assert Path(lines["report"]).is_file()
    found = lines["avatar"].split()[0]
    assert lines["wear it"] == f"visavis bot --video {clip} --avatar {found}"
    store = default_store()
    data = store.get(found)
    assert data is not None
    assert unpack_avatar(data).name == "me"
    assert instant != found
    assert not store.has(instant)
    assert not list((clip.parent / "home" / "enrolments").iterdir())


def test_a_name_of_ones_own(clip: Path, stage: Stage) -> None:
    result = run(clip, "-o", "Myself", "--name", "Ada", "--json", "--budget", "60")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["avatar"] == "Myself"
    assert find_handle(default_store().root, "myself") == said["id"]
    assert said["trained_s"] > 30
    assert said["scores"]["closed_loop"]["psnr_db"] > 40
    assert not said["stopped"]
    assert not said["resumed"]
    assert load_avatar("myself").asset.name == load_avatar(said["id"]).asset.name == "Ada"  # pyright: ignore
    library = AvatarLibrary.with_shipped_guests(load_open_head(), default_store())
    assert choose_avatar("MYSELF", "bot", library) == said["id"]


def test_a_file(clip: Path, stage: Stage, tmp_path: Path) -> None:
    out = tmp_path / "out.vav"
    result = run(clip, "-o", out, "--report", tmp_path / "told", "--budget", "60s")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "told").iterdir()) == ["report.html", "report.json"]
    library = AvatarLibrary.with_shipped_guests(load_open_head(), default_store())
    assert choose_avatar(str(out), "bot", library) == avatar_id(out.read_bytes())
    assert default_store().has(avatar_id(out.read_bytes()))
    (tmp_path / "no.vav").write_text("text")
    for wrong in (tmp_path / "no.vav", "nobody"):
        with pytest.raises(ClientError, match="no"):
            choose_avatar(str(wrong), "bot", library)


class Interrupting(FadingTrainer):
    """Somebody presses Ctrl-C while it trains."""

    presses = 1

    def train(self, seconds: float) -> None:
        super().train(seconds)
        if self.calls == 60:
            for _ in range(self.presses):
                signal.raise_signal(signal.SIGINT)


class Impatient(Interrupting):
    """Somebody presses it twice."""

    presses = 2


def test_ctrl_c_keeps_the_best_and_the_same_command_goes_on(clip: Path, stage: Stage, tmp_path: Path) -> None:
    stage.trainer = Interrupting
    out = tmp_path / "me.vav"
    before = signal.getsignal(signal.SIGINT)
    result = run(clip, "-o", out, "--json")
    assert result.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert result.stderr.splitlines()[-1] == (
        f"visavis: Stopped after 30 s of training: the best avatar so far is kept ({out}), "
        "and the same command goes on from here."
    )
    assert json.loads(result.stdout)["stopped"]
    assert (tmp_path / "me-report" / "report.html").is_file()
    kept = out.read_bytes()
    stage.trainer = FadingTrainer
    result = run(clip, "-o", out, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["resumed"]
    assert "Going on with what an interrupted run has done." in result.stderr
    assert stage.reads == 1
    assert out.read_bytes() != kept


def test_a_second_ctrl_c_ends_at_once(clip: Path, stage: Stage, tmp_path: Path) -> None:
    stage.trainer = Impatient
    out = tmp_path / "me.vav"
    result = run(clip, "-o", out)
    assert result.exit_code == 130
    assert "Ended at once" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "me-report").exists()
    assert unpack_avatar(out.read_bytes()).name == "me"  # the instant one
    assert not list(tmp_path.rglob("*.part"))
    stage.trainer = FadingTrainer
    assert json.loads(run(clip, "-o", out, "--json").stdout)["resumed"]


def test_ctrl_c_before_there_is_an_avatar(clip: Path, stage: Stage) -> None:
    stage.on_read = lambda: signal.raise_signal(signal.SIGINT)
    result = run(clip)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == "visavis: Stopped before there was an avatar: nothing is kept."


def test_a_preview_is_there_while_it_trains(tmp_path: Path) -> None:
    with (
        open(os.devnull, "w") as nowhere,
        enroll_progress("me", Console(file=nowhere), tmp_path / "a" / "p.jpg") as show,
    ):
        for level in (10, 200):
            picture = np.full((16, 16, 3), level, np.uint8)
            show.on_progress(Progress(JobStage.TRAIN, "training", 0.5, preview=picture))
            seen = cv2.imread(str(tmp_path / "a" / "p.jpg"))
            assert seen is not None
            assert abs(int(seen.mean()) - level) <= 2
    assert not list(tmp_path.iterdir())


def test_interrupts_are_counted() -> None:
    said: list[int] = []
    with stop_on_interrupt(lambda: said.append(1)) as should_stop:
        assert not should_stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert said == [1]


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("90s", 90), ("1h", 3600), ("1.5H", 5400), ("120", 120), (" 2 m", 120)]
)
def test_budgets(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["0", "abc", "", "-5m", "5d", "1e3", "9s", "25h", "nan", "5m30s", "9" * 400])
def test_budgets_that_are_none(text: str) -> None:
    with pytest.raises(CommandError, match="--budget"):
        parse_budget(text)


def test_destinations_that_are_none(clip: Path, tmp_path: Path) -> None:
    linear, paper = Profile.LINEAR, Profile.PAPER
    assert parse_destination(None, clip, linear).file is None
    assert parse_destination(str(tmp_path / "a.VAV"), clip, linear).file == tmp_path / "a.VAV"
    assert parse_destination(str(tmp_path / "a.vap"), clip, paper).file == tmp_path / "a.vap"
    for out, profile, sentence in (
        (str(tmp_path / "none" / "a.vav"), linear, "no directory"),
        ("a.mp4", linear, "name an avatar file"),
        ("a.vap", linear, "name an avatar file"),
        ("folder/a", linear, "name an avatar file"),
        (None, paper, "Nobody wears"),
        ("me", paper, "Nobody wears"),
    ):
        with pytest.raises(CommandError, match=sentence):
            parse_destination(out, clip, profile)
    for handle in ("", "a b", "Kofi"):
        with pytest.raises((CommandError, AvatarStoreError), match="name"):
            parse_destination(handle, clip, linear)
    assert report_folder(parse_destination("you", clip, linear), clip).name == "you"
    assert report_folder(parse_destination(None, clip, linear), Path("a b/c d.mp4")).name == "c-d"


def test_names(clip: Path) -> None:
    assert display_name(None, Path("Ada L.mp4")) == "Ada L"
    assert len(display_name(None, Path("x" * 200))) == 64
    for name in ("", "x" * 65, "a\nb", "\U0001f600" * 64):
        with pytest.raises(CommandError, match="--name"):
            display_name(name, clip)


def test_what_cannot_be_enrolled_is_told_before_any_work(clip: Path, stage: Stage, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("text.mp4", "text.jpg", "empty.png"):
        (tmp_path / name).write_text("" if name == "empty.png" else "not a picture")
    for arguments, error, sentence in (
        ((tmp_path / "pipe.mp4",), CommandError, "is a pipe"),
        ((tmp_path / "text.mp4",), MediaError, "is not a video file"),
        ((tmp_path / "none.mp4",), MediaError, "does not exist"),
        ((tmp_path / "none.jpg",), JobError, "none.jpg cannot be read: No such file"),
        ((tmp_path / "text.jpg",), JobError, "is no picture that can be read"),
        ((tmp_path / "empty.png",), JobError, "is no picture that can be read"),
        ((clip, "--budget", "abc"), CommandError, "is no time"),
        ((clip, "-o", clip.with_suffix(".MP4")), CommandError, "name an avatar file"),
        ((clip, "--report", clip), CommandError, "is a file: name a folder"),
        ((clip, "--work", clip), CommandError, "is a file: name a folder"),
    ):
        result = run(*arguments)
        assert result.exit_code != 0
        assert isinstance(result.exception, error), (arguments, result.output)
        assert sentence in str(result.exception)
    assert stage.reads == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--profile", "paper", "-o", "me.vap"), ("Profile paper", "train")),
        (("--backend", "cuda"), ("Backend cuda", "cuda")),
    ],
)
def test_torch_is_asked_for_before_any_work(
    clip: Path, options: tuple[str, ...], words: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name == "torch" else found(name, *more))
    monkeypatch.chdir(tmp_path)
    result = run(clip, *options)
    assert isinstance(result.exception, JobError)
    assert str(result.exception) == (
        f"{words[0]} trains with PyTorch, which is not installed: install it with `pip install -e '.[{words[1]}]'`."
    )
    assert {path.name for path in (tmp_path / "home").rglob("*.*")} <= {KEY_FILE}


def test_a_photo_comes_with_a_warning(clip: Path, stage: Stage, tmp_path: Path) -> None:
    stage.pictures, stage.held_out = 1, False
    path = tmp_path / "me.jpg"
    cv2.imwrite(str(path), np.zeros((40, 30, 3), np.uint8))
    result = run(path, "-o", tmp_path / "me.vav")
    assert result.exit_code == 0, result.output
    assert "one photo" in result.stderr.splitlines()[0]
    assert "wear it: visavis bot --video RECORDING" in result.stdout
    assert not stage.trainers
