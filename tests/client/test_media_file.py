from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from client.capture.file_source import CHUNK_SAMPLES, FileSource
from client.capture.media_file import AUDIO_RATE_HZ, check_complete, iter_audio, iter_frames, probe
from client.errors import MediaError
from tests.support.fakes import AUDIO_RATE, RATE, Happening, gray_at, tone, write_video


def test_probe_and_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 2.0, audio=True)
    info = probe(path)
    assert info.has_audio
    assert info.frame_rate == RATE
    assert abs(info.video_s - 2.0) < 0.05
    frames = list(iter_frames(path))
    assert len(frames) == 2 * RATE
    assert [round(time_s * RATE) for time_s, _ in frames] == list(range(2 * RATE))
    grays = [frame.to_ndarray(format="gray").mean() for _, frame in frames]
    assert np.corrcoef(grays, [gray_at(index) for index in range(2 * RATE)])[0, 1] > 0.99
    check_complete(path, info, frames[-1][0] + 1 / RATE)


def test_audio_is_on_the_same_timeline(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 1.0, audio=True)
    pieces = list(iter_audio(path))
    times = [time_s for time_s, _ in pieces]
    samples = np.concatenate([samples for _, samples in pieces])
    assert abs(times[0]) < 0.05
    assert abs(len(samples) / AUDIO_RATE_HZ - 1.0) < 0.1
    assert np.abs(samples[AUDIO_RATE_HZ // 4 : AUDIO_RATE_HZ // 2]).max() > 5000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.write_text("# notes\n" * 50), "is not a video file"),
        (lambda path: path.write_bytes(b""), "is not a video file"),
        (lambda path: path.write_bytes(np.random.default_rng(1).bytes(50_000)), "is not a video file"),
    ],
)
def test_what_is_no_video_is_named_in_one_sentence(tmp_path: Path, make, words: str) -> None:
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(MediaError, match=words) as caught:
        probe(path)
    assert str(caught.value).startswith("clip.mp4")
    assert "\n" not in str(caught.value)


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
        for frame in tone(0.5):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="has no video stream"):
        probe(path)


async def test_a_file_that_ends_early_says_how_much_could_be_read(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 6.0, size=128)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 3])
    ends = Happening()
    source = await asyncio.to_thread(
        FileSource, cut, True, lambda frame, capture_ms: None, lambda error: ends.add_threadsafe(error)
    )
    source.start()
    (error,) = await ends.until(bool)
    await asyncio.to_thread(source.stop)
    assert isinstance(error, MediaError)
    assert "ends early" in str(error) or "damaged" in str(error)


async def test_a_file_plays_in_order_and_ends(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 0.4)
    frames, ends = Happening(), Happening()
    source = await asyncio.to_thread(
        FileSource,
        path,
        False,
        lambda frame, capture_ms: frames.add_threadsafe(capture_ms),
        lambda error: ends.add_threadsafe(error),
    )
    source.start()
    assert await ends.until(bool) == [None]
    await asyncio.to_thread(source.stop)
    assert len(frames.items) == 10
    assert frames.items == sorted(frames.items)
    assert frames.items[-1] - frames.items[0] >= 350


async def test_a_loop_goes_on_and_its_sound_is_in_step(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", 0.4, audio=True)
    frames = Happening()
    source = await asyncio.to_thread(
        FileSource, path, True, lambda frame, capture_ms: frames.add_threadsafe(capture_ms), lambda error: None
    )
    track = source.audio_track()
    source.start()
    chunks = [await track.recv() for _ in range(30)]
    await frames.until(lambda items: len(items) > 12)
    await asyncio.to_thread(source.stop)
    pts = [chunk.pts for chunk in chunks]
    assert all(chunk.samples == CHUNK_SAMPLES for chunk in chunks)
    assert all(later > earlier for earlier, later in pairwise(pts))
    loud = [np.abs(chunk.to_ndarray()).max() > 3000 for chunk in chunks]
    assert sum(loud) > 15


async def test_whatever_ends_the_playing_is_reported(tmp_path: Path) -> None:
    def refuse(frame: av.VideoFrame, capture_ms: int) -> None:
        raise ArithmeticError

    path = await asyncio.to_thread(write_video, tmp_path / "clip.mp4", 0.4)
    ends = Happening()
    source = await asyncio.to_thread(FileSource, path, False, refuse, ends.add_threadsafe)
    source.start()
    (error,) = await ends.until(bool)
    assert isinstance(error, MediaError)
    await asyncio.to_thread(source.stop)
