"""A video file as camera and microphone: tracker.recording with the client's errors, and the sound. No pacing here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from client.errors import MediaError
from tracker import recording
from tracker.recording import MediaInfo, RecordingError

__all__ = ["AUDIO_RATE_HZ", "MediaInfo", "check_complete", "iter_audio", "iter_frames", "probe"]

AUDIO_RATE_HZ = 48_000


@contextmanager
def _as_media_error() -> Iterator[None]:
    try:
        yield
    except RecordingError as error:
        raise MediaError(str(error)) from error


def probe(path: Path) -> MediaInfo:
    """See tracker.recording.probe.

    Raises:
        MediaError: the file is missing, is no video, or not one frame of it can be decoded.
    """
    with _as_media_error():
        return recording.probe(path)


def iter_frames(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """See tracker.recording.iter_frames.

    Raises:
        MediaError: the file cannot be opened, or nothing but broken packets follows.
    """
    with _as_media_error():
        yield from recording.iter_frames(path)


def iter_audio(path: Path) -> Iterator[tuple[float, NDArray[np.int16]]]:
    """(time in seconds from the file's start, mono samples at AUDIO_RATE_HZ); ends at the first broken packet."""
    with _as_media_error():
        container = recording.open_recording(path)
    with container:
        if not container.streams.audio:
            return
        start_s = (container.start_time or 0) / av.time_base
        resampler = av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE_HZ)
        try:
            for frame in container.decode(container.streams.audio[0]):
                time_s = (frame.time or 0.0) - start_s
                for converted in resampler.resample(frame):
                    samples = converted.to_ndarray().reshape(-1).astype(np.int16)
                    yield time_s, samples
                    time_s += len(samples) / AUDIO_RATE_HZ
        except (FFmpegError, OSError):
            return


def check_complete(path: Path, info: MediaInfo, end_s: float) -> None:
    """See tracker.recording.check_complete.

    Raises:
        MediaError: more than a little is missing.
    """
    with _as_media_error():
        recording.check_complete(path, info, end_s)
