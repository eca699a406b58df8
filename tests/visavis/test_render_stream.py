"""`visavis render`: streams and tracks on avatars, from all sides, into files; and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from avatar_store.guests import guest_bytes, list_guests
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.stream_file import pack_stream
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.errors import AvatarMismatchError
from renderer.framing import Framing
from tests.support.tracks import made_track, saved_track, talking
from tracker.track_file import TrackFileError
from visavis.__main__ import app
from visavis.errors import CommandError
from visavis.face_streams import load_face_stream, stream_of_track
from visavis.picture_files import wanted_format
from visavis.render_stream import CameraPath, RenderJob, Stereo, backdrops, render_stream
from visavis.worn_avatar import load_avatar

RATE, COUNT, SIZE = 25, 5, 96
GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "face.vvs"
    path.write_bytes(pack_stream(stream_of_track(made_track([index / RATE for index in range(COUNT)]))))
    return path


@pytest.fixture
def job(source: Path, tmp_path: Path) -> RenderJob:
    avatar, stream = load_avatar("kofi"), load_face_stream(source)
    out = tmp_path / "pictures"
    return RenderJob(avatar, stream, source, out, SIZE, RATE, CameraPath(), Stereo.NO, GREY)


def pictures_of(job: RenderJob) -> list[np.ndarray]:
    """Draws the job as PNG files; RGB or RGBA."""
    render_stream(job)
    files = sorted(job.out.iterdir())
    images = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in files]
    for path in files:
        path.unlink()
    return [image[..., [2, 1, 0, 3] if image.shape[2] == 4 else [2, 1, 0]] for image in images if image is not None]


def expected(job: RenderJob, index: int, view: str = "camera", **options) -> np.ndarray:
    """The picture that the renderer itself draws of one frame."""
    framing = Framing()
    for number in range(index + 1):
        framing.observe(job.stream.values[number][53:56], number / RATE)
    params = job.stream.params(index)
    assert params is not None
    cameras = [getattr(framing, view)(size=SIZE, **options)]
    if job.stereo is not Stereo.NO:
        cameras = framing.stereo(cameras[0])
    renderer = FrameRenderer(job.avatar, SIZE)
    return np.concatenate([renderer.render_rgb(params, camera, GREY) for camera in cameras], axis=1)


def assert_alike(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.abs(found.astype(int) - wanted).mean() < 0.2


def test_each_frame_is_drawn(job: RenderJob) -> None:
    seen: list[tuple[int, int]] = []
    summary = render_stream(job, lambda *progress: seen.append(progress))
    assert seen == [(done, COUNT) for done in range(1, COUNT + 1)]
    assert (summary.pictures, summary.width, summary.height, summary.seconds) == (COUNT, SIZE, SIZE, 0.2)
    for path in job.out.iterdir():
        path.unlink()
    for index, picture in enumerate(pictures_of(job)):
        assert_alike(picture, expected(job, index))


def test_the_camera_stands_where_it_is_wanted(job: RenderJob) -> None:
    fixed = pictures_of(replace(job, path=CameraPath(yaw=0.5, pitch=0.2, distance_m=0.7)))
    assert_alike(fixed[2], expected(job, 2, yaw=0.5, pitch=0.2, distance_m=0.7))
    swung = pictures_of(replace(job, path=CameraPath(swing=0.6, swing_s=4 * 3 / RATE)))
    assert_alike(swung[0], expected(job, 0))
    assert_alike(swung[3], expected(job, 3, yaw=0.6))
    turned = pictures_of(replace(job, path=CameraPath(yaw=0.1, turn_s=4 * 2 / RATE)))
    assert_alike(turned[2], expected(job, 2, yaw=0.1 + np.pi / 2))
    contact = pictures_of(replace(job, path=CameraPath(eye_contact=True, distance_m=0.95 / 1.2)))
    assert_alike(contact[1], expected(job, 1, "eye_contact", zoom=1.2))


def test_stereo_pictures_stand_side_by_side(job: RenderJob) -> None:
    full = pictures_of(replace(job, stereo=Stereo.FULL))[0]
    half = pictures_of(replace(job, stereo=Stereo.HALF))[0]
    assert full.shape == (SIZE, 2 * SIZE, 3)
    assert half.shape == (SIZE, SIZE, 3)
    squeezed = cv2.resize(full, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(squeezed.astype(int) - half).mean() < 3
    wanted = expected(replace(job, stereo=Stereo.FULL), 0)
    assert_alike(full, wanted)
    assert np.abs(wanted[:, :SIZE].astype(int) - wanted[:, SIZE:]).mean() > 0.5  # left is not right


def test_stereo_videos_show_what_stereo_pictures_do(job: RenderJob) -> None:
    wanted = pictures_of(replace(job, stereo=Stereo.FULL))[0]
    video = replace(job, stereo=Stereo.FULL, out=job.out.with_suffix(".mp4"))
    render_stream(video)
    with av.open(str(video.out)) as container:
        found = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).mean() < 3


def test_a_background_stands_behind_the_head_and_in_stereo_far_behind(job: RenderJob) -> None:
    columns = np.arange(200, dtype=np.uint8)
    picture = np.repeat(np.stack([columns, columns, columns], axis=1)[None], 100, axis=0)
    (whole,) = backdrops(picture, SIZE, Stereo.NO)
    assert not isinstance(whole, tuple)
    drawn = pictures_of(replace(job, background=picture))[0]
    np.testing.assert_allclose(drawn[:8].astype(int), whole[:8].astype(int), atol=1)
    for stereo, width in ((Stereo.FULL, SIZE), (Stereo.HALF, SIZE // 2)):
        left, right = backdrops(picture, SIZE, stereo)
        assert not isinstance(left, tuple)
        assert not isinstance(right, tuple)
        assert left.shape == right.shape == (SIZE, width, 3)
        assert (left[:, 1:-1].astype(int) > right[:, 1:-1]).all()  # further left in the left picture
    assert backdrops(GREY, SIZE, Stereo.HALF) == (GREY, GREY)


def test_transparent_pictures(job: RenderJob) -> None:
    job = replace(job, background=None)
    drawn = pictures_of(job)[0]
    assert drawn.shape == (SIZE, SIZE, 4)
    assert (drawn[:8, :, 3] == 0).all()
    assert (drawn[-4:, SIZE // 2, 3] > 250).all()
    assert pictures_of(replace(job, stereo=Stereo.FULL))[0].shape == (SIZE, 2 * SIZE, 4)
    with pytest.raises(CommandError, match="cannot be transparent"):
        render_stream(replace(job, out=job.out.with_suffix(".mp4")))
    assert wanted_format(job.out.with_suffix(".webm"), True) == "rgba"


def test_another_rate_keeps_the_time(job: RenderJob) -> None:
    summary = render_stream(replace(job, frame_rate=60.0, out=job.out.with_suffix(".mp4")))
    assert (summary.pictures, summary.seconds) == (12, 0.2)
    with av.open(str(job.out.with_suffix(".mp4"))) as container:
        assert container.streams.video[0].average_rate == 60
        assert len(list(container.decode(video=0))) == 12


def test_an_interruption_leaves_nothing(job: RenderJob, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    for name in ("a.mp4", "a.webm", "a.mov", "pictures"):
        with pytest.raises(KeyboardInterrupt):
            render_stream(replace(job, out=tmp_path / name), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_for_another_head_is_refused(job: RenderJob) -> None:
    other = stream_of_track(made_track([0.0, 0.04], head_id="ab" * 32))
    with pytest.raises(CommandError, match=r"face\.vvs is for another head model \(abababababab\) than the avatar's"):
        render_stream(replace(job, stream=other))
    assert not job.out.exists()


def run(*arguments: object):
    return CliRunner().invoke(app, ["render", *map(str, arguments)])


def test_the_command_draws_tracks_with_avatars_from_files(tmp_path: Path) -> None:
    guest = list_guests()[0]
    avatar = tmp_path / "me.vav"
    avatar.write_bytes(guest_bytes(guest.avatar_id))
    track = saved_track(tmp_path / "track.npz", [index / RATE for index in range(3)])
    for named in (avatar, guest.avatar_id, guest.name.upper()):
        out = tmp_path / "head.mp4"
        result = run(named, "--stream", track, "-o", out, "--size", 64, "--threads", 1, "--orbit", "30:2")
        assert result.exit_code == 0, result.output
        assert "3 pictures of 64 x 64, 0.1 s" in result.stdout
        assert f"wrote {out}" in result.stdout
        out.unlink()


def test_what_cannot_be_is_told_in_a_sentence_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.vav"
    asset = unpack_avatar(guest_bytes(list_guests()[0].avatar_id))
    foreign.write_bytes(pack_avatar(replace(asset, head_model_id="0f" * 32)))
    (tmp_path / "notes.vav").write_text("dear diary")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and so on")
    empty = tmp_path / "empty.vvs"
    empty.write_bytes(pack_stream(stream_of_track(made_track([0.0, 0.04], [False, False]))))
    there = sorted(tmp_path.iterdir())
    out = tmp_path / "head.mp4"
    for avatar, stream, options, sentence in (
        ("nobody", source, (), "There is no avatar 'nobody': choose one of "),
        (tmp_path / "notes.vav", source, (), "notes.vav is no avatar that can be read"),
        (foreign, source, (), "is made for a head model that is not here"),
        ("kofi", tmp_path / "notes.vav", (), "is no stream that can be read"),
        ("kofi", tmp_path / "missing.vvs", (), "cannot be read"),
        ("kofi", tmp_path / "broken.npz", (), "is no track file"),
        ("kofi", empty, (), "shows no face in any of its 2 frames"),
        ("kofi", source, ("--size", 98), "--size is 64 to 4096"),
        ("kofi", source, ("--size", 8192), "--size is 64 to 4096"),
        ("kofi", source, ("--fps", "nan"), "--fps is 1 to 240"),
        ("kofi", source, ("--yaw", "nan"), "--yaw is -360 to 360"),
        ("kofi", source, ("--distance", "0.1"), "--distance is 0.45 to 4.0"),
        ("kofi", source, ("--orbit", "far"), "--orbit is DEGREES or DEGREES:SECONDS"),
        ("kofi", source, ("--orbit", "30:0"), "--orbit is DEGREES or DEGREES:SECONDS"),
        ("kofi", source, ("--orbit", "nan"), "--orbit is DEGREES or DEGREES:SECONDS"),
        ("kofi", source, ("--turn", "0"), "--turn is the seconds of one round"),
        ("kofi", source, ("--turn", "5", "--orbit", "30"), "name one of them"),
        ("kofi", source, ("--half",), "--half is for --stereo"),
        ("kofi", source, ("--background", "#12345"), "is no color"),
        ("kofi", source, ("--background", source), "neither JPEG nor PNG"),
        ("kofi", source, ("--background", tmp_path), "is no picture file"),
        ("kofi", source, ("--background", tmp_path / "none.png"), "No such file"),
        ("kofi", source, ("--background", "transparent"), "cannot be transparent"),
        ("kofi", source, ("-o", tmp_path / "a.avi"), "name an .mp4, .webm or .mov file"),
        ("kofi", source, ("-o", tmp_path / "none" / "a.mp4"), "no directory"),
    ):
        result = run(avatar, "--stream", stream, "-o", out, *options)
        assert result.exit_code != 0
        assert isinstance(result.exception, CommandError | TrackFileError | AvatarMismatchError), (options, result)
        assert sentence in str(result.exception)
    assert sorted(tmp_path.iterdir()) == there


def test_talking_moves_the_picture(job: RenderJob) -> None:
    """Guards the tests above: their pictures differ from frame to frame."""
    assert np.abs(talking(0.0).to_vector() - talking(0.16).to_vector()).max() > 0.1
    pictures = pictures_of(job)
    assert np.abs(pictures[0].astype(int) - pictures[-1]).mean() > 0.2
