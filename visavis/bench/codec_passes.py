"""Passes of faces through a profile of the face stream: how many bits, how far off, how long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from codec.frame_coding import QuantizedFrame, decode_delta, decode_key, encode_delta, encode_key
from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from codec.quantizer import StreamConfig
from codec.range_frame import RangeFrame, decode_frame, encode_frame, predicted
from codec.range_steps import FULL_DIMS, RangeConfig
from tracker.face_pixels import FacePixels

RATE = 25
"""Frames a second that rates are given for, whatever the clip has: its own frames are coded."""
ROUND_TRIP = 4
"""Frames to the newest acknowledged one: 100 ms there and back, and acknowledgements that wait for a frame."""
ERROR_EVERY = 5
"""Errors are measured in every so many-th frame."""


class Coder(Protocol):
    """One direction of a call that loses nothing."""

    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        """Bytes of the next frame, and what comes out of them."""
        ...


class PaperCoder:
    """Profile `eg0`, without loss: each frame as differences to the one before."""

    def __init__(self, dims: int, bits: int) -> None:
        self._config = StreamConfig(dims, bits)
        self._sent: QuantizedFrame | None = None

    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        """Bytes of the next frame, and what comes out of them."""
        frame, before = QuantizedFrame.of(face, self._config), self._sent
        self._sent = frame
        if before is None:
            data = encode_key(frame)
            return len(data), decode_key(data).to_params()
        data = encode_delta(frame, before)
        return len(data), decode_delta(data, before).to_params()


class RangeCoder:
    """Profile `range`: each frame refers to the `distance`-th before it."""

    def __init__(self, quality: int, distance: int, basis: MotionBasis | None = None) -> None:
        self._config, self._distance = RangeConfig(FULL_DIMS, quality, basis), distance
        self._sent: list[RangeFrame] = []

    def pass_on(self, face: FaceParams) -> tuple[int, FaceParams]:
        """Bytes of the next frame, and what comes out of them."""
        far = self._distance if len(self._sent) >= self._distance else 0
        reference = self._sent[-far] if far else None
        config, steps = self._config, self._config.steps
        data, _ = encode_frame(config, steps.symbols(face, predicted(config, reference, far)), reference, far)
        frame = decode_frame(config, data, reference, far)
        self._sent = [*self._sent[1 - self._distance :], frame] if self._distance > 1 else [frame]
        return len(data), steps.params(frame.symbols)


@dataclass
class Passed:
    """What a coder made of a clip: payload, root mean square error of landmarks, and time."""

    kbps: float
    error_px: float
    us: float


def pass_through(coder: Coder, faces: list[FaceParams], error: LandmarkError) -> Passed:
    """Codes and decodes faces that follow each other."""
    sizes, times, received = [], [], []
    for face in faces:
        started = time.perf_counter()
        size, came = coder.pass_on(face)
        times.append(time.perf_counter() - started)
        sizes.append(size)
        received.append(came)
    steady = sizes[ROUND_TRIP:]  # key frames are another matter
    return Passed(8 * RATE * float(np.mean(steady)) / 1000, error.of(received), 1e6 * float(np.median(times)))


class LandmarkError:
    """Distances of the 478 landmarks of what was sent and what came out."""

    def __init__(self, pixels: FacePixels, faces: list[FaceParams]) -> None:
        self._pixels = pixels
        self._depths = [float(face.translation[2]) for face in faces[::ERROR_EVERY]]
        self._truth = [
            pixels.points(face, depth) for face, depth in zip(faces[::ERROR_EVERY], self._depths, strict=True)
        ]

    def of(self, received: list[FaceParams]) -> float:
        """Root mean square over landmarks and frames, pixels."""
        squares = [
            ((self._pixels.points(face, depth) - truth) ** 2).sum(axis=1).mean()
            for face, depth, truth in zip(received[::ERROR_EVERY], self._depths, self._truth, strict=True)
        ]
        return float(np.sqrt(np.mean(squares)))


def rate_at(passed: Sequence[Passed], error_px: float) -> float:
    """Rate, kbit/s, at which `passed`, from fine to coarse, is as far off; of the end of the ladder beyond it."""
    errors = np.maximum.accumulate(np.log([each.error_px for each in passed]))
    return float(np.exp(np.interp(np.log(error_px), errors, np.log([each.kbps for each in passed]))))
