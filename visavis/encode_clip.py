"""Makes a stream file (docs/stream-file.md) of a recording, which is tracked for it, or of a track file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from codec.stream_config import FrameConfig
from codec.stream_file import FaceStream, pack_stream
from renderer.head.model import HeadModel
from tracker.profile import PersonProfile
from tracker.refined_tracker import Likeness
from tracker.track_file import Track, load_track
from visavis.errors import CommandError
from visavis.face_streams import stream_of_track
from visavis.output_files import check_output, write_file
from visavis.track_clip import TrackJob, track_clip


@dataclass(frozen=True)
class EncodeJob:
    """What to encode, how, and what to write.

    Args:
        source: a recording or a track file.
        out: the stream file.
        config: how frames are coded, and how exactly.
        gaze: keep where the eyes look; profile `range` always does.
        torso: keep what the shoulders do of their own, if they do anything; profile `range` always does.
    """

    source: Path
    out: Path
    config: FrameConfig
    gaze: bool = True
    torso: bool = True

    def stream(self, track: Track) -> FaceStream:
        """The track as the stream that is wanted.

        Raises:
            CommandError: no frame can be one of a stream.
        """
        try:
            return stream_of_track(track, self.config, self.gaze, self.torso)
        except ValueError as error:
            raise CommandError(f"{self.source.name} cannot be kept as a stream: {error}.") from error


@dataclass(frozen=True)
class EncodeSummary:
    """What came out.

    Args:
        frames: number of frames.
        faces: those with a face.
        seconds: length of the stream.
        size_bytes: of the file.
        kbit_s: what the whole file takes per second.
        work_s: time that it took.
        file: what was written.
        closed_loop: the parameters were corrected against the person's avatar.
        warning: a sentence, where the recording is cut off.
    """

    frames: int
    faces: int
    seconds: float
    size_bytes: int
    kbit_s: float
    work_s: float
    file: str
    closed_loop: bool = False
    warning: str | None = None


def encode_track(job: EncodeJob) -> EncodeSummary:
    """Encodes a track file.

    Raises:
        CommandError: the output cannot be written, or the track shows no face.
        TrackFileError: the track cannot be read.
    """
    started = time.monotonic()
    check_output(job.out, reads=job.source)
    track = load_track(job.source)
    if not track.detected.any():
        raise CommandError(f"{job.source.name} shows no face in any of its {len(track.time_s)} pictures.")
    stream = job.stream(track)
    write_file(job.out, lambda file: _write(stream, file))
    return _summary(job, stream, started)


def encode_clip(
    job: EncodeJob,
    head: HeadModel,
    extractor: str,
    person: PersonProfile | None = None,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
    likeness: Likeness | None = None,
) -> EncodeSummary:
    """Tracks a recording and encodes what comes out. What is interrupted or fails leaves no file.

    Args:
        job: what to do.
        head, extractor, person, likeness: as in visavis.track_clip.TrackJob.
        on_picture: told the number of pictures done and the number expected.

    Raises:
        CommandError, MediaError, ProfileError, TrackerAssetError: see visavis.track_clip.track_clip.
    """
    started = time.monotonic()
    streams: list[FaceStream] = []

    def save(track: Track, file: IO[bytes]) -> None:
        streams.append(job.stream(track))
        _write(streams[0], file)

    tracking = TrackJob(job.source, job.out, head, extractor, person=person, likeness=likeness, save=save)
    tracked = track_clip(tracking, on_picture)
    return _summary(job, streams[0], started, likeness is not None, tracked.warning)


def _write(stream: FaceStream, file: IO[bytes]) -> None:
    file.write(pack_stream(stream))


def _summary(
    job: EncodeJob, stream: FaceStream, started: float, closed_loop: bool = False, warning: str | None = None
) -> EncodeSummary:
    size = job.out.stat().st_size
    return EncodeSummary(
        frames=len(stream),
        faces=int(stream.detected.sum()),
        seconds=round(stream.duration_s, 3),
        size_bytes=size,
        kbit_s=round(8 * size / stream.duration_s / 1000, 3),
        work_s=round(time.monotonic() - started, 3),
        file=str(job.out),
        closed_loop=closed_loop,
        warning=warning,
    )
