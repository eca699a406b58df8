"""Face parameters that are replayed at their own times: there is nothing to track and nothing to hear."""

from __future__ import annotations

import asyncio
import itertools

from client.clock import capture_ms
from client.errors import MediaError
from client.face_pipeline import TrackedFace
from client.player import FaceSink
from codec.stream_file import FaceStream


class StreamPlayer:
    """A client.player.Player of a stream.

    Args:
        stream: the faces.
        loop: begin anew at its end.
        head_model_id: of the heads that can be shown.
        on_face: takes the faces.

    Raises:
        MediaError: the stream is for another head model, or shows no face.
    """

    has_audio = False

    def __init__(self, stream: FaceStream, loop: bool, head_model_id: str, on_face: FaceSink) -> None:
        if stream.header.head_model_id != head_model_id:
            raise MediaError(
                f"The stream is for another head model ({stream.header.head_model_id[:12]}) than that of calls "
                f"({head_model_id[:12]}): encode the recording for that one."
            )
        if not stream.detected.any():
            raise MediaError(f"The stream shows no face in any of its {len(stream)} frames.")
        self._stream, self._loop, self._on_face = stream, loop, on_face
        self._period_ms = round(1000 * stream.duration_s)

    @property
    def extractor(self) -> str:
        """See Player."""
        return self._stream.header.extractor

    def audio_track(self) -> None:
        """See Player."""

    async def play(self, begin: asyncio.Event) -> None:
        """See Player. A frame whose successor is due already is left out: only the newest face matters."""
        await begin.wait()
        began_ms, count = capture_ms(), len(self._stream)
        for number in itertools.count() if self._loop else range(count):
            due_ms = began_ms + self.time_ms(number)
            await _until(due_ms)
            if capture_ms() < began_ms + self.time_ms(number + 1):
                self._on_face(TrackedFace(self._stream.params(number % count), due_ms, 0.0))
        await _until(began_ms + self._period_ms)

    def time_ms(self, number: int) -> int:
        """When a frame is due after the beginning; counting goes on over repetitions."""
        rounds, index = divmod(number, len(self._stream))
        return rounds * self._period_ms + int(self._stream.time_ms[index])

    async def aclose(self) -> None:
        """See Player."""


async def _until(due_ms: int) -> None:
    """Lets others have a turn, however late it is."""
    await asyncio.sleep(max(due_ms - capture_ms(), 0) / 1000)
