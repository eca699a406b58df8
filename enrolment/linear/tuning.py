"""The end of training: what the file of an avatar can hold is made as good as it gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codec.avatar_asset import AvatarAsset
from codec.avatar_bases import rounded_grid
from codec.avatar_plan import AvatarPlan
from enrolment.initial_bases import GRID, basis_mask
from enrolment.linear.rounded_bases import RoundedBases
from enrolment.linear.schedule import PERCEPTION_EVERY, Schedule
from enrolment.linear.trainer import LinearTrainer
from enrolment.metrics.lpips import Lpips
from enrolment.take import SIDE, Take
from enrolment.trainer import GoOn, always
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

SLICE_S = 0.5
"""So long it trains between two looks at the wish to stop."""
FIRST_RATE, LAST_RATE = 0.3, 0.03
"""Of the rates of a training from the start."""


class TuningSchedule(Schedule):
    """Of a tuning that takes `budget_s` seconds."""

    def size(self, spent_s: float) -> int:
        """Width and height of the pictures that are drawn: always the finest."""
        return SIDE

    def rate(self, spent_s: float) -> float:
        """Factor on all lengths of steps."""
        return FIRST_RATE * (LAST_RATE / FIRST_RATE) ** min(1.0, spent_s / self._budget_s)

    def perceives(self, steps: int, spent_s: float) -> bool:
        """Whether step number `steps` looks at a part of a picture with the network."""
        return steps % PERCEPTION_EVERY == 0

    def settled(self, steps: int) -> bool:
        """Whether shape and linear map are trained: no.

        The shape is rounded already, with the Gaussians bound to it; the map's many small entries for rare motions
        would only learn the training pictures by heart.
        """
        return False

    def follows(self, done: int, spent_s: float) -> bool:
        """Whether faces are to be followed now: once, with the avatar as it comes."""
        return done == 0


def tune_avatar(
    take: Take,
    head: HeadModel,
    asset: AvatarAsset,
    plan: AvatarPlan,
    budget_s: float,
    lpips: Lpips | None = None,
    threads: int = 2,
    go_on: GoOn = always,
) -> tuple[AvatarAsset, AvatarPlan, Corrections | None]:
    """Trains a slim avatar (enrolment.slim) with its bases rounded as they will be written.

    Args:
        take: what to learn from.
        head: the head model of `asset`.
        asset, plan: the avatar, and how it is written.
        budget_s: seconds that it takes.
        lpips: see LinearTrainer.
        threads: how many of them work.
        go_on: asked now and then.

    Returns:
        The avatar, its bases as in the file, how to write it, and what was found out about the tracker on the way:
        nothing if it was stopped before it began.
    """
    filled = np.where(plan.used_cells, asset.basis_grid, rounded_grid(asset.basis_grid, plan)).astype(np.float32)
    asset, plan = replace(asset, basis_grid=filled), replace(plan, used_cells=np.ones_like(plan.used_cells))
    mask = basis_mask(asset) if asset.basis_grid.shape[-1] == GRID else np.ones(asset.basis_grid.shape, np.bool_)
    bases = RoundedBases(asset, mask, plan)
    schedule = TuningSchedule(budget_s)
    tuner = LinearTrainer(take, head, asset, budget_s, threads, lpips=lpips, schedule=schedule, bases=bases)
    while tuner.spent_s < budget_s and go_on(tuner.spent_s / budget_s):
        tuner.train(SLICE_S)
    return tuner.asset(), plan, tuner.corrections if tuner.steps else None
