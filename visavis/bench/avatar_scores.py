"""What `visavis bench avatar` says of a finished enrolment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from enrolment.evaluate import Evaluation, evaluate
from enrolment.metrics.lpips import Lpips
from renderer.head.model import HeadModel
from visavis.bench.avatar_course import Course, Snapshot, Start, Variant
from visavis.stage_progress import OnStep

USABLE_DB = 1.5
"""An avatar that is so much worse than the final one can be used."""


@dataclass(frozen=True, eq=False)
class Result:
    """One clip, one variant.

    Args:
        clip: its name.
        variant: what was trained.
        instant_s: seconds from the start to the stored instant avatar.
        usable_s: seconds from the start to an avatar that stays within USABLE_DB of the final one.
        trained_s: seconds of training.
        size_bytes: of the avatar's file.
        open_loop: with what the tracker says and training has found out about it.
        closed_loop: with what the sender makes of it; None for profile `paper`, where it does not.
        curve: [n, 2] seconds from the start and held-out PSNR, of the loop that the sender runs.
    """

    clip: str
    variant: Variant
    instant_s: float
    usable_s: float
    trained_s: float
    size_bytes: int
    open_loop: Evaluation
    closed_loop: Evaluation | None
    curve: NDArray[np.float64]

    @property
    def sent(self) -> Evaluation:
        """The loop that the sender runs."""
        return self.closed_loop or self.open_loop


def judge(begun: Start, course: Course, head: HeadModel, lpips: Lpips | None, on_step: OnStep) -> Result:
    """Scores the final avatar in full and the ones before by PSNR, all on the held-out pictures."""
    take, held_out, final = begun.take, begun.take.held_out_indices, course.final
    closes = isinstance(final.avatar, AvatarAsset)

    def scores(snapshot: Snapshot, closed_loop: bool, metric: Lpips | None, keep_renders: bool) -> Evaluation:
        known = snapshot.known
        return evaluate(
            take, head, snapshot.avatar, held_out, closed_loop, metric, keep_renders=keep_renders, corrections=known
        )

    curve: list[tuple[float, float]] = []
    for number, snapshot in enumerate(course.on_the_way):
        if number == 0 and not closes:
            continue  # the instant avatar is one of `linear`
        on_step("judging the avatars on the way", number / len(course.on_the_way))
        curve.append((snapshot.at_s, scores(snapshot, closes, None, False).mean.psnr_db))
    # After those, so that the times of the loop hold no compiling.
    on_step("judging, corrected against the pictures", 0.0)
    closed_loop = scores(final, True, lpips, True) if closes else None
    on_step("judging, not corrected", 0.0)
    open_loop = scores(final, False, lpips, True)
    curve.append((final.at_s, (closed_loop or open_loop).mean.psnr_db))
    return Result(
        begun.name,
        course.variant,
        begun.instant_s,
        usable_s(curve),
        course.trained_s,
        course.size_bytes,
        open_loop,
        closed_loop,
        np.array(curve),
    )


def usable_s(curve: list[tuple[float, float]]) -> float:
    """When the PSNR of a curve (seconds, decibels) comes within USABLE_DB of its end for good."""
    least = curve[-1][1] - USABLE_DB
    usable = curve[-1][0]
    for at_s, psnr_db in reversed(curve):
        if psnr_db < least:
            break
        usable = at_s
    return usable
