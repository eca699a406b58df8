"""A stream of one face as a file: frames with their times, to be kept, measured and seen again (docs/stream-file.md).

In a call a frame refers to the last one that the receiver acknowledged (codec.face_encoder); nothing is lost from a
file, so here it refers to the one before it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.errors import BitstreamError
from codec.exp_golomb import to_signed, to_unsigned
from codec.params import TORSO_SIZE, FaceParams
from codec.stream_frames import frames_of
from codec.stream_header import MAX_FRAMES, StreamHeader, unpack_header
from codec.varint import pack_varint, unpack_varint

MAX_STREAM_BYTES = 32 << 20
KEY_PERIOD_MS = 4000
"""A key frame follows when the last one is this old, so that a reader can begin in the middle."""

MAX_TIME_MS = 24 * 3600 * 1000
_MIN_FRAME_BYTES = 1
_EMPTY, _KEY, _DELTA = 0, 1, 2
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True, eq=False)
class FaceStream:
    """T frames in order of time.

    Args:
        header: what holds for all of them.
        time_ms: [T] since the stream's start, growing, 0 .. MAX_TIME_MS.
        detected: [T] whether there is a face.
        values: [T, E + 15] in the order of FaceParams.to_vector(); rows without a face are ignored, NaN as read.
        torso: [T, 6] FaceParams.torso, rows as in `values`; None if it has no motion of its own.

    Raises:
        ValueError: shapes that do not belong together, times that do not grow or are out of range, numbers of a face
            that are not finite, or more than MAX_FRAMES frames.
    """

    header: StreamHeader
    time_ms: NDArray[np.int64]
    detected: NDArray[np.bool_]
    values: NDArray[np.float32]
    torso: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count, width = len(self.time_ms), self.header.expression_dims + 15
        if self.time_ms.shape != (count,) or self.detected.shape != (count,) or self.values.shape != (count, width):
            raise ValueError(f"{count} frames with values of shape {self.values.shape}, expected ({count}, {width})")
        if self.torso is not None and self.torso.shape != (count, TORSO_SIZE):
            raise ValueError(
                f"{count} frames with a torso of shape {self.torso.shape}, expected ({count}, {TORSO_SIZE})"
            )
        if count > MAX_FRAMES:
            raise ValueError(f"{count} frames; a stream has at most {MAX_FRAMES}")
        if count and (self.time_ms[0] < 0 or self.time_ms[-1] > MAX_TIME_MS or (np.diff(self.time_ms) < 1).any()):
            raise ValueError("the times of the frames do not grow, or lie outside one day")
        if not all(np.isfinite(rows[self.detected]).all() for rows in (self.values, self.torso) if rows is not None):
            raise ValueError("a face holds a number that is not finite")

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def duration_s(self) -> float:
        """From 0 to the end of the last frame, which lasts as long as the frame rate says; 0 without frames."""
        return (int(self.time_ms[-1]) / 1000 + 1 / self.header.frame_rate) if len(self) else 0.0

    def params(self, index: int) -> FaceParams | None:
        """The face of one frame, None without one."""
        if not self.detected[index]:
            return None
        return FaceParams.from_vector(self.values[index], None if self.torso is None else self.torso[index])


def pack_stream(stream: FaceStream) -> bytes:
    """The file: each face is quantized and coded as differences to the face before it, or as a key frame."""
    header = stream.header
    frames, interval_ms = frames_of(header), header.interval_ms
    parts = [header.pack(len(stream))]
    before_ms, key_ms = -interval_ms, 0
    reference = None
    for index, time_ms in enumerate(stream.time_ms.tolist()):
        time = to_unsigned(time_ms - before_ms - interval_ms) << 2
        before_ms = time_ms
        params = stream.params(index)
        if params is None:
            parts.append(pack_varint(time | _EMPTY))
            continue
        kind, (coded, frame) = _KEY, frames.write(params, None)
        if reference is not None and time_ms - key_ms < KEY_PERIOD_MS:
            delta, moved = frames.write(params, reference)
            if len(delta) < len(coded):
                kind, coded, frame = _DELTA, delta, moved
        if kind == _KEY:
            key_ms = time_ms
        parts += [pack_varint(time | kind), coded]
        reference = frame
    content = b"".join(parts)
    return content + _CHECKSUM.pack(zlib.crc32(content))


def unpack_stream(data: bytes) -> FaceStream:
    """Reads a file; nothing in it is trusted.

    Raises:
        BitstreamError: one of the reasons of docs/stream-file.md.
    """
    if len(data) > MAX_STREAM_BYTES:
        raise BitstreamError("too_long", f"A stream file of {len(data)} bytes; {MAX_STREAM_BYTES} are allowed")
    header, count, begin = unpack_header(data)
    end = len(data) - _CHECKSUM.size
    if end - begin < count * _MIN_FRAME_BYTES:
        raise BitstreamError("truncated", f"The stream file is too short for its {count} frames")
    if _CHECKSUM.unpack_from(data, end)[0] != zlib.crc32(data[:end]):
        raise BitstreamError("bad_checksum", "The stream file is damaged")
    time_ms = np.zeros(count, np.int64)
    detected = np.zeros(count, np.bool_)
    values = np.full((count, header.expression_dims + 15), np.nan, np.float32)
    torso = np.full((count, TORSO_SIZE), np.nan, np.float32) if header.torso else None
    reader = _FrameReader(data[begin:end], header)
    for index in range(count):
        face = reader.next_face()
        time_ms[index] = reader.time_ms
        if face is not None:
            detected[index] = True
            values[index] = face.to_vector()
            if torso is not None:
                torso[index] = face.torso
    reader.finish()
    return FaceStream(header, time_ms, detected, values, torso)


class _FrameReader:
    """Takes frames from the bytes that hold them, one after another."""

    def __init__(self, data: bytes, header: StreamHeader) -> None:
        self._data, self._frames, self._interval_ms = data, frames_of(header), header.interval_ms
        self._offset = 0
        self._reference = None
        self.time_ms = -header.interval_ms

    def next_face(self) -> FaceParams | None:
        """The face of the next frame, None where there is none; `time_ms` is its time."""
        number, self._offset = unpack_varint(self._data, self._offset, "bad_time")
        first = self.time_ms < 0
        step_ms = self._interval_ms + to_signed(number >> 2)
        self.time_ms += step_ms
        if (self.time_ms < 0 if first else step_ms < 1) or self.time_ms > MAX_TIME_MS:
            raise BitstreamError("bad_time", "The stream file holds a time that does not grow, or is beyond one day")
        kind = number & 3
        if kind == _EMPTY:
            return None
        if kind not in (_KEY, _DELTA):
            raise BitstreamError("bad_kind", f"The stream file holds a frame of the unknown kind {kind}")
        if kind == _DELTA and self._reference is None:
            raise BitstreamError("unknown_reference", "The stream file's first face is not a key frame")
        reference = self._reference if kind == _DELTA else None
        self._reference, self._offset = self._frames.read(self._data, self._offset, reference)
        return self._frames.face(self._reference)

    def finish(self) -> None:
        """Checks that nothing is left."""
        if self._offset != len(self._data):
            raise BitstreamError("trailing", "The stream file holds more than its frames")
