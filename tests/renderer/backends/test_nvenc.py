"""The shell around the card's encoder, with an encoder in software in its place."""

import av
import numpy as np
import pytest

from renderer.backends.nvenc import NvencEncoder
from renderer.errors import CudaUnavailableError
from renderer.yuv import YuvPlanes


def picture(i: int) -> YuvPlanes:
    planes = YuvPlanes.allocate(200, 160)
    planes.fill(0.2, 0.1 * i, 0.9)
    planes.y[40:80, 20 * i : 20 * i + 40] = 200
    return planes


def test_what_is_encoded_can_be_seen_again() -> None:
    encoder = NvencEncoder(200, 160, encoder="libx264")
    packets = [packet for i in range(6) for packet in encoder.encode(picture(i))] + encoder.finish()
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))] + decoder.decode(None)
    assert len(frames) == 6
    for i, frame in enumerate(frames):
        y = frame.to_ndarray()[:160].astype(float)
        assert np.abs(y - picture(i).y).mean() < 6


def test_sizes_that_the_card_refuses_are_refused_here() -> None:
    for width, height in ((201, 160), (200, 161), (64, 64)):
        with pytest.raises(ValueError, match=f"a video of {width} x {height}"):
            NvencEncoder(width, height, encoder="libx264")
    with pytest.raises(ValueError, match="a picture of 200 x 160 for a video of 320 x 240"):
        NvencEncoder(320, 240, encoder="libx264").encode(picture(0))


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(CudaUnavailableError, match="no encoder h264_of_nobody"):
        NvencEncoder(320, 240, encoder="h264_of_nobody")


def test_an_encoder_that_cannot_be_opened_is_an_error() -> None:
    with pytest.raises(CudaUnavailableError, match="cannot be opened"):
        NvencEncoder(320, 240, bit_rate=-5, encoder="h264_v4l2m2m")
