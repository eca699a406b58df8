"""What an enrolment is put together from; tests put other parts in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from enrolment.evaluate import Evaluation, truth
from enrolment.follow import follow
from enrolment.job_codec import Avatar, Snapshot, avatar_model
from enrolment.job_types import EnrolmentJob
from enrolment.metrics.pixels import psnr_db
from enrolment.take import Take
from enrolment.trainer import GoOn, Trainer
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

OnStep = Callable[[str, float], None]
"""Told what is done, and the finished share of it, 0..1."""
ShouldStop = Callable[[], bool]


Known = Corrections | None
"""What training has found out about the tracker and an avatar."""
Evaluate = Callable[[Take, HeadModel, Avatar, Known, Sequence[int], bool], Evaluation]
"""Of a take, pictures in order, closed loop or open: every score, and the renders."""
Slim = Callable[[Take, HeadModel, Avatar, Known, float, GoOn], Snapshot]
RUN_UP = 2
"""Pictures that are followed before one is judged: a closed loop needs some to settle."""


PREVIEW_SIZE = 256
_WHITE = (1.0, 1.0, 1.0)


def draw_preview(take: Take, head: HeadModel, avatar: Avatar, known: Known, index: int) -> NDArray[np.uint8]:
    """[PREVIEW_SIZE, PREVIEW_SIZE, 3] sRGB: the avatar as in one picture of the take, on white."""
    params = follow(take, head, avatar, [index], False, known).params[0]
    renderer = FrameRenderer(avatar_model(head, avatar), max_size=PREVIEW_SIZE)
    return renderer.render_rgb(params, take.camera(PREVIEW_SIZE), _WHITE)


def judge_psnr_db(take: Take, head: HeadModel, avatar: Avatar, known: Known, indices: Sequence[int]) -> float:
    """Mean PSNR of some pictures on white, closed loop where the avatar allows it: the quick part of `evaluate`.

    What the recording does not show is white in both.
    """
    params = follow(take, head, avatar, indices, True, known, lead_in=RUN_UP).params
    renderer, camera = FrameRenderer(avatar_model(head, avatar)), take.camera()
    unknown, values = take.outside(), []
    for index, face in zip(indices, params, strict=True):
        drawn = renderer.render_rgb(face, camera, _WHITE)
        drawn[unknown] = 255
        values.append(psnr_db(truth(take, index), drawn))
    return float(np.mean(values))


@dataclass(frozen=True)
class EnrolmentParts:
    """The parts.

    Args:
        read: from the job's recording or photo to a take; when asked to stop it may return, or raise TakeStopped.
        instant: (take, head, name) to the instant avatar.
        trainer: (job, take, instant avatar, seconds) to what trains it in so many seconds.
        evaluate: see Evaluate.
        judge: (take, head, avatar, what is known, pictures) to the PSNR, dB, that decides which avatar is kept.
        draw: (take, head, avatar, what is known, picture) to a preview [H, W, 3] uint8 of that picture on white.
        now: monotonic seconds.
        slim: (take, head, avatar, what is known, seconds it may train, GoOn) to the smaller file that is kept, and
            what is known with it; None keeps the best as it is.
    """

    read: Callable[[EnrolmentJob, OnStep, ShouldStop], Take]
    instant: Callable[[Take, HeadModel, str], AvatarAsset]
    trainer: Callable[[EnrolmentJob, Take, AvatarAsset, float], Trainer]
    evaluate: Evaluate
    judge: Callable[[Take, HeadModel, Avatar, Known, Sequence[int]], float] = judge_psnr_db
    draw: Callable[[Take, HeadModel, Avatar, Known, int], NDArray[np.uint8]] = draw_preview
    now: Callable[[], float] = time.monotonic
    slim: Slim | None = None
