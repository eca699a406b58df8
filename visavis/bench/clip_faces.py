"""The tracked faces of a clip, for benchmarks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from codec.params import FaceParams
from renderer.head.model import HeadModel
from tracker.track_file import Track
from visavis.track_clip import TrackJob, track_clip

MAX_FRAMES = 600


def tracked_faces(file: Path, head: HeadModel, on_share: Callable[[float], None]) -> list[FaceParams]:
    """The first MAX_FRAMES faces of a clip, in order; pictures without a face are left out.

    Args:
        file: the clip.
        head: the head model that is fitted.
        on_share: told the finished share.

    Raises:
        CommandError: the clip cannot be read.
    """
    tracks: list[Track] = []

    def keep(track: Track, out: IO[bytes]) -> None:
        tracks.append(track)

    with tempfile.TemporaryDirectory() as scratch:
        job = TrackJob(file, Path(scratch) / "track", head, save=keep)
        track_clip(job, lambda done, total: on_share(done / max(total, done, 1)))
    faces = [tracks[0].params(index) for index in range(len(tracks[0].time_s))]
    return [face for face in faces if face is not None][:MAX_FRAMES]
