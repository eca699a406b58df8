"""Face parameters from files: stream files as they are, track files as streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.errors import BitstreamError
from codec.params import MAX_EXPRESSION
from codec.quantizer import StreamConfig
from codec.stream_config import FrameConfig, carries_all, dims_of
from codec.stream_file import MAX_STREAM_BYTES, FaceStream, unpack_stream
from codec.stream_header import MAGIC, MAX_FRAME_RATE, MIN_FRAME_RATE, StreamHeader
from tracker.track_file import Track, load_track
from visavis.errors import CommandError

USUAL_FRAME_RATE = 25.0
_ZIP = b"PK\x03\x04"
"""A track file is an npz, which is a zip."""


def is_track_file(path: Path) -> bool:
    """Whether the file is a track file, by its first bytes; what cannot be read is none."""
    return _begins_with(path, _ZIP)


def is_stream_file(path: Path) -> bool:
    """Whether the file is a stream file, by its first bytes; what cannot be read is none."""
    return _begins_with(path, MAGIC)


def _begins_with(path: Path, magic: bytes) -> bool:
    try:
        if not path.is_file():  # a pipe would wait for whoever writes to it
            return False
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except (OSError, ValueError):
        return False


def load_face_stream(path: Path) -> FaceStream:
    """Reads a stream file, or a track file as a stream whose parameters are not quantized.

    Raises:
        CommandError: the file cannot be read, or is no stream file, or a damaged one.
        TrackFileError: it is a damaged track file.
    """
    if is_track_file(path):
        return stream_of_track(load_track(path))
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is not a file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_STREAM_BYTES + 1)
        return unpack_stream(data)
    except (OSError, ValueError) as error:
        if isinstance(error, BitstreamError):
            hint = " (`visavis encode` makes one of a recording)" if error.reason == "bad_magic" else ""
            raise CommandError(f"{path.name} is no stream that can be read: {error}{hint}.") from error
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{path} cannot be read: {reason}.") from error


def stream_of_track(
    track: Track, config: FrameConfig | None = None, gaze: bool = True, torso: bool = True
) -> FaceStream:
    """The frames of a track.

    Args:
        track: the track.
        config: what the stream is to be coded with; by default E = 50 at 8 bits. Expression beyond E is left out.
        gaze: whether the stream is to carry the gaze.
        torso: whether it is to carry the torso, if that moves of its own anywhere.

    Raises:
        ValueError: the times of the track are none of a stream, or profile `range` is to go without the gaze.
    """
    config = config or StreamConfig()
    moved = track.torso if torso and track.torso[track.detected].any() else None
    carried = moved is not None or carries_all(config)
    header = StreamHeader(track.head_model_id, track.extractor, frame_rate_of(track.time_s), config, gaze, carried)
    expression = track.expression[:, : min(dims_of(config), MAX_EXPRESSION)]
    values = np.concatenate([expression, track.pose, track.gaze], axis=1).astype(np.float32)
    return FaceStream(header, _whole_ms(track.time_s), track.detected, values, moved)


def frame_rate_of(time_s: NDArray[np.float64]) -> float:
    """Frames a second of frames at growing times; pauses do not count, nor does the rounding of single times."""
    intervals = np.diff(time_s)
    if not len(intervals):
        return USUAL_FRAME_RATE
    usual = intervals[intervals < 1.5 * np.median(intervals)]
    return float(np.clip(1 / usual.mean(), MIN_FRAME_RATE, MAX_FRAME_RATE))


def _whole_ms(time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """[T] times that grow by at least 1 ms."""
    index = np.arange(len(time_s))
    return np.maximum.accumulate(np.rint(1000 * np.maximum(time_s, 0)).astype(np.int64) - index) + index
