"""A video codec over its qualities, from its floor to more than a bad connection carries."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from visavis.bench.rd.ffmpeg import SWS_FLAGS, Pictures, decode, raw_input, run
from visavis.bench.rd.points import Point
from visavis.bench.rd.quality import Judge
from visavis.bench.rd.video_codecs import VideoCodec

MOST_KBPS = 100.0
"""Beyond it a sweep ends, with the first point that is."""


def sweep(codec: VideoCodec, side: int, judge: Judge, known: Callable[[str], Point | None]) -> Iterator[Point]:
    """The points of a codec.

    Args:
        codec: which one.
        side: pixels a side of what is coded; decoded pictures are scaled up again.
        judge: has the pictures.
        known: a point that was measured before, by its setting.
    """
    for quality in codec.qualities:
        setting = f"{quality} at {side}"
        point = known(setting) or measure(codec, quality, side, judge)
        yield point
        if point.kbps > MOST_KBPS:
            break


@dataclass(frozen=True, eq=False)
class Coded:
    """Pictures that went through a codec.

    Args:
        shown: [T, S, S, 3] what comes out.
        size_bytes: of all packets.
        encode_ms, decode_ms: of each picture.
    """

    shown: Pictures
    size_bytes: int
    encode_ms: float
    decode_ms: float


def measure(codec: VideoCodec, quality: int, side: int, judge: Judge) -> Point:
    """Codes, decodes and judges pictures at one quality.

    Raises:
        CommandError: ffmpeg fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        coded = encode_and_decode(codec, quality, judge.truth, judge.rate, side, Path(folder) / "video.mkv")
    kbps = 8 * coded.size_bytes * judge.rate / len(judge.truth) / 1000
    return Point(f"{quality} at {side}", kbps, judge(coded.shown), coded.encode_ms, coded.decode_ms)


def encode_and_decode(codec: VideoCodec, quality: int, pictures: Pictures, rate: int, side: int, video: Path) -> Coded:
    """Writes pictures, `rate` a second, to a video, and reads them again; see `sweep`.

    Raises:
        CommandError: ffmpeg fails.
    """
    scale = f"scale={side}:{side}:flags={SWS_FLAGS},format=yuv420p"
    began = time.perf_counter()
    run([*raw_input(pictures, rate), "-vf", scale, *codec.arguments(quality), str(video)], pictures)
    encoded = time.perf_counter()
    shown = decode(video, pictures.shape[1])
    decoded = time.perf_counter()
    times = (1e3 * (encoded - began) / len(pictures), 1e3 * (decoded - encoded) / len(pictures))
    return Coded(shown, payload_bytes(video), *times)


def payload_bytes(video: Path) -> int:
    """Bytes of all packets of a video, without its container."""
    with av.open(str(video)) as container:
        return sum(packet.size for packet in container.demux(video=0))
