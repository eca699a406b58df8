"""What a sender would send for the pictures of a take: the tracker's answer, or that corrected in a closed loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.paper_avatar import PaperAvatar
from codec.params import FaceParams
from enrolment.take import Take
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.head.model import HeadModel
from tracker.closed_loop import MAX_STEPS, ClosedLoop, Refined
from tracker.corrections import Corrections

LEAD_IN = 8
"""Pictures before those that are asked for which a closed loop passes, so that it is there when they come."""


@dataclass(frozen=True, eq=False)
class Followed:
    """The faces of some pictures.

    Args:
        params: one for each picture.
        closed_loop_ms: [m] what correcting each of them and of those that were passed took, in order; the first one
            prepares the loop. Empty for open loop.
        losses: [n] how unlike each picture and what was drawn of it were in the end; empty for open loop.
    """

    params: list[FaceParams]
    closed_loop_ms: NDArray[np.float64]
    losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def vectors(self) -> NDArray[np.float32]:
        """[n, 71] expression 50, theta 11, gaze 4, torso 6."""
        return np.stack([instant_vector(face) for face in self.params])


def follow(
    take: Take,
    head: HeadModel,
    asset: AvatarAsset | PaperAvatar,
    indices: Sequence[int] | NDArray[np.intp],
    closed_loop: bool,
    corrections: Corrections | None = None,
    max_steps: int = MAX_STEPS,
    lead_in: int = 0,
) -> Followed:
    """Goes through pictures as a live sender does: each knows only those before it.

    A live sender misses none. Where pictures are left out, the loop passes the last of these too, enough to catch up,
    or begins anew.

    Args:
        take: the pictures.
        head: the head model of `asset`.
        asset: the avatar.
        indices: which pictures, in the order of time.
        closed_loop: whether to correct what the tracker says against the picture. Not for avatars of profile `paper`:
            the loop needs derivatives that only `linear` ones have.
        corrections: what training has found out about the tracker and this avatar.
        max_steps: of the loop for each picture; what it has live, or more where nothing is known yet to begin with.
        lead_in: how many of the pictures that are left out it passes; 0 where these are not to be looked at.
    """
    tracked = [take.params(int(index)) for index in indices]
    if not closed_loop or isinstance(asset, PaperAvatar):
        known = corrections or Corrections.none()
        return Followed([known.apply(face) for face in tracked], np.zeros(0))
    loop = ClosedLoop(AvatarModel(head, asset), max_steps=max_steps, corrections=corrections)
    params: list[FaceParams] = []
    losses = np.zeros(len(tracked))
    spent: list[float] = []
    before = -1
    for row, index in enumerate(int(index) for index in indices):
        passed = range(max(before + 1, index - lead_in), index)
        if index > before + 1 and not lead_in:
            loop.reset()
        refined = [_refine(loop, take, each, spent) for each in (*passed, index)][-1]
        params.append(refined.params)
        losses[row], before = refined.loss, index
    return Followed(params, np.array(spent), losses)


def _refine(loop: ClosedLoop, take: Take, index: int, spent_ms: list[float]) -> Refined:
    picture, K = take.recorded(index)
    started = time.perf_counter()
    refined = loop.refine(picture, take.params(index), K)
    spent_ms.append(1e3 * (time.perf_counter() - started))
    return refined


def follow_in_parts(
    take: Take,
    head: HeadModel,
    asset: AvatarAsset,
    indices: NDArray[np.intp],
    max_steps: int,
    pool: Executor,
    parts: int,
) -> Followed:
    """The closed loop over pictures in order, in `parts` runs that begin anew each.

    It begins with what the tracker says, as nobody knows the person yet.
    """
    runs = [part for part in np.array_split(indices, parts) if len(part)]
    done = list(pool.map(lambda run: follow(take, head, asset, run, True, None, max_steps), runs))
    spent, losses = (np.concatenate([getattr(run, name) for run in done]) for name in ("closed_loop_ms", "losses"))
    return Followed([face for run in done for face in run.params], spent, losses)
