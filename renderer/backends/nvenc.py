"""H.264 by the graphics card's own encoder, where PyAV's FFmpeg offers it and the driver lets it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from renderer.errors import CudaUnavailableError
from renderer.yuv import YuvPlanes

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

ENCODER = "h264_nvenc"
MIN_SIDE_PX = 160
"""Smaller pictures are refused by the cards' encoders (145 x 49 on most)."""

CLOCK_HZ = 90_000


class NvencEncoder:
    """Turns pictures into H.264 packets with the least delay.

    Args:
        width: picture width in pixels, even.
        height: picture height in pixels, even.
        fps: pictures a second.
        bit_rate: bits a second.
        encoder: FFmpeg's name of the encoder, for tests.

    Raises:
        CudaUnavailableError: there is no such encoder here, or the driver refuses it.
        ValueError: a side is odd or shorter than MIN_SIDE_PX.
    """

    def __init__(self, width: int, height: int, fps: int = 25, bit_rate: int = 2_000_000, encoder: str = ENCODER):
        if width % 2 or height % 2 or min(width, height) < MIN_SIDE_PX:
            raise ValueError(f"a video of {width} x {height}, expected even sides of at least {MIN_SIDE_PX}")
        self._codec = _open(width, height, fps, bit_rate, encoder)
        self._step = CLOCK_HZ // fps
        self._count = 0

    def encode(self, planes: YuvPlanes) -> list[bytes]:
        """The packets (Annex B) that are ready after one more picture.

        Raises:
            ValueError: the picture has another size.
        """
        import av

        if (planes.width, planes.height) != (self._codec.width, self._codec.height):
            size = f"{self._codec.width} x {self._codec.height}"
            raise ValueError(f"a picture of {planes.width} x {planes.height} for a video of {size}")
        frame = av.VideoFrame(planes.width, planes.height, "yuv420p")
        for plane, source in zip(frame.planes, (planes.y, planes.u, planes.v), strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            rows[:, : source.shape[1]] = source
        frame.pts, frame.time_base = self._count * self._step, Fraction(1, CLOCK_HZ)
        self._count += 1
        return [bytes(packet) for packet in self._codec.encode(frame)]

    def finish(self) -> list[bytes]:
        """The packets that were held back; nothing can be encoded afterwards."""
        return [bytes(packet) for packet in self._codec.encode(None)]


def _open(width: int, height: int, fps: int, bit_rate: int, encoder: str) -> VideoCodecContext:
    from av.codec.codec import Codec, UnknownCodecError
    from av.error import FFmpegError
    from av.video.codeccontext import VideoCodecContext

    try:
        codec = cast(VideoCodecContext, VideoCodecContext.create(Codec(encoder, "w"), "w"))
    except UnknownCodecError as error:
        raise CudaUnavailableError(f"PyAV's FFmpeg has no encoder {encoder}: encode on the processor.") from error
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate, codec.time_base, codec.bit_rate = Fraction(fps), Fraction(1, CLOCK_HZ), bit_rate
    codec.max_b_frames = 0
    if encoder == ENCODER:
        codec.options = {"preset": "p1", "tune": "ull", "delay": "0", "rc": "cbr"}
    try:
        codec.open()
    except (OSError, FFmpegError) as error:
        raise CudaUnavailableError(f"{encoder} cannot be opened: no NVIDIA card, or its driver is too old.") from error
    return codec
