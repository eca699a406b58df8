"""`visavis calibrate` from a recording to a profile that `visavis track` takes, and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from client.bot import BotConfig, run_bot
from client.errors import MediaError
from renderer.head.open_head import load_open_head
from tracker.estimator import FaceEstimator
from tracker.profile import SCHEDULE, PersonProfile, ProfileError
from tracker.track_file import load_track
from visavis.__main__ import app
from visavis.calibrate_clip import CalibrationJob, calibrate_clip
from visavis.clip_pictures import read_pictures
from visavis.commands.calibrate import HELP
from visavis.errors import CommandError
from visavis.output_files import open_video
from visavis.rendered_sample import render_sample
from visavis.track_clip import TrackJob, check_job

RATE, SECONDS = 5, 3.6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that hardly moves: a few pictures of a talking guest, slowly, forth and back."""
    folder = tmp_path_factory.mktemp("clips")
    with Path("/dev/null").open("w") as nowhere:
        sample = render_sample(folder / "sample.mp4", Console(file=nowhere), seconds=0.2)
    pictures = [picture for _, picture in read_pictures(sample)]
    path = folder / "person.mp4"
    with open_video(path, (480, 480), RATE) as video:
        for index in range(round(SECONDS * RATE)):
            video.write(pictures[min(index % 8, 8 - index % 8)], index / RATE)
    return path


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> CalibrationJob:
    return CalibrationJob(clip, tmp_path / "me.profile", load_open_head())


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.profile"
    path.write_bytes(b"dear diary")
    return path


def test_a_recording_becomes_a_profile_to_track_with(clip: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "me.profile", tmp_path / "track.npz"
    result = CliRunner().invoke(app, ["calibrate", str(clip), "-o", str(path)])
    assert result.exit_code == 0, result.output
    person, count = PersonProfile.load(path), round(SECONDS * RATE)
    assert f"focal length {person.focal_ratio:.2f} x" in result.stdout
    assert f"learned from {count} of {count} pictures" in result.stdout
    assert person.head_model_id == load_open_head().model_id
    assert np.abs(person.offsets).max() > 1e-4
    person = replace(person, focal_ratio=1.25)
    person.save(path)
    result = CliRunner().invoke(app, ["track", str(clip), "-o", str(out), "--profile", str(path)])
    assert result.exit_code == 0, result.output
    assert load_track(out).focal_px == 1.25 * 480
    assert sorted(file.name for file in tmp_path.iterdir()) == ["me.profile", "track.npz"]


def test_progress_grows_in_both_steps(job: CalibrationJob) -> None:
    told: dict[str, list[float]] = {}
    calibrate_clip(job, lambda step, share: told.setdefault(step, []).append(share))
    assert list(told) == ["looking at the face", "learning the person"]
    for shares in told.values():
        assert shares == sorted(shares)
        assert shares[-1] <= 1


def test_the_help_lists_the_schedule() -> None:
    for begin_s, end_s, asked in SCHEDULE:
        assert f"\n{begin_s} to {end_s} s  {asked}\n" in HELP


def test_recordings_that_teach_nothing_leave_no_file(job: CalibrationJob, tmp_path: Path) -> None:
    wall, short, text = tmp_path / "wall.mp4", tmp_path / "short.mp4", tmp_path / "notes.txt"
    face = next(read_pictures(job.clip))[1]
    for path, picture in ((wall, np.full((120, 160, 3), 100, np.uint8)), (short, face)):
        with open_video(path, (picture.shape[1], picture.shape[0]), RATE) as video:
            for index in range(4):
                video.write(picture, index / RATE)
    text.write_text("not a video")
    there = sorted(tmp_path.iterdir())
    for changes, error, sentence in (
        ({"clip": wall}, CommandError, r"wall\.mp4 shows no face in its first 0\.6 s"),
        ({"clip": short}, ProfileError, "less than 3 s"),
        ({"guided": True}, CommandError, r"person\.mp4 ends after 3\.4 s: a guided take lasts 9 s"),
        ({"clip": text}, MediaError, "is not a video file"),
        ({"clip": tmp_path / "missing.mp4"}, MediaError, "does not exist"),
        ({"out": tmp_path / "none" / "me.profile"}, CommandError, "no directory"),
        ({"out": job.clip}, CommandError, "is the recording itself"),
    ):
        with pytest.raises(error, match=sentence):
            calibrate_clip(replace(job, **changes))
    assert sorted(tmp_path.iterdir()) == there


def test_track_refuses_a_damaged_profile(clip: Path, damaged: Path) -> None:
    out = damaged.with_name("track.npz")
    result = CliRunner().invoke(app, ["track", str(clip), "-o", str(out), "--profile", str(damaged)])
    assert isinstance(result.exception, ProfileError)
    assert not out.exists()


async def test_a_bot_refuses_a_damaged_profile_before_it_asks_the_server(clip: Path, damaged: Path) -> None:
    with pytest.raises(ProfileError, match="no profile"):
        await run_bot(BotConfig("http://127.0.0.1:9", "room", clip, profile=damaged))


def test_a_profile_goes_with_one_head_and_one_extractor(clip: Path, tmp_path: Path) -> None:
    head = load_open_head()
    person = FaceEstimator(head).profile()
    job = TrackJob(clip, tmp_path / "track.npz", head, person=person)
    with pytest.raises(CommandError, match="for the extractor mediapipe, not for smirk"):
        check_job(replace(job, extractor="smirk"))
    with pytest.raises(ProfileError, match="another head model"):
        check_job(replace(job, person=replace(person, head_model_id="0" * 64)))
    check_job(job)
