"""Tracks a recording from its first to its last picture: parameters to a file, and videos to look at."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from client.capture.media_file import MediaInfo, check_complete, probe
from client.errors import MediaError
from renderer.head.model import HeadModel
from tracker.extractor import Extractor, open_extractor
from tracker.face_tracker import FaceTracker, TrackResult
from tracker.matting import PersonMatte, SegmentationNetwork, head_region
from tracker.profile import PersonProfile, ProfileError
from tracker.refined_tracker import Likeness, RefinedTracker
from tracker.track_file import Track, TrackRecorder
from visavis.clip_pictures import read_pictures
from visavis.errors import CommandError
from visavis.output_files import VideoWriter, check_output, open_video, write_file
from visavis.track_overlay import Overlay


@dataclass(frozen=True)
class TrackJob:
    """What to track, how, and what to write.

    Args:
        clip: the recording.
        out: the file with the parameters.
        head: the head model whose parameters are wanted.
        extractor: one of tracker.extractor.EXTRACTORS.
        overlay: the MP4 with the mesh over the picture, if wanted.
        matte: the MP4 with the person's alpha, grey, if wanted.
        matte_network: the segmentation network; needed for a matte.
        person: whom to expect, for the MediaPipe extractor.
        likeness: the person's avatar, against which what the extractor says is corrected (docs/closed-loop.md).
        save: writes the parameters to `out`, by default as a track file.
    """

    clip: Path
    out: Path
    head: HeadModel
    extractor: str = "mediapipe"
    overlay: Path | None = None
    matte: Path | None = None
    matte_network: SegmentationNetwork | None = None
    person: PersonProfile | None = None
    likeness: Likeness | None = None
    save: Callable[[Track, IO[bytes]], None] = Track.save

    @property
    def outputs(self) -> list[Path]:
        """All files that are written."""
        return [path for path in (self.out, self.overlay, self.matte) if path is not None]


@dataclass(frozen=True)
class TrackSummary:
    """What came out.

    Args:
        pictures: number of pictures.
        faces: those with a face.
        residual_pct: median rms landmark error, % of the distance of the outer eye corners.
        clip_s: length of the recording, as it announces it.
        work_s: time that it took.
        width, height: of the tracked pictures.
        extractor, head, head_model_id: what made the parameters.
        files: what was written.
        warning: a sentence, where the recording is cut off.
    """

    pictures: int
    faces: int
    residual_pct: float
    clip_s: float
    work_s: float
    width: int
    height: int
    extractor: str
    head: str
    head_model_id: str
    files: list[str]
    warning: str | None


def check_job(job: TrackJob) -> MediaInfo:
    """Reads the recording's header and makes sure that the outputs can be written; nothing is written yet.

    Raises:
        CommandError: an output cannot be written, two are the same file, the recording is a pipe, a profile is given to
            an extractor that has no use for one, or the avatar is for another head model.
        ProfileError: the profile is for another head model.
        MediaError: the recording is missing, or no video that can be decoded.
    """
    if job.person is not None:
        if job.extractor != FaceTracker.name:
            raise CommandError(f"A profile is for the extractor {FaceTracker.name}, not for {job.extractor}.")
        if job.person.head_model_id != job.head.model_id:
            raise ProfileError(f"The profile belongs to another head model than {job.head.name}: make it anew.")
    if job.likeness is not None and job.likeness.avatar.head.model_id != job.head.model_id:
        raise CommandError(f"The avatar is made for another head model than {job.head.name}.")
    if job.clip.is_fifo():  # it is read more than once, and opening it may wait for good
        raise CommandError(f"{job.clip.name} is a pipe: save it as a file first.")
    info = probe(job.clip)
    for path in job.outputs:
        check_output(path, reads=job.clip)
    if len({path.resolve() for path in job.outputs}) < len(job.outputs):
        raise CommandError("Two of the files to write have the same name: name them differently.")
    return info


def track_clip(job: TrackJob, on_picture: Callable[[int, int], None] = lambda done, total: None) -> TrackSummary:
    """Tracks the recording. What is interrupted or fails leaves no file.

    Args:
        job: what to do.
        on_picture: told the number of pictures done and the number expected.

    Raises:
        CommandError: see check_job; or no picture shows a face, or a file cannot be written after all.
        MediaError: the recording cannot be decoded.
        TrackerAssetError: a file that the extractor needs is missing.
    """
    info = check_job(job)
    started = time.monotonic()
    with closing(_open_extractor(job)) as extractor, ExitStack() as videos:
        run = _Run(job, extractor, info, videos)
        expected = max(1, round(info.video_s * info.frame_rate))
        for time_s, picture in read_pictures(job.clip):
            run.take(picture, time_s)
            on_picture(len(run.recorder), max(expected, len(run.recorder)))
        track = run.finish()
        write_file(job.out, lambda file: job.save(track, file))
    width, height = track.image_size
    return TrackSummary(
        pictures=len(track.time_s),
        faces=int(track.detected.sum()),
        residual_pct=round(100 * float(np.nanmedian(track.residual)), 3),
        clip_s=round(info.video_s, 3),
        work_s=round(time.monotonic() - started, 3),
        width=width,
        height=height,
        extractor=track.extractor,
        head=job.head.name,
        head_model_id=track.head_model_id,
        files=[str(path) for path in job.outputs],
        warning=_cut_off(job.clip, info, float(track.time_s[-1])),
    )


def _open_extractor(job: TrackJob) -> Extractor:
    if job.person is not None:
        extractor: Extractor = FaceTracker(job.head, person=job.person)
    else:
        extractor = open_extractor(job.extractor, job.head)
    return extractor if job.likeness is None else RefinedTracker(extractor, job.likeness)


def _cut_off(clip: Path, info: MediaInfo, end_s: float) -> str | None:
    try:
        check_complete(clip, info, end_s)
    except MediaError as error:
        return str(error)
    return None


class _Run:
    """One pass over the pictures. The first one decides the size of everything."""

    def __init__(self, job: TrackJob, extractor: Extractor, info: MediaInfo, videos: ExitStack) -> None:
        self._job, self._extractor, self._info, self._videos = job, extractor, info, videos
        self.recorder = TrackRecorder()
        self._size: tuple[int, int] | None = None
        self._matte = PersonMatte(job.matte_network) if job.matte and job.matte_network else None
        self._overlay: Overlay | None = None
        self._overlay_video: VideoWriter | None = None
        self._matte_video: VideoWriter | None = None

    def take(self, image: NDArray[np.uint8], time_s: float) -> None:
        """The next picture [H, W, 3]."""
        if self._size is None:
            self._begin((image.shape[1], image.shape[0]))
        result = self._extractor.track(image, time_s)
        self.recorder.add(time_s, result)
        if self._overlay is not None and self._overlay_video is not None:
            self._overlay_video.write(self._overlay.draw(image, result, time_s), time_s)
        if self._matte is not None and self._matte_video is not None:
            self._matte_video.write(_alpha(self._matte, image, result, time_s), time_s)

    def _begin(self, size: tuple[int, int]) -> None:
        self._size = size
        rate = self._info.frame_rate
        if self._job.overlay is not None:
            self._overlay = Overlay(self._job.head, self._extractor.focal_ratio * max(size), size)
            self._overlay_video = self._videos.enter_context(open_video(self._job.overlay, size, rate))
        if self._job.matte is not None and self._matte is not None:
            self._matte_video = self._videos.enter_context(open_video(self._job.matte, size, rate))

    def finish(self) -> Track:
        """The track.

        Raises:
            CommandError: no picture shows a face.
        """
        size = self._size or (1, 1)
        track = self.recorder.finish(
            image_size=size,
            focal_px=self._extractor.focal_ratio * max(size),
            head_model_id=self._extractor.head_model_id,
            extractor=self._extractor.name,
            clip_sha256=_sha256(self._job.clip),
        )
        if not track.detected.any():
            raise CommandError(f"{self._job.clip.name} shows no face in any of its {len(track.time_s)} pictures.")
        return track


def _alpha(matte: PersonMatte, image: NDArray[np.uint8], result: TrackResult, time_s: float) -> NDArray[np.uint8]:
    head = None if result.landmarks_px is None else head_region(result.landmarks_px)
    return np.round(255 * matte(image, time_s, head)).astype(np.uint8)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
