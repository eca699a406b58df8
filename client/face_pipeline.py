"""Camera frames to face parameters in a thread of its own: the newest frame is tracked, the others are dropped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import av
import numpy as np
from numpy.typing import NDArray

from client.capture.frames import RgbConverter
from client.capture.slot import NewestSlot
from client.clock import monotonic_s
from codec.params import FaceParams

logger = logging.getLogger(__name__)

MAX_BAD_FRAMES = 25
"""Frames in a row that fail before the tracker is taken for broken: a second of them."""


class Tracker(Protocol):
    """What the pipeline needs of tracker.face_tracker.FaceTracker."""

    def track(self, image_rgb: NDArray[np.uint8], timestamp_s: float, /) -> Any:
        """Returns an object whose `params` is a FaceParams, or None where there is no face."""
        ...

    def close(self) -> None:
        """Frees the network."""
        ...


Observer = Callable[[NDArray[np.uint8], Any], None]
"""Called in the tracking thread with a picture [H, W, 3] and what `Tracker.track` returned for it."""


@dataclass(frozen=True)
class TrackedFace:
    """The outcome for one frame.

    Args:
        params: the face, or None where the frame shows none.
        capture_ms: Unix time of the frame.
        tracking_ms: processing time.
    """

    params: FaceParams | None
    capture_ms: int
    tracking_ms: float


class FacePipeline:
    """Owns the tracker and its thread.

    `ready` is set once the tracker has been loaded. `observer` may be set and reset at any time.

    Args:
        make_tracker: called in the thread, since a tracker belongs to one thread and takes a while to load.
        on_face: called in the event loop that runs when `start` is called.
    """

    def __init__(self, make_tracker: Callable[[], Tracker], on_face: Callable[[TrackedFace], None]) -> None:
        self._make_tracker = make_tracker
        self._on_face = on_face
        self._slot: NewestSlot[tuple[av.VideoFrame, int]] = NewestSlot()
        self._thread = threading.Thread(target=self._run, name="face-tracker", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed = asyncio.Event()
        self._bad_frames = 0
        self._next_tracker: deque[Callable[[], Tracker]] = deque(maxlen=1)
        self.observer: Observer | None = None
        self.ready = asyncio.Event()
        self.error: Exception | None = None

    def start(self) -> None:
        """Begins to work; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def change_tracker(self, make_tracker: Callable[[], Tracker]) -> None:
        """Goes on with another tracker from the next frame on; if it cannot be loaded, with the one that is there."""
        self._next_tracker.append(make_tracker)

    def push(self, frame: av.VideoFrame, capture_ms: int) -> None:
        """Offers a frame; from any thread."""
        self._slot.put((frame, capture_ms))

    async def failed(self) -> Exception:
        """Returns the error that ended the thread, if ever one does."""
        await self._failed.wait()
        assert self.error is not None
        return self.error

    async def aclose(self) -> None:
        """Ends the thread, after the frame it is working on."""
        self._slot.close()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._tracker = self._make_tracker()
            self._post(self.ready.set)
            try:
                self._track_all()
            finally:
                self._tracker.close()
        except Exception as error:
            logger.exception("face tracking ended")
            self.error = error
            self._post(self._failed.set)

    def _track_all(self) -> None:
        newest_ms, to_rgb = 0, RgbConverter()
        while (item := self._slot.take()) is not None:
            frame, capture_ms = item
            capture_ms = newest_ms = max(capture_ms, newest_ms + 1)  # the tracker wants growing times
            self._change_tracker()
            started = monotonic_s()
            params = self._track(self._tracker, to_rgb, frame, capture_ms / 1000)
            self._post(self._on_face, TrackedFace(params, capture_ms, 1000 * (monotonic_s() - started)))

    def _change_tracker(self) -> None:
        if not self._next_tracker:
            return
        try:
            tracker = self._next_tracker.pop()()
        except Exception:
            logger.exception("another tracker could not be loaded")
            return
        self._tracker.close()
        self._tracker = tracker

    def _track(
        self, tracker: Tracker, to_rgb: RgbConverter, frame: av.VideoFrame, timestamp_s: float
    ) -> FaceParams | None:
        """The face of one frame; a frame that cannot be tracked shows none, unless no frame can any more."""
        try:
            picture = to_rgb(frame)
            result = tracker.track(picture, timestamp_s)
            params: FaceParams | None = result.params
            if (observer := self.observer) is not None:
                observer(picture, result)
        except Exception:
            self._bad_frames += 1
            if self._bad_frames >= MAX_BAD_FRAMES:
                raise
            if self._bad_frames == 1:
                logger.exception("a frame could not be tracked")
            return None
        self._bad_frames = 0
        return params

    def _post(self, function: Callable[..., None], *args: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the event loop has ended meanwhile
            self._loop.call_soon_threadsafe(function, *args)
