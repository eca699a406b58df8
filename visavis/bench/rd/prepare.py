"""From a clip to a scene: avatars are learned from its first four fifths and follow the last one."""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from client.capture.media_file import iter_frames
from codec.paper_avatar import PaperAvatar
from enrolment.evaluate import truth
from enrolment.follow import LEAD_IN, follow
from enrolment.job import split_budget
from enrolment.job_codec import Avatar, from_bytes, to_bytes
from enrolment.job_keep import FileKeeper
from enrolment.job_parts import EnrolmentParts, Known
from enrolment.job_standard_parts import standard_parts
from enrolment.job_training import known_to
from enrolment.job_types import EnrolmentJob, Profile
from enrolment.paper_stages import Compression
from enrolment.read_take import HoldOut
from enrolment.take import MAX_PICTURES, Take
from enrolment.torch_training import why_no_torch
from renderer.head.model import HeadModel
from tracker.face_tracker import FaceTracker
from tracker.matting import SegmentationNetwork
from visavis.bench.rd.ffmpeg import run
from visavis.bench.rd.scene import RATE, Scene, Worn
from visavis.errors import CommandError
from visavis.stage_progress import OnStep

MOST_S = MAX_PICTURES / RATE
"""Longer clips are cut: a take would leave pictures out of them."""
PAPER_SHARE, COMPRESSION_SHARE = 0.5, 0.25
"""Of the seconds of an avatar, for one of profile `paper`, and for training while that is compressed as in the paper.
More gains it nothing: it is driven by the tracker alone, whose errors are most of what is seen
(docs/avatar-profiles.md)."""
TRACKED = 100
"""Pictures that the time of tracking is taken of."""


@dataclass(frozen=True)
class Preparation:
    """How scenes are made.

    Args:
        head: the head model of the avatars.
        budget_s: seconds of training for one avatar.
        network: what mattes.
        lpips: weights that training looks with.
        seed: of everything random.
    """

    head: HeadModel
    budget_s: float
    network: SegmentationNetwork
    lpips: Path
    seed: int = 0

    def scene(self, clip: Path, on_step: OnStep) -> Scene:
        """The scene of a clip.

        Raises:
            EnrolmentError: the clip is of no use.
            CommandError: it cannot be decoded, or there is nothing to judge by.
        """
        with tempfile.TemporaryDirectory() as folder:
            steady = Path(folder) / f"{clip.stem}.mkv"
            on_step("reading the clip", 0.0)
            run(["-t", f"{MOST_S:g}", "-i", str(clip), "-an", "-vf", f"fps={RATE}", *_LOSSLESS, str(steady)])
            job = EnrolmentJob(
                clip=steady,
                head=self.head,
                name=clip.stem[:64],
                keep=FileKeeper(Path(folder) / "avatar.vav"),
                work=Path(folder),
                budget_s=self.budget_s,
                hold_out=HoldOut.TAIL,
                seed=self.seed,
                matte_network=self.network,
                lpips=self.lpips,
            )
            parts = standard_parts(job)
            take = parts.read(job, on_step, lambda: False)
            indices = take.held_out_indices
            if not len(indices):
                raise CommandError(f"{clip.name} is too short to hold a part of it out.")
            pictures = np.stack([truth(take, int(index)) for index in indices])
            avatars, stages = self._avatars(job, parts, take, indices, on_step)
            return Scene(clip.stem, pictures, take.K, take.inner, tuple(avatars), stages)

    def _avatars(
        self, job: EnrolmentJob, parts: EnrolmentParts, take: Take, indices: NDArray[np.intp], on_step: OnStep
    ) -> tuple[list[Worn], dict[str, tuple[int, int]]]:
        train_s, tuning_s = split_budget(job.budget_s, Profile.LINEAR, parts)
        raw, known = _trained(job, parts, take, train_s, on_step)
        assert parts.slim is not None

        def go_on(share: float) -> bool:
            on_step("fitting linear into a small file", share)
            return True

        slim = parts.slim(take, self.head, raw, known, tuning_s, go_on)
        tracking = tracking_ms(job.clip, self.head)

        def followed(name: str, title: str, data: bytes, known: Known) -> Worn:
            on_step("following the held-out end", 0.0)
            found = follow(take, self.head, from_bytes(data), indices, True, known, lead_in=LEAD_IN)
            loop = float(np.median(found.closed_loop_ms)) if len(found.closed_loop_ms) else 0.0
            return Worn(name, title, data, found.vectors(), tracking + loop)

        made = [
            followed("linear_raw", "linear, as trained", to_bytes(raw), known),
            followed("linear", "linear", slim.data, slim.corrections),
        ]
        if why_no_torch() is not None:
            return made, {}
        job = replace(job, profile=Profile.PAPER)
        paper, known = _trained(job, standard_parts(job), take, PAPER_SHARE * self.budget_s, on_step)
        small = self._compressed(paper, take, on_step)
        made += [
            followed("paper_raw", "paper, as trained", to_bytes(paper), known),
            followed("paper", "paper", small.data, known),
        ]
        return made, {stage.name: (stage.gaussians_bytes, stage.network_bytes) for stage in small.stages}

    def _compressed(self, avatar: Avatar, take: Take, on_step: OnStep) -> Compression:
        """What the paper's compression makes of an avatar."""
        from enrolment.torch_training.paper_compression import PaperCompression

        def tell(doing: str, share: float) -> None:
            on_step(f"compressing paper: {doing}", share)

        assert isinstance(avatar, PaperAvatar)
        seconds = COMPRESSION_SHARE * self.budget_s
        return PaperCompression(avatar, self.head, take, seconds, seed=self.seed, tell=tell, train_on=False).run()


_LOSSLESS = ("-c:v", "libx264", "-qp", "0", "-preset", "ultrafast")


def _trained(
    job: EnrolmentJob, parts: EnrolmentParts, take: Take, seconds: float, on_step: OnStep
) -> tuple[Avatar, Known]:
    trainer = parts.trainer(job, take, parts.instant(take, job.head, job.name), seconds)
    while trainer.budget_s - trainer.spent_s > 0.05:
        trainer.train(min(1.0, trainer.budget_s - trainer.spent_s))
        on_step(f"training {job.profile.value}", trainer.spent_s / trainer.budget_s)
    return trainer.asset(), known_to(trainer)


def tracking_ms(clip: Path, head: HeadModel) -> float:
    """What tracking takes for a picture, median over the first TRACKED of a recording.

    Raises:
        MediaError: it cannot be read.
    """
    spent: list[float] = []
    with closing(FaceTracker(head)) as tracker:
        for time_s, frame in islice(iter_frames(clip), TRACKED):
            picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            began = time.perf_counter()
            tracker.track(picture, time_s)
            spent.append(1e3 * (time.perf_counter() - began))
    return float(np.median(spent))
