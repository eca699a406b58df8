"""A recording that is camera and microphone: its face is tracked live, its sound goes along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import av
from aiortc import MediaStreamTrack

from client.capture.file_source import FileSource
from client.errors import MediaError
from client.face_pipeline import FacePipeline, TrackedFace, Tracker
from client.player import FaceSink
from client.tasks import TaskOwner, settle

NO_FACE_S = 10.0
"""A recording in whose first this many seconds the tracker finds no face is refused."""

MIN_JUDGED_FRAMES = 20
"""Of these at least none must show a face, however slow the machine is."""


class RecordingPlayer:
    """A client.player.Player of a recording; opens it at once, so construct it in a thread.

    Args:
        video: the recording.
        loop: begin anew at its end.
        audio: whether its sound is to be heard.
        make_tracker: loads the tracker.
        extractor: name of what that loads.
        on_face: takes the faces.

    Raises:
        MediaError: the recording cannot be used.
    """

    def __init__(
        self,
        video: Path,
        loop: bool,
        audio: bool,
        make_tracker: Callable[[], Tracker],
        extractor: str,
        on_face: FaceSink,
    ) -> None:
        self._source = FileSource(video, loop, self._on_frame, self._on_file_end)
        self._pipeline = FacePipeline(make_tracker, self._on_tracked)
        self._name, self._audio, self._on_face = video.name, audio, on_face
        self._tasks = TaskOwner("recording")
        self._faces = 0
        self._tracked = 0
        self._first_tracked_ms = 0
        self.extractor = extractor

    @property
    def has_audio(self) -> bool:
        """See Player."""
        return self._audio and self._source.info.has_audio

    def audio_track(self) -> MediaStreamTrack | None:
        """See Player."""
        return self._source.audio_track() if self._audio else None

    async def play(self, begin: asyncio.Event) -> None:
        """See Player. The first picture waits until the tracker is loaded, so that nothing of it is lost."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._pipeline.start()
        self._tasks.start(self._watch_tracker(), "tracker")
        self._tasks.start(self._begin(begin), "begin")
        await self._ended

    async def aclose(self) -> None:
        """See Player."""
        await self._tasks.aclose()
        await asyncio.to_thread(self._source.stop)
        await self._pipeline.aclose()

    async def _begin(self, begin: asyncio.Event) -> None:
        await begin.wait()
        await self._pipeline.ready.wait()
        self._source.start()

    async def _watch_tracker(self) -> None:
        self._end(await self._pipeline.failed())

    def _end(self, error: Exception | None) -> None:
        settle(self._ended, error)

    def _on_frame(self, frame: av.VideoFrame, capture_ms: int) -> None:
        self._pipeline.push(frame, capture_ms)

    def _on_file_end(self, error: MediaError | None) -> None:
        self._loop.call_soon_threadsafe(self._ended_with, error)

    def _ended_with(self, error: MediaError | None) -> None:
        self._end(self._no_face() if error is None and self._tracked > 0 and self._faces == 0 else error)

    def _no_face(self) -> MediaError:
        return MediaError(f"No face was found in the first {NO_FACE_S:.0f} s of {self._name}.")

    def _on_tracked(self, face: TrackedFace) -> None:
        self._tracked += 1
        self._faces += face.params is not None
        if self._faces == 0:
            self._first_tracked_ms = self._first_tracked_ms or face.capture_ms
            looked_ms = face.capture_ms - self._first_tracked_ms
            if looked_ms > 1000 * NO_FACE_S and self._tracked >= MIN_JUDGED_FRAMES:
                self._end(self._no_face())
        self._on_face(face)
