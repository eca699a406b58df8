"""Learns a person and their camera from a recording (tracker.calibrate) and keeps it as a file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from client.capture.media_file import probe
from renderer.head.model import HeadModel
from tracker.calibrate import calibrate
from tracker.detection import Detection
from tracker.landmarker import Landmarker
from tracker.profile import TAKE_S
from visavis.clip_pictures import read_pictures
from visavis.errors import CommandError
from visavis.output_files import check_output, completed

FREE_S = 20.0
"""So much of a take without a schedule is looked at."""
_EARLY_S = 0.5
"""A guided take may end so much before its schedule does."""


@dataclass(frozen=True)
class CalibrationJob:
    """What to learn from, and what to write.

    Args:
        clip: the recording.
        out: the profile to write (tracker.profile).
        head: the head model that is to be driven.
        guided: the person does what tracker.profile.SCHEDULE asks for, from the recording's start.
    """

    clip: Path
    out: Path
    head: HeadModel
    guided: bool = False


@dataclass(frozen=True)
class CalibrationSummary:
    """What came out.

    Args:
        pictures: number of pictures looked at.
        faces: those with a face, which were learned from.
        focal_ratio: focal length of the camera over the longer side of its picture.
        seconds: time of the last picture.
    """

    pictures: int
    faces: int
    focal_ratio: float
    seconds: float


@dataclass(frozen=True)
class _Take:
    detections: list[Detection]
    times_s: list[float]
    image_size: tuple[int, int]
    pictures: int
    end_s: float


def calibrate_clip(
    job: CalibrationJob, on_progress: Callable[[str, float], None] = lambda step, share: None
) -> CalibrationSummary:
    """Learns from the recording's beginning. What is interrupted or fails leaves no file.

    Args:
        job: what to do.
        on_progress: told what is being done and the finished share of it, 0..1.

    Raises:
        CommandError: the profile cannot be written, the recording is a pipe, ends before a guided take does, or shows
            no face.
        MediaError: the recording cannot be read.
        ProfileError: the recording shows a face for too short a time, or a guided one shows no rest.
        TrackerAssetError: there is no usable model file for the tracker.
    """
    if job.clip.is_fifo():  # it is read more than once, and opening it may wait for good
        raise CommandError(f"{job.clip.name} is a pipe: save it as a file first.")
    probe(job.clip)
    check_output(job.out, reads=job.clip)
    take = _look(job, lambda share: on_progress("looking at the face", share))
    if not take.detections:
        raise CommandError(f"{job.clip.name} shows no face in its first {take.end_s:.1f} s.")
    if job.guided and take.end_s < TAKE_S - _EARLY_S:
        raise CommandError(f"{job.clip.name} ends after {take.end_s:.1f} s: a guided take lasts {TAKE_S:.0f} s.")
    person = calibrate(
        job.head,
        take.detections,
        take.times_s,
        take.image_size,
        guided=job.guided,
        progress=lambda share: on_progress("learning the person", share),
    )
    with completed(job.out) as partial:
        person.save(partial)
    return CalibrationSummary(take.pictures, len(take.detections), person.focal_ratio, take.end_s)


def _look(job: CalibrationJob, on_share: Callable[[float], None]) -> _Take:
    until_s = TAKE_S if job.guided else FREE_S
    detections: list[Detection] = []
    times_s: list[float] = []
    pictures, image_size, end_s = 0, (1, 1), 0.0
    with closing(Landmarker()) as landmarker:
        for time_s, picture in read_pictures(job.clip):
            if time_s > until_s:
                break
            pictures, end_s = pictures + 1, max(0.0, time_s)
            image_size = (picture.shape[0], picture.shape[1])
            detection = landmarker.detect(picture, time_s)
            if detection is not None:
                detections.append(detection)
                times_s.append(time_s)
            on_share(end_s / until_s)
    return _Take(detections, times_s, image_size, pictures, end_s)
