"""Writes what a head looks like here, as rendered, to an MP4: for people who want it, and for the end-to-end tests."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from client.clock import monotonic_s
from client.errors import MediaError
from client.view.head_view import HeadRenderer, HeadView, i420_planes
from codec.params import FaceParams

logger = logging.getLogger(__name__)

SIZE_PX = 512
FRAME_RATE = 25


class HeadRecorder:
    """Records one head from its first face on, 25 pictures a second of real time, until it is closed.

    Args:
        path: the MP4 to write.

    Raises:
        MediaError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._container = av.open(str(path), "w", format="mp4")
        except (FFmpegError, OSError) as error:
            raise MediaError(f"{path.name} cannot be written.") from error
        self._stream = self._container.add_stream(
            "libx264", rate=FRAME_RATE, options={"crf": "18", "preset": "veryfast"}
        )
        self._stream.width = self._stream.height = SIZE_PX
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_count = 1
        self._view = HeadView("recorded")
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._has_renderer = self._has_face = False

    def start(self) -> None:
        """Begins to wait for the first face."""
        self._thread.start()

    def set_renderer(self, renderer: HeadRenderer) -> None:
        """The avatar to draw from now on."""
        self._view.set_renderer(renderer)
        self._has_renderer = True
        self._check_ready()

    def show(self, params: FaceParams | None, capture_ms: int) -> None:
        """The newest face."""
        self._view.show(params, capture_ms)
        self._has_face |= params is not None
        self._check_ready()

    def _check_ready(self) -> None:
        if self._has_renderer and self._has_face:
            self._ready.set()

    def close(self) -> None:
        """Ends the recording and completes the file; blocks for a moment."""
        self._stopping.set()
        self._ready.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._ready.wait()
        try:
            with self._container:
                if not self._stopping.is_set():
                    self._record()
        except (FFmpegError, OSError):
            logger.exception("the recording ended early")

    def _record(self) -> None:
        buffer = np.zeros((SIZE_PX * 3 // 2, SIZE_PX), np.uint8)
        planes = i420_planes(buffer, 0, 0, SIZE_PX, SIZE_PX)
        started = monotonic_s()
        index = 0
        while not self._stopping.wait(max(started + index / FRAME_RATE - monotonic_s(), 0)):
            now = monotonic_s()
            if self._view.due(now):
                self._view.draw(planes, SIZE_PX, now, stamp=False)
            frame = av.VideoFrame.from_ndarray(buffer, format="yuv420p")
            frame.pts = index
            self._container.mux(self._stream.encode(frame))
            # A machine that is too slow repeats no picture and keeps the time: the next one gets a later index.
            index = max(index + 1, int((monotonic_s() - started) * FRAME_RATE))
        self._container.mux(self._stream.encode(None))
