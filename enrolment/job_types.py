"""What an enrolment is asked for, what it tells while it runs, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from enrolment.errors import EnrolmentError
from enrolment.job_codec import Avatar
from enrolment.read_take import HoldOut
from enrolment.take import Take
from renderer.head.model import HeadModel
from tracker.matting import SegmentationNetwork
from tracker.profile import PersonProfile

LEAST_BUDGET_S = 10.0
MOST_BUDGET_S = 24 * 3600.0
DEFAULT_BUDGET_S = 300.0


class JobError(EnrolmentError):
    """The enrolment cannot go on; the message says why, and what is kept, in one sentence."""


class JobStopped(EnrolmentError):
    """It was asked to stop before there was an avatar; the message says what is kept."""


class Profile(StrEnum):
    """How an avatar moves (docs/avatar-profiles.md)."""

    LINEAR = "linear"
    PAPER = "paper"


class Backend(StrEnum):
    """What trains."""

    CPU = "cpu"
    CUDA = "cuda"


class Stage(StrEnum):
    """The parts of an enrolment, in order."""

    READ = "reading the recording"
    INSTANT = "making the instant avatar"
    TRAIN = "training"
    PACK = "packing"
    REPORT = "writing the report"


@dataclass(frozen=True)
class Kept:
    """An avatar that is where it can be worn from.

    Args:
        avatar_id: hex SHA-256 of its file.
        place: what names it on a command line: an id, a handle, or a path.
        size_bytes: of the file.
        profile: the file with what the tracker knows of the person, if there is one.
    """

    avatar_id: str
    place: str
    size_bytes: int
    profile: Path | None


class AvatarKeeper(Protocol):
    """Puts the avatars of one job where they belong (enrolment.job_keep).

    Of profile `linear` these are the instant avatar and the final one, of `paper` only the latter.
    """

    def keep(self, data: bytes, person: PersonProfile | None) -> Kept:
        """Keeps an avatar file in place of what this keeper has kept before.

        Raises:
            JobError: it cannot be written; what was kept before is still there.
        """
        ...


@dataclass(frozen=True)
class EnrolmentJob:
    """One person to make an avatar of.

    Args:
        clip: the recording, or the photo.
        head: the head model of the avatar.
        name: the avatar's, at most 64 printable characters.
        keep: where the avatar goes.
        work: folder for what an interrupted job goes on from.
        profile, backend: what to train, and with what.
        budget_s: wall time from the start to the trained avatar, tracking included; the report comes after.
        hold_out: which pictures are kept from training, to judge by.
        photo: `clip` is one picture.
        fresh: forget what an interrupted job has left.
        report: folder for report.html and report.json; None for none.
        seed: of everything random.
        matte_network: what tells the person from the background; by default MediaPipe's, fetched where it is missing.
        lpips: weights of LPIPS (enrolment.metrics.lpips), which training looks with and the report counts with;
            without, avatars are less sharp.
        large: train all Gaussians, and keep a file of version 0; to see what small files lose.
    """

    clip: Path
    head: HeadModel
    name: str
    keep: AvatarKeeper
    work: Path
    profile: Profile = Profile.LINEAR
    backend: Backend = Backend.CPU
    budget_s: float = DEFAULT_BUDGET_S
    hold_out: HoldOut = HoldOut.BLOCKS
    photo: bool = False
    fresh: bool = False
    report: Path | None = None
    seed: int = 0
    matte_network: SegmentationNetwork | None = None
    lpips: Path | None = None
    large: bool = False


@dataclass(frozen=True, eq=False)
class Progress:
    """How far an enrolment is.

    Args:
        stage: what is done.
        doing: the same in words, in more detail where there is some.
        share: finished part of the stage, 0..1.
        left_s: seconds to the trained avatar, as far as that can be told.
        psnr_db: of the held-out pictures, with the best avatar so far.
        preview: [H, W, 3] uint8 sRGB, a picture of the avatar as it is now; only where there is a new one.
        kept: an avatar that has just been kept, the instant one or the final one.
        note: a sentence for the person, said once.
    """

    stage: Stage
    doing: str
    share: float
    left_s: float | None = None
    psnr_db: float | None = None
    preview: NDArray[np.uint8] | None = None
    kept: Kept | None = None
    note: str | None = None


@dataclass(frozen=True)
class Point:
    """A moment of the training.

    Args:
        trained_s: seconds of training so far.
        loss: mean over the latest steps; NaN before the first.
        psnr_db: of a few held-out pictures; None where there are none.
    """

    trained_s: float
    loss: float
    psnr_db: float | None


@dataclass(frozen=True, eq=False)
class EnrolmentResult:
    """What came out.

    Args:
        kept: where the avatar is.
        avatar: the same, as read back from its file.
        take: what it was learned from.
        stopped: the training was ended before its time.
        resumed: a part had been done by an interrupted job.
        trained_s: seconds of training, those of the interrupted job included.
        stage_s: seconds of each stage, likewise; the report's own are not in it.
        points: course of the training.
        psnr_db: held-out, of the avatar that is kept, on the few pictures of `points`; None where none are held out.
        warnings: one sentence each.
        report: report.html, if one was written.
        scores: "open_loop" and "closed_loop": means of each score over the held-out pictures; empty without a report
            or without such pictures.
    """

    kept: Kept
    avatar: Avatar
    take: Take
    stopped: bool
    resumed: bool
    trained_s: float
    stage_s: dict[str, float]
    points: tuple[Point, ...]
    psnr_db: float | None
    warnings: tuple[str, ...]
    report: Path | None
    scores: dict[str, dict[str, float | None]]
