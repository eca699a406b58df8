"""How an avatar comes into being: its enrolment, noted on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id
from enrolment.evaluate import truth
from enrolment.follow import LEAD_IN, follow
from enrolment.job_codec import avatar_model, to_bytes
from enrolment.job_keep import FileKeeper
from enrolment.job_parts import EnrolmentParts
from enrolment.job_standard_parts import standard_parts
from enrolment.job_types import EnrolmentJob
from enrolment.metrics.lpips_fetch import lpips_weights_if_possible
from enrolment.metrics.pixels import psnr_db
from enrolment.read_take import HoldOut
from enrolment.take import Take
from renderer.avatar.frame_renderer import FrameRenderer
from renderer.avatar.warm_up import warm_up
from renderer.head.model import HeadModel
from tools.figures.sheet import WHITE, Tile, sheet, write_png
from tracker.profile import PersonProfile
from visavis.bench.avatar_course import Course, Snapshot, Variant, start, train
from visavis.stage_progress import OnStep

SHOWN_S = (30, 60, 120)
"""Seconds after the start from which pictures are shown, beside the first and the last avatar."""
NAME = "figures"
_SIDE = 288


@dataclass(frozen=True, eq=False)
class Enrolled:
    """An enrolment.

    Args:
        take: what the avatar was learned from.
        course: the avatar on the way, and in the end.
    """

    take: Take
    course: Course

    @property
    def asset(self) -> AvatarAsset:
        """The avatar."""
        made = self.course.final.avatar
        assert isinstance(made, AvatarAsset)
        return made

    @property
    def person(self) -> PersonProfile | None:
        """What the tracker knows, as it is kept with the avatar."""
        if self.take.person is None:
            return None
        known = self.course.final.known
        return replace(self.take.person, avatar_id=avatar_id(to_bytes(self.asset)), corrections=known)


def enroll(clip: Path, head: HeadModel, minutes: float, on_step: OnStep, say: Callable[[str], None]) -> Enrolled:
    """Makes an avatar of a recording as `visavis enroll` does, and notes it on the way.

    Raises:
        CommandError, EnrolmentError: the recording is of no use, or the time is too short.
    """
    warm_up(lambda step, share: on_step(f"compiling {step}", share))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        job = EnrolmentJob(
            clip=clip,
            head=head,
            name=NAME,
            keep=FileKeeper(folder / "avatar.vav"),
            work=folder,
            budget_s=60 * minutes,
            hold_out=HoldOut.BLOCKS,
            lpips=lpips_weights_if_possible(say),
        )
        parts: EnrolmentParts = standard_parts(job)
        begun = start(job, parts, folder, on_step)
        return Enrolled(begun.take, train(job, parts, begun, Variant.LINEAR, on_step))


def choose_stages(at_s: Sequence[float], wanted_s: Sequence[float]) -> list[int]:
    """Of moments in order the first, the last, and those that come next after the wanted times; each once."""
    after = [next((place for place, time in enumerate(at_s) if time >= wanted), None) for wanted in wanted_s]
    return sorted({0, len(at_s) - 1, *(place for place in after if place is not None)})


def write_growth(path: Path, enrolled: Enrolled, head: HeadModel) -> None:
    """A picture that was held out, and the avatar's as it gets better."""
    take, course = enrolled.take, enrolled.course
    index = int(max(take.held_out_indices, key=lambda each: take.params(int(each)).jaw_pose[0]))
    seen = truth(take, index)
    snapshots = [*course.on_the_way, course.final]
    chosen = [snapshots[place] for place in choose_stages([each.at_s for each in snapshots], SHOWN_S)]
    box = _box(take, index)
    tiles = [Tile(_cut(seen, box), "Filmed, cut out\n(nothing was learned from it)")]
    for number, stage in enumerate(chosen):
        drawn = _drawn(take, head, stage, index)
        what = "the first avatar" if not number else "in its file" if stage is course.final else "training"
        caption = f"After {stage.at_s:.0f} s: {what}\n{psnr_db(seen, drawn):.1f} dB"
        tiles.append(Tile(_cut(drawn, box), caption))
    half = (len(tiles) + 1) // 2
    write_png(path, sheet([tiles[:half], tiles[half:]]))


def _drawn(take: Take, head: HeadModel, stage: Snapshot, index: int) -> NDArray[np.uint8]:
    """The avatar of a stage in one picture, with the face as a sender would send it; white where nothing was filmed."""
    face = follow(take, head, stage.avatar, [index], True, stage.known, lead_in=LEAD_IN).params[0]
    picture = FrameRenderer(avatar_model(head, stage.avatar)).render_rgb(face, take.camera(), WHITE)
    picture[take.outside()] = 255
    return picture


def _box(take: Take, index: int) -> tuple[int, int, int]:
    """Left, top and side of a square around the head."""
    low, high = take.landmarks_px[index].min(axis=0), take.landmarks_px[index].max(axis=0)
    size = int(1.9 * float((high - low).max()))
    middle = (low + high) / 2
    _, _, right, bottom = take.inner
    top_left = np.clip(np.round(middle - size / 2), 0, (right - size, bottom - size)).astype(int)
    return int(top_left[0]), int(top_left[1]), size


def _cut(picture: NDArray[np.uint8], box: tuple[int, int, int]) -> NDArray[np.uint8]:
    import cv2

    left, top, size = box
    part = picture[top : top + size, left : left + size]
    return np.asarray(cv2.resize(part, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
