"""Reading a recording: what is in it, and its pictures in order. No pacing and no sound here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

MAX_BROKEN_PACKETS = 100
EARLY_END_TOLERANCE = 0.05
"""Part of the announced length that may be missing (containers round), but at least one second."""
_LEAST_INTERVAL_S = 1e-3


class RecordingError(Exception):
    """A file is no video, damaged, or ends early; the message is one sentence for the person."""


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


class RgbConverter:
    """Makes [H, W, 3] sRGB pictures, upright and at most `max_width` wide, in one pass of scaling and color conversion.

    It keeps the scaler from frame to frame (building one takes longer than using it), so each thread needs its own.

    Args:
        max_width: of the picture as it is stored, before it is turned upright.
    """

    def __init__(self, max_width: int) -> None:
        self._max_width = max_width
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The picture as an array of its own."""
        width = min(frame.width, self._max_width)
        height = max(round(frame.height * width / frame.width), 1)
        scaled = self._scaler.reformat(frame, width=width, height=height, format="rgb24")
        rgb = scaled.to_ndarray().astype(np.uint8, copy=False)
        quarter_turns = round(frame.rotation / 90) % 4  # of the file's display matrix, counter-clockwise
        return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb


def open_recording(path: Path) -> InputContainer:
    """Opens a file with sound or pictures.

    Raises:
        RecordingError: it cannot be opened.
    """
    try:
        return av.open(str(path), mode="r")
    except FileNotFoundError as error:
        raise RecordingError(f"{path.name} does not exist.") from error
    except IsADirectoryError as error:
        raise RecordingError(f"{path.name} is a directory, not a video file.") from error
    except PermissionError as error:
        raise RecordingError(f"{path.name} may not be read.") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise RecordingError(f"{path.name} is not a video file that can be read.") from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise RecordingError(f"{path.name} has no video stream.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def probe(path: Path) -> MediaInfo:
    """Reads the headers and decodes one frame.

    Raises:
        RecordingError: the file is missing, is no video, or not one frame of it can be decoded.
    """
    with open_recording(path) as container:
        stream = _video_stream(container, path)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        has_audio = bool(container.streams.audio)
        container_s = container.duration / av.time_base if container.duration else 0.0
        video_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else container_s
    if next(iter_frames(path), None) is None:
        raise RecordingError(f"{path.name} holds no picture that can be decoded.")
    if not max(video_s, container_s):
        video_s = max(time_s for time_s, _ in iter_frames(path)) + 1 / rate
    return MediaInfo(max(container_s, video_s), video_s or container_s, rate, has_audio)


def packet_times(path: Path) -> NDArray[np.float64]:
    """[n] seconds at which the video's packets are to be shown, growing; nothing is decoded.

    Packets without a time, and everything from a broken one on, are left out.

    Raises:
        RecordingError: the file cannot be opened.
    """
    times_s: list[float] = []
    with open_recording(path) as container:
        stream = _video_stream(container, path)
        try:
            for packet in container.demux(stream):
                if packet.pts is not None and packet.time_base is not None:
                    times_s.append(float(packet.pts * packet.time_base))
        except (FFmpegError, OSError):
            pass
    return np.sort(np.array(times_s))


def iter_frames(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time in seconds from the file's start, frame), in order. Broken packets are skipped.

    Raises:
        RecordingError: the file cannot be opened, or nothing but broken packets follows.
    """
    with open_recording(path) as container:
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
                    raise RecordingError(f"{path.name} is damaged after {max(time_s, 0):.1f} s.") from error
                continue
            for frame in frames:
                time_s = frame.time - start_s if frame.time is not None else time_s + 1 / rate
                yield time_s, frame


def upright_pictures(
    frames: Iterable[tuple[float, av.VideoFrame]], max_width: int
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(time in seconds, picture [H, W, 3] sRGB) of each frame.

    The first picture decides the size of all. A time that does not grow is moved behind the previous one.

    Args:
        frames: see `iter_frames`; what it raises passes through.
        max_width: wider frames are shrunk (RgbConverter).
    """
    convert = RgbConverter(max_width)
    size: tuple[int, int] | None = None
    last_s = -np.inf
    for time_s, frame in frames:
        picture = convert(frame)
        if size is None:
            size = (picture.shape[1], picture.shape[0])
        elif size != (picture.shape[1], picture.shape[0]):
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        last_s = max(time_s, last_s + _LEAST_INTERVAL_S)
        yield last_s, picture


def check_complete(path: Path, info: MediaInfo, end_s: float) -> None:
    """Compares where decoding ended with what the header said.

    Raises:
        RecordingError: more than a little is missing.
    """
    if info.video_s - end_s > max(1.0, EARLY_END_TOLERANCE * info.video_s):
        raise RecordingError(f"{path.name} ends early: {end_s:.1f} of {info.video_s:.1f} s could be read.")
