"""A file as camera and microphone: decoded in threads at the file's own rate, picture and sound on one clock."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from client.capture.media_file import AUDIO_RATE_HZ, MediaInfo, check_complete, iter_audio, iter_frames, probe
from client.clock import capture_ms, monotonic_s
from client.errors import MediaError

logger = logging.getLogger(__name__)

CHUNK_SAMPLES = AUDIO_RATE_HZ // 50
CHUNK_S = 0.02
AUDIO_AHEAD_S = 1.0
"""Sound is decoded this far ahead of the clock and no further."""

FrameSink = Callable[[av.VideoFrame, int], None]
EndSink = Callable[[MediaError | None], None]


class FileClock:
    """The file's timeline: starts with the first picture and runs on over repetitions, each `period_s` long."""

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._started_at: float | None = None

    def start(self) -> None:
        """Time 0 is now."""
        self._started_at = monotonic_s()

    def now(self) -> float | None:
        """Seconds on the timeline; None before the start."""
        return None if self._started_at is None else monotonic_s() - self._started_at


class FileSource:
    """Plays a file.

    Args:
        path: the file.
        loop: begin anew at its end.
        on_frame: called in the decoding thread with each picture at its time, and that time in Unix ms.
        on_end: called in the decoding thread when the file has ended (None) or cannot go on.

    Raises:
        MediaError: the file cannot be used (see media_file.probe).
    """

    def __init__(self, path: Path, loop: bool, on_frame: FrameSink, on_end: EndSink) -> None:
        self.info: MediaInfo = probe(path)
        self._path, self._loop = path, loop
        self._on_frame, self._on_end = on_frame, on_end
        self._stopping = threading.Event()
        self._clock = FileClock(self.info.duration_s)
        self._audio = _AudioTimeline()
        self._threads = [threading.Thread(target=self._run_video, name="file-video", daemon=True)]
        if self.info.has_audio:
            self._threads.append(threading.Thread(target=self._run_audio, name="file-audio", daemon=True))

    def start(self) -> None:
        """Begins to play."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads; returns when they have ended. Blocks for a frame's decoding time."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def audio_track(self) -> MediaStreamTrack:
        """A new track of the file's sound, in step with the pictures; silence where the file has none."""
        return FileAudioTrack(self._clock, self._audio)

    def _wait_until(self, timeline_s: float) -> bool:
        """False when the source has been stopped meanwhile."""
        while not self._stopping.is_set():
            now = self._clock.now()
            delay = timeline_s - now if now is not None else 0.05
            if delay <= 0 and now is not None:
                return True
            self._stopping.wait(delay)
        return False

    def _run_video(self) -> None:
        error: MediaError | None = None
        try:
            self._play_video()
        except MediaError as caught:
            error = caught
        except Exception:  # without a word from here the bot would stand still for ever
            logger.exception("playing ended")
            error = MediaError(f"{self._path.name} cannot be played on.")
        if not self._stopping.is_set():
            self._on_end(error)

    def _play_video(self) -> None:
        offset_s = 0.0
        while not self._stopping.is_set():
            end_s = 0.0
            for time_s, frame in iter_frames(self._path):
                if self._clock.now() is None:
                    self._clock.start()
                if not self._wait_until(offset_s + time_s):
                    return
                self._on_frame(frame, capture_ms())
                end_s = time_s + 1 / self.info.frame_rate
            check_complete(self._path, self.info, end_s)
            offset_s += self.info.duration_s
            if not self._loop:
                self._wait_until(offset_s)
                return

    def _run_audio(self) -> None:
        try:
            self._play_audio()
        except MediaError as error:  # the picture's thread reports what is wrong with the file
            logger.warning("the sound ended: %s", error)

    def _play_audio(self) -> None:
        offset_s = 0.0
        while not self._stopping.is_set():
            heard = False
            for time_s, samples in iter_audio(self._path):
                heard = True
                if not self._wait_until(offset_s + time_s - AUDIO_AHEAD_S):
                    return
                self._audio.put(offset_s + time_s, samples)
            offset_s += self.info.duration_s
            if not self._loop or not heard:
                return


class _AudioTimeline:
    """Samples by their place on the timeline, a few seconds of them."""

    CAPACITY = 4 * AUDIO_RATE_HZ

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ring = np.zeros(self.CAPACITY, np.int16)
        self._end = 0  # timeline position after the newest sample

    def put(self, time_s: float, samples: NDArray[np.int16]) -> None:
        """Places samples; a rounding error against the preceding ones is smoothed away, a real gap is silence."""
        with self._lock:
            start = round(time_s * AUDIO_RATE_HZ)
            if abs(start - self._end) < CHUNK_SAMPLES:
                start = self._end
            if start < self._end:
                samples = samples[self._end - start :]
                start = self._end
            if start > self._end:
                self._write(self._end, np.zeros(min(start - self._end, self.CAPACITY), np.int16))
            self._write(start, samples[-self.CAPACITY :])
            self._end = start + len(samples)

    def _write(self, start: int, samples: NDArray[np.int16]) -> None:
        self._ring[(start + np.arange(len(samples))) % self.CAPACITY] = samples

    def chunk(self, index: int) -> NDArray[np.int16]:
        """[CHUNK_SAMPLES] the samples of the 20 ms chunk `index`; silence where there are none."""
        first = index * CHUNK_SAMPLES
        with self._lock:
            positions = first + np.arange(CHUNK_SAMPLES)
            known = (positions < self._end) & (positions >= self._end - self.CAPACITY)
            return np.where(known, self._ring[positions % self.CAPACITY], 0).astype(np.int16)


class FileAudioTrack(MediaStreamTrack):
    """One listener's track of the file's sound: 20 ms frames, 48 kHz mono, at the clock's pace."""

    kind = "audio"

    def __init__(self, clock: FileClock, audio: _AudioTimeline) -> None:
        super().__init__()
        self._clock, self._audio = clock, audio
        self._index: int | None = None

    async def recv(self) -> av.AudioFrame:
        """The next 20 ms, when they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        while (now := self._clock.now()) is None:  # noqa: ASYNC110 - another thread starts the clock
            await asyncio.sleep(CHUNK_S)
        current = int(now / CHUNK_S)
        if self._index is None or not current - 5 <= self._index <= current + 1:
            self._index = current  # the first frame, or the loop was held up: skip rather than lag behind the lips
        await asyncio.sleep(max(self._index * CHUNK_S - now, 0))
        frame = av.AudioFrame.from_ndarray(self._audio.chunk(self._index)[None], format="s16", layout="mono")
        frame.sample_rate = AUDIO_RATE_HZ
        frame.time_base = Fraction(1, AUDIO_RATE_HZ)
        frame.pts = self._index * CHUNK_SAMPLES
        self._index += 1
        return frame
