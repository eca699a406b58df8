"""What a sender would send for the pictures of a take: the tracker's answer, or that corrected in a closed loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.paper_avatar import PaperAvatar
from codec.params import FaceParams
from enrolment.take import Take
from renderer.avatar.avatar_model import AvatarModel, instant_vector
from renderer.head.model import HeadModel
from tracker.closed_loop import ClosedLoop
from tracker.corrections import Corrections


@dataclass(frozen=True, eq=False)
class Followed:
    """The faces of some pictures.

    Args:
        params: one for each picture.
        closed_loop_ms: [n] what correcting each of them took, the first included; empty for open loop.
    """

    params: list[FaceParams]
    closed_loop_ms: NDArray[np.float64]

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
) -> Followed:
    """Goes through pictures as a live sender does: each knows only those before it.

    Args:
        take: the pictures.
        head: the head model of `asset`.
        asset: the avatar.
        indices: which pictures, in the order of time.
        closed_loop: whether to correct what the tracker says against the picture. Not for avatars of profile `paper`:
            the loop needs derivatives that only `linear` ones have.
        corrections: what training has found out about the tracker and this avatar.
    """
    tracked = [take.params(int(index)) for index in indices]
    if not closed_loop or isinstance(asset, PaperAvatar):
        known = corrections or Corrections.none()
        return Followed([known.apply(face) for face in tracked], np.zeros(0))
    loop = ClosedLoop(AvatarModel(head, asset), corrections=corrections)
    params: list[FaceParams] = []
    spent = np.zeros(len(tracked))
    for row, (index, face) in enumerate(zip(indices, tracked, strict=True)):
        started = time.perf_counter()
        params.append(loop.refine(take.images[index], face, take.K).params)
        spent[row] = 1e3 * (time.perf_counter() - started)
    return Followed(params, spent)


def follow_in_parts(
    take: Take,
    head: HeadModel,
    asset: AvatarAsset,
    indices: NDArray[np.intp],
    corrections: Corrections,
    pool: Executor,
    parts: int,
) -> NDArray[np.float32]:
    """[n, 71] the closed loop over pictures in their order, cut into `parts` runs that begin anew."""
    runs = [part for part in np.array_split(indices, parts) if len(part)]
    done = pool.map(lambda run: follow(take, head, asset, run, True, corrections).vectors(), runs)
    return np.concatenate(list(done))
