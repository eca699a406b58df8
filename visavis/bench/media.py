"""Media for tests and benchmarks: fake cameras, and face motion measured in a recording."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from renderer.head.open_head import load_open_head
from tracker.face_tracker import FaceTracker

FloatArray = NDArray[np.float64]

CAMERA_RATE = 30


def write_fake_camera(video: Path, out: Path, *, size: tuple[int, int] = (640, 480)) -> None:
    """Turns a video into the MJPEG that Chromium's `--use-file-for-fake-video-capture` plays in a loop.

    Such a file has no times: Chromium shows 30 pictures a second, so the video is resampled to that.
    """
    width, height = size
    with av.open(str(video)) as source, av.open(str(out), "w", format="mjpeg") as sink:
        stream = sink.add_stream("mjpeg", rate=CAMERA_RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        stream.options = {"qscale": "3"}
        written = 0
        for frame in source.decode(video=0):
            picture = frame.reformat(width, height, "yuvj420p")
            while written <= frame.time * CAMERA_RATE:
                picture.pts, picture.time_base = written, Fraction(1, CAMERA_RATE)
                sink.mux(stream.encode(picture))
                written += 1
        sink.mux(stream.encode(None))


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """What moves in a recording, sampled at its frames.

    Args:
        time_s: [T] seconds from the first frame.
        yaw: [T] radians; jaw: [T] MediaPipe's jawOpen score; blink: [T] mean of both eyeBlink scores. NaN where no
            face was found.
    """

    time_s: FloatArray
    yaw: FloatArray
    jaw: FloatArray
    blink: FloatArray

    def resampled(self, rate: float) -> FaceMotion:
        """The same motion at a fixed rate, gaps filled linearly."""
        time = np.arange(0, self.time_s[-1], 1 / rate)

        def at(values: FloatArray) -> FloatArray:
            known = np.isfinite(values)
            return np.interp(time, self.time_s[known], values[known])

        return FaceMotion(time, at(self.yaw), at(self.jaw), at(self.blink))


def face_motion(video: Path) -> FaceMotion:
    """Runs the face tracker, without smoothing, over every frame of a recording."""
    head = load_open_head()
    jaw_index = head.blendshape_names.index("jawOpen")
    blink_indices = [head.blendshape_names.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    tracker = FaceTracker(head, smoothing=False)
    rows: list[tuple[float, float, float, float]] = []
    try:
        with av.open(str(video)) as source:
            start = None
            for frame in source.decode(video=0):
                start = frame.time if start is None else start
                time_s = float(frame.time - start)
                picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                result = tracker.track(picture, time_s)
                if result.params is None or result.scores is None:
                    rows.append((time_s, np.nan, np.nan, np.nan))
                    continue
                yaw = float(result.params.global_rotation[1])
                rows.append((time_s, yaw, float(result.scores[jaw_index]), float(result.scores[blink_indices].mean())))
    finally:
        tracker.close()
    columns = np.array(rows).T
    return FaceMotion(*columns)
