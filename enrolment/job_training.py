"""The training of one job: goes on until the budget is spent or it is told to stop, and remembers the best avatar."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codec.errors import AvatarFileError
from enrolment.job_codec import Snapshot, from_bytes, to_bytes
from enrolment.job_parts import EnrolmentParts, ShouldStop
from enrolment.job_types import EnrolmentJob, Point, Progress, Stage
from enrolment.job_work import JobState, WorkFolder
from enrolment.take import Take
from enrolment.trainer import Trainer
from tracker.corrections import Corrections

SLICE_S = 0.5
"""So long it trains between two looks at the clock and the wish to stop."""
CHECKPOINT_S = 20.0
JUDGES = 8
"""Held-out pictures that the best avatar is chosen by."""
JUDGING_SHARE, PREVIEW_SHARE = 0.05, 0.015
"""Most that judging and drawing previews may take, as parts of the training's time."""
LEAST_PAUSE_S = 3.0
TOLERANCE_DB = 0.1
"""A later avatar is kept unless it is so much worse than the best one seen: PSNR stops growing long before sharpness
does, and the less is chosen by held-out pictures, the more they are worth as judges."""
_END_S = 0.05


def choose_judges(take: Take) -> list[int]:
    """At most JUDGES held-out pictures, spread evenly."""
    held_out = take.held_out_indices
    picks = np.unique(np.linspace(0, len(held_out) - 1, min(JUDGES, len(held_out))).round().astype(int))
    return [int(held_out[pick]) for pick in picks] if len(held_out) else []


def preview_picture(take: Take) -> int:
    """The picture to show previews of: the one that looks into the camera most."""
    return int(np.argmin(np.linalg.norm(take.vectors[:, 50:53], axis=1)))


def known_to(trainer: Trainer) -> Corrections | None:
    """What the trainer has found out about the tracker, if it is one that does."""
    return getattr(trainer, "corrections", None)


class Training:
    """See the module.

    Args:
        job, parts, take: what to do.
        work, state: what the course of the training is kept in; `state` may be that of an interrupted job.
        tell: told of the progress.
        should_stop: asked between two slices.
        clock: seconds that the job has taken so far, those of interrupted runs included.
    """

    def __init__(
        self,
        job: EnrolmentJob,
        parts: EnrolmentParts,
        take: Take,
        work: WorkFolder,
        state: JobState,
        tell: Callable[[Progress], None],
        should_stop: ShouldStop,
        clock: Callable[[], float],
    ) -> None:
        self._job, self._parts, self._take = job, parts, take
        self._work, self._state = work, state
        self._tell, self._should_stop, self._clock = tell, should_stop, clock
        self._judges = choose_judges(take)
        self._shown = preview_picture(take)
        self._best: Snapshot | None = work.best(state)
        if self._best is None:
            state.best_db = state.kept_db = None
        self._saved: Snapshot | None = self._best

    def run(self, trainer: Trainer, first: bytes) -> tuple[Snapshot, bool]:
        """Trains.

        Args:
            trainer: what trains.
            first: file of the avatar that it begins with, which is kept if nothing better comes.

        Returns:
            The best avatar, and whether it went on to the end.
        """
        if self._best is None:
            self._judge(Snapshot(first), trainer, is_first=True)
        finished = self._go_on(trainer)
        if left_out := getattr(trainer, "left_out", 0):
            self._note(f"In {left_out} pictures something covers the face, or it is blurred: they are left out.")
        return self._best or Snapshot(first), finished

    def _go_on(self, trainer: Trainer) -> bool:
        judge_at = trainer.spent_s + LEAST_PAUSE_S
        preview_at = trainer.spent_s
        save_at = trainer.spent_s + CHECKPOINT_S
        judged_at = -1.0
        while trainer.budget_s - trainer.spent_s > _END_S and not self._should_stop():
            trainer.train(min(SLICE_S, trainer.budget_s - trainer.spent_s))
            if not math.isfinite(trainer.loss):
                self._note("The training went astray: what it had reached before is kept.")
                return True
            picture = None
            if trainer.spent_s >= judge_at:
                took_s = self._timed(lambda: self._judge_snapshot(trainer))
                judged_at = trainer.spent_s
                judge_at = judged_at + self._pause(took_s / JUDGING_SHARE, trainer)
            if trainer.spent_s >= preview_at:
                began = self._parts.now()
                picture = self._parts.draw(self._take, self._job.head, trainer.asset(), known_to(trainer), self._shown)
                took_s = self._parts.now() - began
                preview_at = trainer.spent_s + self._pause(took_s / PREVIEW_SHARE, trainer)
            if trainer.spent_s >= save_at:
                self._save(trainer)
                save_at = trainer.spent_s + CHECKPOINT_S
            self._progress(trainer, picture)
        if judged_at < trainer.spent_s:
            self._judge_snapshot(trainer)
        self._save(trainer)
        return trainer.budget_s - trainer.spent_s <= _END_S

    def _pause(self, seconds: float, trainer: Trainer) -> float:
        return min(max(seconds, LEAST_PAUSE_S), max(LEAST_PAUSE_S, trainer.budget_s / 4))

    def _timed(self, do: Callable[[], None]) -> float:
        began = self._parts.now()
        do()
        return self._parts.now() - began

    def _judge_snapshot(self, trainer: Trainer) -> None:
        try:
            data = to_bytes(replace(trainer.asset(), name=self._job.name))
        except AvatarFileError:
            self._note("The training went astray for a while: what it had reached before is kept.")
            return
        self._judge(Snapshot(data, known_to(trainer)), trainer)

    def _judge(self, snapshot: Snapshot, trainer: Trainer, is_first: bool = False) -> None:
        state = self._state
        psnr_db = None
        if self._judges:
            avatar, known = from_bytes(snapshot.data), snapshot.corrections
            psnr_db = self._parts.judge(self._take, self._job.head, avatar, known, self._judges)
        state.points.append(Point(trainer.spent_s, math.nan if is_first else trainer.loss, psnr_db))
        if psnr_db is None or state.best_db is None or psnr_db >= state.best_db - TOLERANCE_DB:
            self._best, state.kept_db = snapshot, psnr_db
        if psnr_db is not None:
            state.best_db = max(psnr_db, psnr_db if state.best_db is None else state.best_db)

    def _save(self, trainer: Trainer) -> None:
        self._state.trained_s = trainer.spent_s
        self._state.stage_s[Stage.TRAIN] = self._clock() - sum(
            seconds for stage, seconds in self._state.stage_s.items() if stage != Stage.TRAIN
        )
        best = self._best if self._best is not self._saved else None
        try:
            self._work.save(self._state, trainer.checkpoint(), best)
            self._saved = self._best
        except OSError as error:
            self._note(f"The training cannot be kept for going on later ({error.strerror}); it goes on all the same.")

    def _note(self, sentence: str) -> None:
        if sentence not in self._state.notes:
            self._state.notes.append(sentence)
            self._tell(Progress(Stage.TRAIN, Stage.TRAIN, 0.0, note=sentence))

    def _progress(self, trainer: Trainer, picture: NDArray[np.uint8] | None) -> None:
        self._tell(
            Progress(
                Stage.TRAIN,
                Stage.TRAIN,
                min(1.0, trainer.spent_s / trainer.budget_s),
                left_s=max(0.0, self._job.budget_s - self._clock()),
                psnr_db=self._state.best_db,
                preview=picture,
            )
        )
