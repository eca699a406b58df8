"""An enrolment without a recording: the parts of a job, made up, on a clock that the trainer moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id
from enrolment.evaluate import evaluate
from enrolment.job_parts import EnrolmentParts
from enrolment.job_types import EnrolmentJob, Kept
from enrolment.take import Take
from renderer.head.open_head import load_open_head
from tests.support.drawn_takes import drawn_person, drawn_take
from tracker.profile import PersonProfile

PICTURES = 10


def closeness_db(avatar: AvatarAsset) -> float:
    """How close the colors of an avatar are to those of `drawn_person`, as if all of it was one picture."""
    return float(-20 * np.log10(np.abs(avatar.sh0 - drawn_person().sh0).mean() + 1e-3))


class MemoryKeeper:
    """Remembers what was kept."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.people: list[PersonProfile | None] = []

    def keep(self, data: bytes, person: PersonProfile | None) -> Kept:
        self.files.append(data)
        self.people.append(person)
        return Kept(avatar_id(data), f"avatar {len(self.files)}", len(data), None)


class FadingTrainer:
    """Begins with an avatar whose colors are wrong by `wrong`, and mends them evenly over its budget.

    Args:
        person: the right avatar.
        clock: what its seconds are added to.
    """

    wrong = 0.5

    def __init__(self, person: AvatarAsset, budget_s: float, clock: Clock) -> None:
        self._person, self._clock = person, clock
        self.budget_s, self.spent_s, self.loss = budget_s, 0.0, float("nan")
        self.calls = 0

    def train(self, seconds: float) -> None:
        self.calls += 1
        self.spent_s = min(self.budget_s, self.spent_s + seconds)
        self._clock.seconds += seconds
        self.loss = self.error

    @property
    def error(self) -> float:
        return self.wrong * (1 - self.spent_s / self.budget_s)

    def asset(self) -> AvatarAsset:
        return replace(self._person, sh0=self._person.sh0 + np.float32(self.error))

    def checkpoint(self) -> dict[str, NDArray[np.generic]]:
        return {"spent_s": np.asarray(self.spent_s), "loss": np.asarray(self.loss)}

    def restore(self, checkpoint: dict[str, NDArray[np.generic]]) -> None:
        if set(checkpoint) != {"spent_s", "loss"}:
            raise ValueError("another trainer's")
        self.spent_s, self.loss = float(checkpoint["spent_s"]), float(checkpoint["loss"])


@dataclass
class Clock:
    """Seconds that only move when somebody says so."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Stage:
    """Everything around a job: what it is put together from, and what has happened.

    Args:
        pictures: of the take.
        read_s, instant_s, judge_s: what these take on the clock.
        trainer: makes the trainer.
        on_read: called when it is read.
        person: of the take.
    """

    pictures: int = PICTURES
    held_out: bool = True
    read_s: float = 8.0
    instant_s: float = 2.0
    judge_s: float = 0.3
    trainer: Callable[[AvatarAsset, float, Clock], FadingTrainer] = FadingTrainer
    clock: Clock = field(default_factory=Clock)
    keeper: MemoryKeeper = field(default_factory=MemoryKeeper)
    trainers: list[FadingTrainer] = field(default_factory=list)
    on_read: Callable[[], None] = lambda: None
    person: PersonProfile | None = None
    reads: int = 0

    def take(self) -> Take:
        take = replace(drawn_take(self.pictures), person=self.person)
        return take if self.held_out else replace(take, held_out=np.zeros(len(take), bool))

    def parts(self) -> EnrolmentParts:
        def read(job, on_step, should_stop) -> Take:
            self.reads += 1
            self.on_read()
            self.clock.seconds += self.read_s
            on_step("tracking", 1.0)
            return self.take()

        def instant(take, head, name) -> AvatarAsset:
            self.clock.seconds += self.instant_s
            person = drawn_person()
            return replace(person, name=name, sh0=person.sh0 + np.float32(FadingTrainer.wrong))

        def trainer(job, take, asset, budget_s) -> FadingTrainer:
            self.trainers.append(self.trainer(drawn_person(), budget_s, self.clock))
            return self.trainers[-1]

        def judge(take, head, avatar, known, indices) -> float:
            self.clock.seconds += self.judge_s
            return closeness_db(avatar)

        def scores(take, head, avatar, known, indices, closed_loop):
            return evaluate(take, head, avatar, indices, False, None, stride=1, keep_renders=True)

        def draw(take, head, avatar, known, index) -> NDArray[np.uint8]:
            return np.full((8, 8, 3), index, np.uint8)

        return EnrolmentParts(read, instant, trainer, scores, judge, draw, self.clock)

    def job(self, folder: Path, **changes) -> EnrolmentJob:
        clip = folder / "me.mp4"
        if not clip.exists():
            clip.write_bytes(b"a recording")
        job = EnrolmentJob(clip, load_open_head(), "Me", self.keeper, folder / "work", budget_s=70.0)
        return replace(job, **changes)
