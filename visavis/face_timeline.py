"""The face of a stream at any time: between frames, in gaps and before the first face."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from codec.face_motion import SILENCE_S, FaceMotion
from codec.params import FaceParams
from codec.stream_file import FaceStream

LONGEST_STEP_S = 0.04
"""Motion is followed in steps of at most this, so that it eases in the same way however few pictures are wanted."""


class FaceTimeline:
    """What a receiver would show (codec.face_motion), on the stream's own clock.

    Between two frames that are not far apart the face is interpolated. Where there is none the head rests: it holds for
    a moment, then expression, jaw, eyelids and gaze ease to neutral; when the face comes back they ease to it.

    Args:
        stream: the frames.

    Raises:
        ValueError: no frame has a face.
    """

    def __init__(self, stream: FaceStream) -> None:
        if not stream.detected.any():
            raise ValueError("no frame of the stream has a face")
        self._stream = stream
        self._hold_s = max(SILENCE_S, 1.5 / stream.header.frame_rate)
        self._motion = FaceMotion()
        self._begun = False
        self._time_s = 0.0

    def at(self, time_s: float) -> FaceParams:
        """The face to show; `time_s` must not go back."""
        steps = max(1, math.ceil((time_s - self._time_s) / LONGEST_STEP_S - 1e-6))
        begin_s = self._time_s
        for step in range(1, steps + 1):
            self._advance(begin_s + (time_s - begin_s) * step / steps)
        self._time_s = time_s
        shown = self._motion.current(time_s)
        assert shown is not None  # _advance has given it a face
        return shown

    def _advance(self, time_s: float) -> None:
        face = self._face(time_s)
        if face is not None:
            self._motion.follow(face, time_s)
        elif self._begun:
            self._motion.rest(time_s)
        else:
            self._motion.follow(self._first_at_rest(), time_s)
            self._motion.rest(time_s)
        self._begun = True
        self._motion.current(time_s)

    def _face(self, time_s: float) -> FaceParams | None:
        """Between the frames around a time; None where there is no face."""
        stream, time_ms = self._stream, 1000 * time_s
        index = int(np.searchsorted(stream.time_ms, time_ms + 0.5, side="right")) - 1  # times are rounded to 1 ms
        if index < 0 or not stream.detected[index]:
            return None
        since_ms = time_ms - stream.time_ms[index]
        after = min(index + 1, len(stream) - 1)
        interval_ms = stream.time_ms[after] - stream.time_ms[index]
        if stream.detected[after] and 0 < interval_ms <= 1000 * self._hold_s:
            face, following = stream.params(index), stream.params(after)
            assert face is not None  # both are detected
            assert following is not None
            return face.toward(following, float(np.clip(since_ms / interval_ms, 0, 1)))
        return stream.params(index) if since_ms <= 1000 * self._hold_s else None

    def _first_at_rest(self) -> FaceParams:
        first = self._stream.params(int(np.argmax(self._stream.detected)))
        assert first is not None  # there is a face, and this is where
        rest = FaceParams.neutral(len(first.expression))
        return replace(rest, global_rotation=first.global_rotation, translation=first.translation, torso=first.torso)
