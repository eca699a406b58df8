"""What a bot shows and says, wherever it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiortc import MediaStreamTrack

from client.face_pipeline import TrackedFace

FaceSink = Callable[[TrackedFace], None]
"""Takes the faces as they are due; called in the event loop."""


class Player(Protocol):
    """A recording or a stream, played once or over and over in real time."""

    @property
    def extractor(self) -> str:
        """Name of what made the faces, which peers are told."""
        ...

    @property
    def has_audio(self) -> bool:
        """Whether there is something to hear."""
        ...

    def audio_track(self) -> MediaStreamTrack | None:
        """A new track of the sound for one listener; None: there never is any."""
        ...

    async def play(self, begin: asyncio.Event) -> None:
        """Gets ready, waits for `begin`, and plays to the end.

        Raises:
            MediaError: it cannot be played, or not on.
        """
        ...

    async def aclose(self) -> None:
        """Ends what is still going on, also if nothing was played."""
        ...
