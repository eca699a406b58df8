"""From a clip to a scene: avatars are learned from its first four fifths and follow the last one."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrolment.evaluate import truth
from enrolment.follow import LEAD_IN, follow
from enrolment.job import split_budget
from enrolment.job_codec import Avatar, from_bytes, to_bytes
from enrolment.job_keep import FileKeeper
from enrolment.job_parts import EnrolmentParts, Known
from enrolment.job_standard_parts import standard_parts
from enrolment.job_training import known_to
from enrolment.job_types import EnrolmentJob, Profile
from enrolment.read_take import HoldOut
from enrolment.take import MAX_PICTURES, Take
from renderer.head.model import HeadModel
from tracker.matting import SegmentationNetwork
from visavis.bench.rd.ffmpeg import run
from visavis.bench.rd.scene import RATE, Scene, Worn
from visavis.errors import CommandError

MOST_S = MAX_PICTURES / RATE
"""Longer clips are cut: a take would leave pictures out of them."""

OnStep = Callable[[str, float], None]


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
            scene = Scene(clip.stem, pictures, take.K, take.inner)
            for worn in self._avatars(job, parts, take, indices, on_step):
                scene = scene.with_avatar(worn)
            return scene

    def _avatars(
        self, job: EnrolmentJob, parts: EnrolmentParts, take: Take, indices: NDArray[np.intp], on_step: OnStep
    ) -> list[Worn]:
        train_s, tuning_s = split_budget(job.budget_s, Profile.LINEAR, parts)
        raw, known = _trained(job, parts, take, train_s, on_step)
        assert parts.slim is not None

        def go_on(share: float) -> bool:
            on_step("fitting linear into a small file", share)
            return True

        slim = parts.slim(take, self.head, raw, known, tuning_s, go_on)
        made = [
            _followed("linear_raw", "linear, as trained", to_bytes(raw), known, take, self.head, indices),
            _followed("linear", "linear", slim.data, slim.corrections, take, self.head, indices),
        ]
        if importlib.util.find_spec("torch") is not None:
            job = replace(job, profile=Profile.PAPER)
            paper, known = _trained(job, standard_parts(job), take, job.budget_s, on_step)
            made.append(_followed("paper_raw", "paper, as trained", to_bytes(paper), known, take, self.head, indices))
        return made


_LOSSLESS = ("-c:v", "libx264", "-qp", "0", "-preset", "ultrafast")


def _trained(
    job: EnrolmentJob, parts: EnrolmentParts, take: Take, seconds: float, on_step: OnStep
) -> tuple[Avatar, Known]:
    trainer = parts.trainer(job, take, parts.instant(take, job.head, job.name), seconds)
    while trainer.budget_s - trainer.spent_s > 0.05:
        trainer.train(min(1.0, trainer.budget_s - trainer.spent_s))
        on_step(f"training {job.profile.value}", trainer.spent_s / trainer.budget_s)
    return trainer.asset(), known_to(trainer)


def _followed(
    name: str, title: str, data: bytes, known: Known, take: Take, head: HeadModel, indices: NDArray[np.intp]
) -> Worn:
    followed = follow(take, head, from_bytes(data), indices, True, known, lead_in=LEAD_IN)
    return Worn(name, title, data, followed.vectors())
