"""The course of one enrolment for `visavis bench avatar`: the same parts in the same order as `visavis enroll`, with
the clock watched and the avatar noted on the way. Nothing is judged before the training has ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from codec.avatar_asset import BASIS_CHANNELS, AvatarAsset
from codec.errors import AvatarFileError
from enrolment.checkpoint import write_bytes
from enrolment.job import split_budget
from enrolment.job_codec import Avatar, from_bytes, to_bytes
from enrolment.job_parts import EnrolmentParts, Known
from enrolment.job_training import known_to
from enrolment.job_types import EnrolmentJob, Profile
from enrolment.take import Take
from enrolment.trainer import GoOn
from visavis.errors import CommandError
from visavis.stage_progress import OnStep

MARKS_S = (15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 105, 120, 150, 180, 240, 300, 420, 600, 900, 1800)
"""Seconds after the start at which the avatar is noted."""
SLICE_S = 1.0
_END_S = 0.05


class Variant(StrEnum):
    """What is trained."""

    LINEAR = "linear"
    PAPER = "paper"
    MESH = "mesh"
    """`linear` without bases."""

    @property
    def profile(self) -> Profile:
        """The profile of its avatars."""
        return Profile.PAPER if self is Variant.PAPER else Profile.LINEAR


@dataclass(frozen=True, eq=False)
class Start:
    """A clip from its first byte to the stored instant avatar.

    Args:
        name: of the clip.
        take: what was read.
        instant: the avatar, as it was made.
        instant_s: seconds from the start until it was stored.
    """

    name: str
    take: Take
    instant: AvatarAsset
    instant_s: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The avatar `at_s` seconds after the start, and what was known by then of the tracker (enrolment.follow)."""

    at_s: float
    avatar: Avatar
    known: Known


@dataclass(frozen=True, eq=False)
class Course:
    """A training.

    Args:
        variant: what was trained.
        trained_s: seconds of it.
        on_the_way: the avatar before the end, the instant one first.
        final: the avatar in the end, as it comes back from its file.
        size_bytes: of that file.
    """

    variant: Variant
    trained_s: float
    on_the_way: tuple[Snapshot, ...]
    final: Snapshot
    size_bytes: int


def start(job: EnrolmentJob, parts: EnrolmentParts, folder: Path, on_step: OnStep) -> Start:
    """Reads the clip, makes the instant avatar and stores it in `folder`.

    Raises:
        TakeError, JobError: the clip is of no use.
        CommandError: nothing of it is held out.
        OSError: the folder cannot be written to.
    """
    began = parts.now()
    take = parts.read(job, on_step, lambda: False)
    on_step("making the instant avatar", 0.0)
    instant = parts.instant(take, job.head, job.name)
    write_bytes(folder / "instant.vva", to_bytes(instant))
    instant_s = parts.now() - began
    if not take.held_out.any():
        raise CommandError("it is too short to hold a part of it out.")
    return Start(job.clip.stem, take, instant, instant_s)


def train(job: EnrolmentJob, parts: EnrolmentParts, begun: Start, variant: Variant, on_step: OnStep) -> Course:
    """Trains until the job's budget is spent, the seconds of `begun` included.

    As much of the budget goes into training as `visavis enroll` gives it; there the rest is spent on judging and
    previews.

    Raises:
        JobError: what trains is not installed.
        CommandError: the budget is spent already, or the training went astray.
    """
    began = parts.now()

    def clock() -> float:
        return begun.instant_s + parts.now() - began

    budget_s, tuning_s = split_budget(job.budget_s - clock(), variant.profile, parts)
    if budget_s <= 0:
        raise CommandError(
            f"tracking and the instant avatar took {begun.instant_s:.0f} s, which is more than the budget."
        )
    initial = without_bases(begun.instant) if variant is Variant.MESH else begun.instant
    snapshots = [Snapshot(begun.instant_s, initial, None)]
    on_step("preparing the training", 0.0)
    trainer = parts.trainer(replace(job, profile=variant.profile), begun.take, initial, budget_s)
    marks = [mark for mark in MARKS_S if mark > clock()]
    while trainer.budget_s - trainer.spent_s > _END_S:
        to_mark = marks[0] - clock() if marks else SLICE_S
        trainer.train(min(max(to_mark, _END_S), SLICE_S, trainer.budget_s - trainer.spent_s))
        if not math.isfinite(trainer.loss):
            raise CommandError(f"the training of {variant} went astray.")
        if marks and clock() >= marks[0]:
            snapshots.append(Snapshot(clock(), trainer.asset(), known_to(trainer)))
            marks = [mark for mark in marks if mark > clock()]
        on_step(f"training {variant}", trainer.spent_s / trainer.budget_s)
    try:
        made = trainer.asset()
        if parts.slim is None:
            data, known = to_bytes(made), known_to(trainer)
        else:
            slim = parts.slim(begun.take, job.head, made, known_to(trainer), tuning_s, _tell(on_step, variant))
            data, known = slim.data, slim.corrections
    except AvatarFileError as error:
        raise CommandError(f"the training of {variant} went astray: {error}.") from error
    final = Snapshot(clock(), from_bytes(data), known)
    return Course(variant, trainer.spent_s, tuple(snapshots), final, len(data))


def _tell(on_step: OnStep, variant: Variant) -> GoOn:
    def go_on(share: float) -> bool:
        on_step(f"fitting {variant} into a small file", share)
        return True

    return go_on


def without_bases(asset: AvatarAsset) -> AvatarAsset:
    """The same avatar, which only its mesh moves."""
    side = asset.basis_grid.shape[-1]
    return replace(
        asset,
        basis_grid=np.zeros((0, BASIS_CHANNELS, side, side), np.float16),
        basis_weights=np.zeros((0, asset.basis_weights.shape[1]), np.float32),
    )
