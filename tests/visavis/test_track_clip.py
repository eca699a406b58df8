"""`visavis track` from a recording to its files, and what it says when something is wrong."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from client.capture.media_file import MediaInfo, probe
from client.errors import MediaError
from renderer.head.open_head import load_open_head
from tracker.assets import TrackerAssetError
from tracker.face_tracker import FaceTracker, TrackResult
from tracker.track_file import load_track
from visavis.__main__ import app
from visavis.errors import CommandError
from visavis.output_files import open_video
from visavis.rendered_sample import render_sample
from visavis.track_clip import TrackJob, track_clip
from visavis.track_overlay import Overlay

SECONDS, RATE = 0.48, 25


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with open(os.devnull, "w") as nowhere:
        path = tmp_path_factory.mktemp("clips") / "person.mp4"
        return render_sample(path, Console(file=nowhere), seconds=SECONDS)


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> TrackJob:
    return TrackJob(clip, tmp_path / "track.npz", load_open_head())


def write_grey(path: Path, size: tuple[int, int] = (160, 120), pictures: int = 4) -> Path:
    with open_video(path, size, RATE) as video:
        for index in range(pictures):
            video.write(np.full((size[1], size[0], 3), 100, np.uint8), index / RATE)
    return path


def video_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        assert not container.streams.audio
        return [float(frame.time) for frame in container.decode(video=0)]


def test_a_recording_becomes_a_track_and_a_video(job: TrackJob, tmp_path: Path) -> None:
    job = replace(job, overlay=tmp_path / "overlay.mp4")
    seen: list[tuple[int, int]] = []
    summary = track_clip(job, lambda done, total: seen.append((done, total)))
    track = load_track(job.out)
    count = round(SECONDS * RATE)
    assert seen == [(done, count) for done in range(1, count + 1)]
    assert summary.pictures == summary.faces == count == len(track.time_s)
    assert track.image_size == (480, 480)
    assert track.extractor == "mediapipe"
    assert track.head_model_id == job.head.model_id
    assert track.clip_sha256 == hashlib.sha256(job.clip.read_bytes()).hexdigest()
    np.testing.assert_allclose(track.time_s, np.arange(count) / RATE, atol=1e-3)
    assert np.nanmedian(track.residual) < 0.03
    assert job.overlay is not None
    np.testing.assert_allclose(video_times(job.overlay), track.time_s, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["overlay.mp4", "track.npz"]


def test_the_overlay_is_drawn_on_the_face(clip: Path) -> None:
    head, size = load_open_head(), (480, 480)
    tracker = FaceTracker(head)
    with av.open(str(clip)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
    try:
        result = tracker.track(image, 0.0)
    finally:
        tracker.close()
    assert result.landmarks_px is not None
    drawn = Overlay(head, tracker.focal_ratio * 480, size).draw(image, replace(result, landmarks_px=None), 0.0)
    changed = (np.abs(drawn.astype(int) - image).max(axis=2) > 12).astype(float)
    changed[:40] = 0  # the line of text
    low, high = result.landmarks_px.min(axis=0).astype(int), result.landmarks_px.max(axis=0).astype(int)
    face = changed[low[1] : high[1], low[0] : high[0]]
    assert face.mean() > 0.7
    assert face.sum() > 0.4 * changed.sum()
    without = Overlay(head, 528, size).draw(image, TrackResult(None, None, None, float("nan")), 0.0)
    np.testing.assert_array_equal(without[40:], image[40:])


def test_a_recording_without_a_face_leaves_nothing(job: TrackJob, tmp_path: Path) -> None:
    wall = write_grey(tmp_path / "wall.mp4")
    with pytest.raises(CommandError, match=r"wall\.mp4 shows no face in any of its 4 pictures"):
        track_clip(replace(job, clip=wall, overlay=tmp_path / "overlay.mp4"))
    assert [path.name for path in tmp_path.iterdir()] == ["wall.mp4"]


def test_an_interruption_leaves_what_was_there(job: TrackJob, tmp_path: Path) -> None:
    job.out.write_bytes(b"an earlier track")

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_clip(replace(job, overlay=tmp_path / "overlay.mp4"), interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["track.npz"]
    assert job.out.read_bytes() == b"an earlier track"


def test_an_output_that_exists_is_replaced(job: TrackJob) -> None:
    job.out.write_bytes(b"an earlier track")
    track_clip(job)
    assert load_track(job.out).detected.all()


def test_outputs_that_cannot_be(job: TrackJob, tmp_path: Path) -> None:
    for changes, sentence in (
        ({"out": tmp_path / "none" / "track.npz"}, "no directory"),
        ({"out": tmp_path}, "is a directory"),
        ({"out": tmp_path / ("long" * 70)}, "too long"),
        ({"overlay": tmp_path / ("long" * 63)}, "too long"),
        ({"overlay": job.clip}, "is the recording itself"),
        ({"overlay": job.out}, "same name"),
    ):
        with pytest.raises(CommandError, match=sentence):
            track_clip(replace(job, **changes))
    assert list(tmp_path.iterdir()) == []


def test_recordings_that_are_none(job: TrackJob, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(CommandError, match="is a pipe"):
        track_clip(replace(job, clip=tmp_path / "pipe.mp4"))
    text = tmp_path / "notes.txt"
    text.write_text("not a video")
    for path in (text, tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(MediaError):
            track_clip(replace(job, clip=path))


def test_a_video_has_even_sides_and_times_that_grow(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with open_video(path, (161, 121), 30000 / 1001) as video:
        for time_s in (0.0, 0.04, 0.04, 0.02, 0.3):
            video.write(np.zeros((121, 161), np.uint8), time_s)
    with av.open(str(path)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (160, 120)
    times = video_times(path)
    assert len(times) == 5
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(0.3, abs=1e-3)


def test_the_command_prints_its_summary_as_json(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "track.npz"
    result = CliRunner().invoke(app, ["track", str(clip), "-o", str(out), "--json"])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["pictures"] == summary["faces"] == round(SECONDS * RATE)
    assert summary["files"] == [str(out)]


def test_a_recording_that_is_cut_off_is_told(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def announced(path: Path) -> MediaInfo:
        return replace(probe(path), video_s=60.0)

    monkeypatch.setattr("visavis.track_clip.probe", announced)
    result = CliRunner().invoke(app, ["track", str(clip), "-o", str(tmp_path / "t.npz")])
    assert result.exit_code == 0
    assert "ends early: " in result.stderr
    assert " of 60.0 s" in result.stderr
    assert load_track(tmp_path / "t.npz").detected.all()


def test_a_matting_network_of_ones_own_must_be_one(clip: Path, tmp_path: Path) -> None:
    network = tmp_path / "network.tflite"
    network.write_bytes(b"something else")
    arguments = ["track", str(clip), "-o", str(tmp_path / "t.npz"), "--matte", str(tmp_path / "m.mp4")]
    result = CliRunner().invoke(app, [*arguments, "--matte-model", str(network)])
    assert isinstance(result.exception, TrackerAssetError)
    assert [path.name for path in tmp_path.iterdir()] == ["network.tflite"]


def test_flame_that_is_not_installed(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["track", str(clip), "-o", str(tmp_path / "t.npz"), "--head", "flame"])
    assert isinstance(result.exception, CommandError)
    assert "visavis assets install flame" in str(result.exception)
