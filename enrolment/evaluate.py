"""How close an avatar comes to pictures of the person, driven as a sender would drive it (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.paper_avatar import PaperAvatar
from enrolment.follow import LEAD_IN, follow
from enrolment.metrics.flicker import Flicker
from enrolment.metrics.head_box import head_box
from enrolment.metrics.lpips import Lpips
from enrolment.metrics.pixels import Picture, psnr_db, ssim
from enrolment.take import SIDE, Take, composite
from renderer.avatar.avatar_model import AvatarModel
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.paper_model import PaperAvatarModel
from renderer.head.model import HeadModel
from tracker.corrections import Corrections

SCORED_EVERY = 4
"""Pictures a fraction of a second apart say the same."""
_WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Scores:
    """Of one picture, or means over several; LPIPS is None where there were no weights for it.

    Args:
        psnr_db, ssim, lpips: of the whole picture.
        face_psnr_db, face_ssim, face_lpips: of the head's box (enrolment.metrics.head_box).
    """

    psnr_db: float
    ssim: float
    lpips: float | None
    face_psnr_db: float
    face_ssim: float
    face_lpips: float | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found.

    Args:
        indices: [n] which pictures of the take were scored.
        pictures: their scores.
        mean: the mean of each score over the pictures (for PSNR, of decibels).
        closed_loop_ms: [m] what correcting the parameters of each followed picture took, those that the loop passed on
            its way among them; empty for open loop.
        renders: [n, SIDE, SIDE, 3] uint8 the scored pictures as drawn, where they were to be kept.
        flicker: how much all followed pictures tremble, 1 as the recording; None if no three are neighbors.
    """

    indices: NDArray[np.intp]
    pictures: tuple[Scores, ...]
    mean: Scores
    closed_loop_ms: NDArray[np.float64]
    renders: NDArray[np.uint8] | None
    flicker: float | None = None


def evaluate(
    take: Take,
    head: HeadModel,
    asset: AvatarAsset | PaperAvatar,
    indices: Sequence[int] | NDArray[np.intp],
    closed_loop: bool,
    lpips: Lpips | None,
    *,
    stride: int = SCORED_EVERY,
    keep_renders: bool = False,
    corrections: Corrections | None = None,
) -> Evaluation:
    """Follows pictures in order, draws them over white and compares every `stride`-th with the matted truth.

    What the recording does not show is white in both.

    Args:
        take: the pictures.
        head: the head model of `asset`.
        asset: the avatar.
        indices: which pictures, in the order of time; not empty.
        closed_loop: whether parameters are corrected against the picture, as a sender does who has the time; those of
            profile `paper` never are.
        lpips: where LPIPS is wanted.
        stride: 1 scores every picture.
        keep_renders: for showing them.
        corrections: what training has found out about the tracker and this avatar, see enrolment.follow.

    Raises:
        ValueError: there are no pictures to judge by.
        AvatarMismatchError: the asset is for another head model, or damaged.
    """
    chosen = np.asarray(indices, np.intp)
    if not len(chosen):
        raise ValueError("there are no pictures to judge by")
    followed = follow(take, head, asset, chosen, closed_loop, corrections, lead_in=LEAD_IN)
    model = AvatarModel(head, asset) if isinstance(asset, AvatarAsset) else PaperAvatarModel(head, asset)
    renderer, camera, unknown = FrameRenderer(model, SIDE), take.camera(), take.outside()
    pictures: list[Scores] = []
    renders: list[Picture] = []
    flicker = Flicker()
    for number, (index, face) in enumerate(zip(chosen.tolist(), followed.params, strict=True)):
        drawn, filmed = renderer.render_rgb(face, camera, _WHITE), truth(take, index)
        drawn[unknown] = 255
        flicker.see(index, filmed, drawn)
        if number % stride:
            continue
        pictures.append(score_picture(filmed, drawn, take.landmarks_px[index], lpips))
        if keep_renders:
            renders.append(drawn)
    kept = np.stack(renders) if keep_renders else None
    mean = mean_scores(pictures)
    return Evaluation(chosen[::stride], tuple(pictures), mean, followed.closed_loop_ms, kept, flicker.ratio())


def truth(take: Take, index: int) -> Picture:
    """[SIDE, SIDE, 3] what a picture is compared with: the person over white."""
    return composite(take.images[index], take.alphas[index], 255)


def score_picture(truth: Picture, drawn: Picture, landmarks_px: NDArray[np.floating], lpips: Lpips | None) -> Scores:
    """All scores of one square picture.

    Args:
        truth, drawn: [S, S, 3] uint8.
        landmarks_px: [478, 2] of `truth`.
        lpips: where LPIPS is wanted.
    """
    left, top, right, bottom = head_box(landmarks_px, len(truth))
    face, drawn_face = truth[top:bottom, left:right], drawn[top:bottom, left:right]
    return Scores(
        psnr_db(truth, drawn),
        ssim(truth, drawn),
        lpips(truth, drawn) if lpips else None,
        psnr_db(face, drawn_face),
        ssim(face, drawn_face),
        lpips(face, drawn_face) if lpips else None,
    )


def mean_scores(pictures: Sequence[Scores]) -> Scores:
    """The mean of each score; None where a picture lacks it."""
    means: list[float | None] = []
    for field in fields(Scores):
        values = [getattr(picture, field.name) for picture in pictures]
        means.append(None if None in values else float(np.mean(values)))
    return Scores(*means)  # pyright: ignore[reportArgumentType]
