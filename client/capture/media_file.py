"""Reading a video file: what is in it, and its frames and samples on one timeline. No pacing here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from client.errors import MediaError

AUDIO_RATE_HZ = 48_000
MAX_BROKEN_PACKETS = 100
EARLY_END_TOLERANCE = 0.05
"""Part of the announced length that may be missing (containers round), but at least one second."""


@dataclass(frozen=True)
class MediaInfo:
    """What the file announces.

    Args:
        duration_s: length of the whole file.
        video_s: length of the video stream.
        frame_rate: frames a second.
        has_audio: there is an audio stream.
    """

    duration_s: float
    video_s: float
    frame_rate: float
    has_audio: bool


def _open(path: Path) -> InputContainer:
    try:
        return av.open(str(path), mode="r")
    except FileNotFoundError as error:
        raise MediaError(f"{path.name} does not exist.") from error
    except IsADirectoryError as error:
        raise MediaError(f"{path.name} is a directory, not a video file.") from error
    except PermissionError as error:
        raise MediaError(f"{path.name} may not be read.") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{path.name} is not a video file that can be read.") from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise MediaError(f"{path.name} has no video stream.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def probe(path: Path) -> MediaInfo:
    """Reads the headers and decodes one frame.

    Raises:
        MediaError: the file is missing, is no video, or not one frame of it can be decoded.
    """
    with _open(path) as container:
        stream = _video_stream(container, path)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        has_audio = bool(container.streams.audio)
        container_s = container.duration / av.time_base if container.duration else 0.0
        video_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else container_s
    if next(iter_frames(path), None) is None:
        raise MediaError(f"{path.name} holds no picture that can be decoded.")
    if not max(video_s, container_s):
        video_s = max(time_s for time_s, _ in iter_frames(path)) + 1 / rate
    return MediaInfo(max(container_s, video_s), video_s or container_s, rate, has_audio)


def iter_frames(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time in seconds from the file's start, frame), in order. Broken packets are skipped.

    Raises:
        MediaError: the file cannot be opened, or nothing but broken packets follows.
    """
    with _open(path) as container:
        stream = _video_stream(container, path)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        start_s = (container.start_time or 0) / av.time_base
        broken = 0
        time_s = -1 / rate
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
                frames = packet.decode()
                broken = 0
            except StopIteration:
                return
            except (FFmpegError, OSError) as error:
                broken += 1
                if broken > MAX_BROKEN_PACKETS:
                    raise MediaError(f"{path.name} is damaged after {max(time_s, 0):.1f} s.") from error
                continue
            for frame in frames:
                time_s = frame.time - start_s if frame.time is not None else time_s + 1 / rate
                yield time_s, frame


def iter_audio(path: Path) -> Iterator[tuple[float, NDArray[np.int16]]]:
    """(time in seconds from the file's start, mono samples at AUDIO_RATE_HZ); ends at the first broken packet."""
    with _open(path) as container:
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
    """Compares where decoding ended with what the header said.

    Raises:
        MediaError: more than a little is missing.
    """
    if info.video_s - end_s > max(1.0, EARLY_END_TOLERANCE * info.video_s):
        raise MediaError(f"{path.name} ends early: {end_s:.1f} of {info.video_s:.1f} s could be read.")
