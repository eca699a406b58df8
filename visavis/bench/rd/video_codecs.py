"""The video codecs that face streams are compared with, and how each is run.

All of them get one key frame, as a call that loses nothing would, and a constant quality: rate control could only cost
them. What they are asked for is what a call can use, no picture waits for one after it; except for VVenC, which is
there as an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

NO_KEY_FRAMES = 9999


@dataclass(frozen=True)
class VideoCodec:
    """An encoder of ffmpeg.

    Args:
        name: in figures.
        title: for people.
        live: whether a call could use it.
        arguments: ffmpeg's, for a quality.
        qualities: from the worst on.
    """

    name: str
    title: str
    live: bool
    arguments: Callable[[int], list[str]]
    qualities: Sequence[int]


def _x265_paper(qp: int) -> list[str]:
    """Low delay P: no B pictures, no looking ahead."""
    params = f"qp={qp}:bframes=0:rc-lookahead=0:keyint={NO_KEY_FRAMES}:scenecut=0:pools=1:frame-threads=1"
    return ["-c:v", "libx265", "-preset", "medium", "-tune", "zerolatency", "-x265-params", f"{params}:log-level=error"]


def _x265(crf: int) -> list[str]:
    """The same with what x265 does well at low rates left on: constant rate factor, slower search."""
    params = f"crf={crf}:bframes=0:rc-lookahead=0:keyint={NO_KEY_FRAMES}:scenecut=0:pools=1:frame-threads=1"
    return ["-c:v", "libx265", "-preset", "slower", "-tune", "zerolatency", "-x265-params", f"{params}:log-level=error"]


def _svt_av1(crf: int) -> list[str]:
    params = f"pred-struct=1:lp=1:keyint={NO_KEY_FRAMES}:scd=0"
    return ["-c:v", "libsvtav1", "-preset", "7", "-crf", str(crf), "-svtav1-params", params]


def _libaom(crf: int) -> list[str]:
    real_time = ["-usage", "realtime", "-cpu-used", "7", "-lag-in-frames", "0", "-threads", "1"]
    return ["-c:v", "libaom-av1", *real_time, "-crf", str(crf), "-b:v", "0", "-g", str(NO_KEY_FRAMES)]


def _vp9(crf: int) -> list[str]:
    real_time = ["-deadline", "realtime", "-cpu-used", "5", "-lag-in-frames", "0", "-threads", "1"]
    return ["-c:v", "libvpx-vp9", *real_time, "-crf", str(crf), "-b:v", "0", "-g", str(NO_KEY_FRAMES)]


def _vvenc(qp: int) -> list[str]:
    return ["-c:v", "libvvenc", "-preset", "faster", "-qp", str(qp), "-qpa", "0", "-threads", "1", "-g", "256"]


VIDEO_CODECS = (
    VideoCodec("x265_paper", "x265, low delay P", True, _x265_paper, (51, 47, 43, 40, 37, 34, 31, 28, 25)),
    VideoCodec("x265", "x265, slower", True, _x265, (51, 46, 42, 39, 36, 33, 30, 27, 24)),
    VideoCodec("svt_av1", "SVT-AV1, low delay", True, _svt_av1, (63, 58, 52, 46, 40, 34, 28, 22)),
    VideoCodec("libaom", "libaom, real time", True, _libaom, (63, 58, 52, 46, 40, 34, 28, 22)),
    VideoCodec("vp9", "VP9, real time", True, _vp9, (63, 58, 52, 46, 40, 34, 28, 22)),
    VideoCodec("vvenc", "VVenC, random access", False, _vvenc, (50, 46, 42, 38, 34, 31, 28)),
)
