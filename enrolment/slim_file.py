"""The file that an enrolment keeps: small, and nearly as good as what was trained."""

from __future__ import annotations

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import pack_avatar
from codec.avatar_plan import AvatarSteps
from enrolment.job_codec import Avatar, Snapshot, to_bytes
from enrolment.linear.tuning import tune_avatar
from enrolment.metrics.lpips import Lpips
from enrolment.slim import Fineness, slim_avatar
from enrolment.slim_shots import shots_of_take
from enrolment.take import Take
from enrolment.trainer import GoOn, always
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

LEAST_TUNING_S = 1.0
TUNED = Fineness(
    AvatarSteps(
        shape=32,
        mean=70,
        mean_limit=1800,
        covariance=36,
        covariance_limit=1800,
        color=10,
        color_limit=900,
        opacity=2,
        opacity_limit=5,
        grid_uv=376,
    ),
    bases=4.4,
    most=9_300,
)
"""Coarser than what may be lost: tuning makes up for most of it."""


def slim_file(
    take: Take,
    head: HeadModel,
    avatar: Avatar,
    known: Corrections | None,
    tuning_s: float = 0.0,
    lpips: Lpips | None = None,
    go_on: GoOn = always,
) -> Snapshot:
    """The avatar's file, written as finely as pictures like those of the take show it; see enrolment.job_parts.

    Args:
        take, head, avatar: what was trained.
        known: what training has found out about the tracker.
        tuning_s: seconds of training that the slim avatar gets; without them it is written more finely.
        lpips: see LinearTrainer.
        go_on: see enrolment.trainer.

    Returns:
        The file, and what is known of the tracker with this avatar.

    Raises:
        AvatarFileError: an array holds what no avatar may hold.
    """
    if not isinstance(avatar, AvatarAsset):
        return Snapshot(to_bytes(avatar), known)
    shots, vectors = shots_of_take(take, head, avatar, known)
    tuned = tuning_s >= LEAST_TUNING_S and len(avatar.basis_grid) > 0
    slim, plan = slim_avatar(head, avatar, shots, vectors, TUNED if tuned else None)
    if tuned:
        slim, plan, found = tune_avatar(take, head, slim, plan, tuning_s, lpips, go_on=go_on)
        known = known if found is None else found
    return Snapshot(pack_avatar(slim, plan), known)
