"""`visavis encode` from recordings and tracks to stream files, and what it says when it cannot."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from avatar_store.guests import guest_bytes, list_guests
from client.errors import MediaError
from codec.avatar_file import unpack_avatar
from codec.quantizer import StreamConfig, quantizer_for
from codec.range_steps import DEAD_ZONE, RangeConfig
from codec.stream_config import PROFILES
from codec.stream_file import unpack_stream
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.camera import Camera
from renderer.head.open_head import load_open_head
from tests.support.tracks import made_track, saved_track, talking
from tracker.estimator import FaceEstimator
from visavis.__main__ import app
from visavis.commands.encode import Coding
from visavis.encode_clip import EncodeJob, encode_clip
from visavis.errors import CommandError
from visavis.face_streams import frame_rate_of, load_face_stream, stream_of_track
from visavis.output_files import open_video
from visavis.rendered_sample import render_sample, scripted_params

RATE = 25
TIMES = [index / RATE for index in range(50)]


@pytest.fixture
def track(tmp_path: Path) -> Path:
    return saved_track(tmp_path / "track.npz", TIMES, [index != 7 for index in range(50)])


def run(*arguments: object):
    return CliRunner().invoke(app, ["encode", *map(str, arguments)])


def test_a_track_becomes_a_stream(track: Path, tmp_path: Path) -> None:
    out = tmp_path / "face.vvs"
    result = run(track, "-o", out)
    assert result.exit_code == 0, result.output
    stream = unpack_stream(out.read_bytes())
    assert "50 frames, 98.0 % with a face, 2.0 s" in result.stdout
    assert f"{8 * out.stat().st_size / 2 / 1000:.2f} kbit/s" in result.stdout
    assert stream.header.frame_rate == pytest.approx(RATE)
    assert stream.header.head_model_id == load_open_head().model_id
    assert stream.header.extractor == "mediapipe"
    assert stream.time_ms.tolist() == [40 * index for index in range(50)]
    assert stream.params(7) is None
    config = RangeConfig(50, 4)
    assert stream.header.config == config
    coded = np.array(config.steps.limits) > 0
    for index in (0, 6, 8, 49):
        params = stream.params(index)
        assert params is not None
        error = np.abs(config.steps.exact(params) - config.steps.exact(talking(TIMES[index])))
        assert (error <= 1 - DEAD_ZONE + 1e-3)[coded].all()


def test_the_profile_of_the_paper_can_be_asked_for(track: Path, tmp_path: Path) -> None:
    out = tmp_path / "face.vvs"
    for dims in (10, 20, 30, 40, 50):
        for bits in (8, 10):
            options = ("--coding", "eg0", "--dims", dims, "--bits", bits, "--no-gaze", "--no-torso")
            assert run(track, "-o", out, *options).exit_code == 0
            stream, config = unpack_stream(out.read_bytes()), StreamConfig(dims, bits)
            assert (stream.header.config, stream.header.gaze, stream.header.torso) == (config, False, False)
            params = stream.params(6)
            assert params is not None
            wanted = np.concatenate([talking(TIMES[6]).expression[:dims], talking(TIMES[6]).to_vector()[50:61]])
            error = np.abs(params.to_vector()[:-4] - wanted)
            assert (error <= 0.5 * quantizer_for(config).steps[:-4] + 1e-6).all()


def test_the_option_offers_every_profile() -> None:
    assert {coding.value for coding in Coding} == set(PROFILES)


@pytest.mark.parametrize(
    ("coding", "smaller_first"),
    [
        ("range", [("--quality", 8), (), ("--quality", 0)]),
        ("eg0", [("--dims", 10, "--no-gaze"), ("--dims", 10), ("--dims", 10, "--bits", 10), ()]),
    ],
)
def test_less_takes_fewer_bits(track: Path, tmp_path: Path, coding: str, smaller_first: list[tuple]) -> None:
    sizes = []
    for options in smaller_first:
        out = tmp_path / "face.vvs"
        summary = json.loads(run(track, "-o", out, "--json", "--coding", coding, *options).stdout)
        assert summary["size_bytes"] == out.stat().st_size
        assert (summary["frames"], summary["faces"], summary["seconds"]) == (50, 49, 2.0)
        sizes.append(summary["kbit_s"])
    assert sizes == sorted(set(sizes))


def test_a_torso_is_kept_only_if_it_moves(tmp_path: Path) -> None:
    still = made_track(TIMES)
    torso = np.zeros((len(TIMES), 6), np.float32)
    assert stream_of_track(still).torso is None
    assert not stream_of_track(still).header.torso
    torso[7, 1] = 0.1
    with (tmp_path / "track.npz").open("wb") as file:
        replace(still, torso=torso).save(file)
    for options, atol in ((("--coding", "eg0"), 5e-4), (("--coding", "range"), 2e-3)):
        assert run(tmp_path / "track.npz", "-o", tmp_path / "face.vvs", *options).exit_code == 0
        found = unpack_stream((tmp_path / "face.vvs").read_bytes()).torso
        assert found is not None
        np.testing.assert_allclose(found, torso, atol=atol)
    options = ("--coding", "eg0", "--no-torso")
    assert run(tmp_path / "track.npz", "-o", tmp_path / "face.vvs", *options).exit_code == 0
    assert unpack_stream((tmp_path / "face.vvs").read_bytes()).torso is None


def test_a_recording_is_tracked_for_it(tmp_path: Path) -> None:
    with open(os.devnull, "w") as nowhere:
        clip = render_sample(tmp_path / "person.mp4", Console(file=nowhere), seconds=0.24)
    seen: list[tuple[int, int]] = []
    out = tmp_path / "face.vvs"
    summary = encode_clip(
        EncodeJob(clip, out, StreamConfig(20)), load_open_head(), "mediapipe", on_picture=lambda *n: seen.append(n)
    )
    assert seen == [(done, 6) for done in range(1, 7)]
    assert summary.faces == summary.frames == 6
    assert unpack_stream(out.read_bytes()).values.shape == (6, 35)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.vvs", "person.mp4"]


@pytest.fixture(scope="module")
def guest_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the first guest."""
    with open(os.devnull, "w") as nowhere:
        return render_sample(tmp_path_factory.mktemp("clips") / "guest.mp4", Console(file=nowhere), seconds=0.4)


def likeness_profile(path: Path, avatar_id: str | None) -> Path:
    replace(FaceEstimator(load_open_head()).profile(), avatar_id=avatar_id).save(path)
    return path


def picture_error(stream_file: Path) -> float:
    """How far the guest with the parameters of the stream is from the one in the recording, per color."""
    stream, head = unpack_stream(stream_file.read_bytes()), load_open_head()
    asset = unpack_avatar(guest_bytes(list_guests()[0].avatar_id))
    renderer, camera = FrameRenderer(AvatarModel(head, asset), 240), Camera.looking_from_lens(240, 240, 1.1 * 240)
    errors = []
    for index in range(len(stream)):
        params = stream.params(index)
        assert params is not None
        drawn, true = (
            renderer.render_rgb(face, camera, (1, 1, 1)).astype(float)
            for face in (params, scripted_params(head, index / RATE))
        )
        errors.append(np.abs(drawn - true).mean())
    return float(np.mean(errors))


def test_against_the_persons_avatar_the_face_is_closer_to_the_recording(guest_clip: Path, tmp_path: Path) -> None:
    guests = list_guests()
    profile = likeness_profile(tmp_path / "me.profile", guests[0].avatar_id)
    options = ("--profile", profile, "--json", "-o")
    open_loop = run(guest_clip, *options, tmp_path / "open.vvs")
    closed = run(guest_clip, *options, tmp_path / "closed.vvs", "--avatar", guests[0].name)
    for result, is_closed in ((open_loop, False), (closed, True)):
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["closed_loop"] is is_closed
    assert picture_error(tmp_path / "closed.vvs") < 0.7 * picture_error(tmp_path / "open.vvs")
    for name, moves in (("closed.vvs", True), ("open.vvs", False)):
        torso = unpack_stream((tmp_path / name).read_bytes()).torso
        assert torso is not None
        assert torso.any() == moves


def test_other_avatars_are_no_likeness_unless_somebody_says_so(guest_clip: Path, tmp_path: Path) -> None:
    guests = list_guests()
    profile = likeness_profile(tmp_path / "me.profile", guests[0].avatar_id)
    out = tmp_path / "face.vvs"
    for options, sentence in (
        (("--avatar", guests[1].name, "--profile", profile), "the profile names another avatar"),
        (("--avatar", guests[0].name), "there is no profile"),
        (("--avatar", guests[0].name, "--profile", profile, "--closed-loop", "off"), "it is switched off"),
    ):
        result = run(guest_clip, "-o", out, *options)
        assert result.exit_code == 0, result.output
        assert f"The closed loop is off: {sentence}" in result.stderr
    result = run(guest_clip, "-o", out, "--avatar", guests[0].name, "--closed-loop", "on", "--json")
    assert json.loads(result.stdout)["closed_loop"]


def test_a_loop_without_an_avatar_is_refused(guest_clip: Path, track: Path, tmp_path: Path) -> None:
    for arguments, sentence in (
        ((guest_clip, "--closed-loop", "on"), "needs an --avatar"),
        ((guest_clip, "--avatar", "nobody"), "There is no avatar 'nobody'"),
        ((track, "--avatar", list_guests()[0].name), "are for recordings"),
    ):
        result = run(*arguments, "-o", tmp_path / "face.vvs")
        assert result.exit_code != 0
        assert isinstance(result.exception, CommandError)
        assert sentence in str(result.exception)
    assert not (tmp_path / "face.vvs").exists()


def test_an_interruption_leaves_what_was_there(tmp_path: Path) -> None:
    clip, out = tmp_path / "wall.mp4", tmp_path / "face.vvs"
    with open_video(clip, (160, 120), RATE) as video:
        for index in range(3):
            video.write(np.full((120, 160, 3), 100, np.uint8), index / RATE)
    out.write_bytes(b"an earlier stream")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    job = EncodeJob(clip, out, StreamConfig())
    with pytest.raises(KeyboardInterrupt):
        encode_clip(job, load_open_head(), "mediapipe", on_picture=interrupt)
    with pytest.raises(CommandError, match=r"wall\.mp4 shows no face"):
        encode_clip(job, load_open_head(), "mediapipe")
    assert out.read_bytes() == b"an earlier stream"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.vvs", "wall.mp4"]


def test_what_cannot_be_encoded_is_told_and_leaves_no_file(track: Path, tmp_path: Path) -> None:
    stream, empty = tmp_path / "old.vvs", saved_track(tmp_path / "empty.npz", TIMES, [False] * 50)
    assert run(track, "-o", stream).exit_code == 0
    late = saved_track(tmp_path / "late.npz", [0.0, 90_000.0])
    there = sorted(tmp_path.iterdir())
    out = tmp_path / "new.vvs"
    for arguments, error, sentence in (
        ((track, "-o", out, "--dims", 11), CommandError, "--dims is 10, 20"),
        ((track, "-o", out, "--quality", 17), CommandError, "--quality 0 to 16"),
        ((track, "-o", out, "--coding", "eg0", "--bits", 9), CommandError, "--bits 8 or 10"),
        ((track, "-o", out, "--coding", "eg0", "--quality", 4), CommandError, "--quality is for --coding range"),
        ((track, "-o", out, "--bits", 8), CommandError, "are for --coding eg0"),
        ((track, "-o", out, "--no-gaze"), CommandError, "are for --coding eg0"),
        ((track, "-o", out, "--no-torso"), CommandError, "are for --coding eg0"),
        ((track, "-o", out, "--head", "flame"), CommandError, "is tracked already"),
        ((track, "-o", tmp_path / "none" / "new.vvs"), CommandError, "no directory"),
        ((track, "-o", track), CommandError, "would be overwritten"),
        ((stream, "-o", out), CommandError, "is a stream file already"),
        ((empty, "-o", out), CommandError, "shows no face in any of its 50 pictures"),
        ((late, "-o", out), CommandError, "cannot be kept as a stream"),
        ((tmp_path / "missing.mp4", "-o", out), MediaError, "does not exist"),
    ):
        result = run(*arguments)
        assert result.exit_code != 0
        assert isinstance(result.exception, error), arguments
        assert sentence in str(result.exception)
    assert sorted(tmp_path.iterdir()) == there


def test_tracks_and_streams_are_read_alike(track: Path, tmp_path: Path) -> None:
    run(track, "-o", tmp_path / "face.vvs", "--coding", "eg0")
    exact, quantized = load_face_stream(track), load_face_stream(tmp_path / "face.vvs")
    np.testing.assert_array_equal(exact.time_ms, quantized.time_ms)
    np.testing.assert_array_equal(exact.detected, quantized.detected)
    assert 0 < np.nanmax(np.abs(exact.values - quantized.values)) < 0.02
    assert exact.header == quantized.header


def test_files_that_hold_no_stream(tmp_path: Path) -> None:
    (tmp_path / "notes.vvs").write_text("dear diary")
    os.mkfifo(tmp_path / "pipe.vvs")
    for name, sentence in (
        ("notes.vvs", "notes.vvs is no stream that can be read: This is not a stream file"),
        ("missing.vvs", "No such file"),
        ("pipe.vvs", "is not a file"),
        (".", "is not a file"),
    ):
        with pytest.raises(CommandError, match=sentence):
            load_face_stream(tmp_path / name)


@pytest.mark.parametrize(
    ("times_s", "rate"),
    [
        ([0.0], 25.0),
        ([index * 1001 / 30000 for index in range(90)], 30000 / 1001),
        ([round(index / 30, 3) for index in range(91)], 30.0),
        ([0.0, 0.04, 0.08, 7.0, 7.04, 7.08], 25.0),
        ([0.0, 1e-6], 1000.0),
    ],
)
def test_the_frame_rate_of_a_track(times_s: list[float], rate: float) -> None:
    assert frame_rate_of(np.array(times_s)) == pytest.approx(rate)


def test_times_that_are_one_millisecond_stay_apart() -> None:
    stream = stream_of_track(made_track([-0.01, 0.0, 0.0001, 0.0002, 0.04]))
    assert stream.time_ms.tolist() == [0, 1, 2, 3, 40]
