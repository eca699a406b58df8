"""The rendered video as an aiortc track."""

from __future__ import annotations

import asyncio

import av
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, MediaStreamError, MediaStreamTrack

from client.clock import monotonic_s

REPEAT_AFTER_S = 0.5
"""A still picture is sent again at this interval: a key frame that the browser asks for needs a frame to ride on."""


class AtlasTrack(MediaStreamTrack):
    """Sends the newest frame; frames that come faster than they can be coded are dropped.

    Time stamps are wall-clock time, which never starts again (a browser freezes for good when they do).
    """

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._newest: av.VideoFrame | None = None
        self._fresh = asyncio.Event()
        self._last_pts = -1

    def put(self, frame: av.VideoFrame) -> None:
        """Takes a frame (I420); in the event loop."""
        self._newest = frame
        self._fresh.set()

    async def recv(self) -> av.VideoFrame:
        """The next frame to code."""
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            try:
                async with asyncio.timeout(REPEAT_AFTER_S):
                    await self._fresh.wait()
            except TimeoutError:
                pass
            self._fresh.clear()
            if (frame := self._newest) is not None:
                break
        pts = max(int(monotonic_s() * VIDEO_CLOCK_RATE), self._last_pts + 1)
        frame.pts = self._last_pts = pts
        frame.time_base = VIDEO_TIME_BASE
        return frame
