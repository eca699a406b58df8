"""From a recording to an avatar: reading, instant avatar, training, packing, report; it can be interrupted anywhere.

    EnrolmentJob -> run_enrolment -> EnrolmentResult        the instant avatar is kept and announced on the way

There is no user interface here: `visavis enroll`, the page and the benches show what `on_progress` is told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from codec.avatar_asset import AvatarAsset
from codec.avatar_file import avatar_id
from codec.errors import AvatarFileError
from enrolment.errors import TakeStopped
from enrolment.job_codec import Avatar, Snapshot, avatar_model, from_bytes, to_bytes
from enrolment.job_parts import EnrolmentParts, ShouldStop, Slim
from enrolment.job_photo import LIMITS
from enrolment.job_training import Training
from enrolment.job_types import (
    EnrolmentJob,
    EnrolmentResult,
    JobError,
    JobStopped,
    Kept,
    Profile,
    Progress,
    Stage,
)
from enrolment.job_work import JobState, WorkFolder, open_work, work_key
from enrolment.report.write import ReportSource, write_report
from enrolment.take import Take
from enrolment.trainer import Trainer
from renderer.errors import AvatarMismatchError

PACK_S = 4.0
"""Of the budget, for what a trainer prepares, for judging what comes out in the end, and for packing it."""
TRAINING_SHARE = 0.92
"""Of what is left of the budget when the training begins; judging, previews and checkpoints take the rest."""
TUNING_SHARE = 0.13
"""Of the training's time, for what becomes of the avatar when it is written into a small file (enrolment.slim_file)."""
LEAST_TRAINING_S = 2.0
_NOTHING_KEPT = "Stopped before there was an avatar: nothing is kept."

OnProgress = Callable[[Progress], None]


def split_budget(left_s: float, profile: Profile, parts: EnrolmentParts) -> tuple[float, float]:
    """Seconds of training, and of tuning what becomes of the avatar in a small file, out of what a job has left."""
    trained_s = TRAINING_SHARE * (left_s - PACK_S)
    share = TUNING_SHARE if profile is Profile.LINEAR and parts.slim is not None else 0.0
    return (1 - share) * trained_s, share * trained_s


def run_enrolment(
    job: EnrolmentJob,
    on_progress: OnProgress = lambda progress: None,
    should_stop: ShouldStop = lambda: False,
    parts: EnrolmentParts | None = None,
) -> EnrolmentResult:
    """Makes an avatar, or goes on with one that an interrupted call of the same job has begun.

    Args:
        job: what to make of what.
        on_progress: told from this thread, several times a second while it trains.
        should_stop: asked often; once it says yes the training ends, and the best avatar so far is kept.
        parts: what the job is put together from, by default the program's own.

    Raises:
        JobStopped: it was to stop before there was an avatar.
        JobError: the job cannot be done, or what came out cannot be written; an instant avatar that was announced
            stays.
        TakeError: the recording is of no use.
        MetricsError, TrackerAssetError: an installed file is damaged or missing.
    """
    if parts is None:
        from enrolment.job_standard_parts import standard_parts

        parts = standard_parts(job)
    with open_work(job.work, work_key(job), job.fresh) as work:
        return _Run(job, parts, work, on_progress, should_stop).run()


@dataclass
class _Trained:
    snapshot: Snapshot
    finished: bool


class _Run:
    def __init__(
        self,
        job: EnrolmentJob,
        parts: EnrolmentParts,
        work: WorkFolder,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> None:
        self._job, self._parts, self._work = job, parts, work
        self._tell, self._should_stop = on_progress, should_stop
        found = work.state()
        self._resumed = found is not None
        self._state = found or JobState()
        self._before_s = self._state.spent_s
        self._began = parts.now()

    def run(self) -> EnrolmentResult:
        take = self._read()
        trained = self._train(take, self._make_instant(take))
        avatar, kept = self._pack(trained, take)
        source = ReportSource(
            job=self._job,
            take=take,
            avatar=avatar,
            snapshot=trained.snapshot,
            kept=kept,
            state=self._state,
            stopped=not trained.finished,
            warnings=(*((LIMITS,) if self._job.photo else ()), *take.warnings, *self._state.notes),
        )
        report, scores = self._report(source)
        if trained.finished:
            self._work.remove()
        state = self._state
        return EnrolmentResult(
            kept=kept,
            avatar=avatar,
            take=take,
            stopped=not trained.finished,
            resumed=self._resumed,
            trained_s=state.trained_s,
            stage_s=dict(state.stage_s),
            points=tuple(state.points),
            psnr_db=state.kept_db,
            warnings=source.warnings,
            report=report,
            scores=scores,
        )

    def _clock(self) -> float:
        return self._before_s + self._parts.now() - self._began

    def _progress(self, stage: Stage, doing: str, share: float, **more) -> None:
        left_s = None if self._job.photo else max(0.0, self._job.budget_s - self._clock())
        self._tell(Progress(stage, doing, share, left_s, **more))

    def _note(self, stage: Stage, sentence: str) -> None:
        if sentence not in self._state.notes:
            self._state.notes.append(sentence)
            self._progress(stage, stage, 0.0, note=sentence)

    @contextmanager
    def _timed(self, stage: Stage):
        began = self._clock()
        yield
        self._state.stage_s[stage] = self._state.stage_s.get(stage, 0.0) + self._clock() - began

    def _save(self, stage: Stage, write: Callable[[], None]) -> None:
        """Keeps something for going on later, if the disk takes it."""
        try:
            write()
            self._work.save(self._state)
        except OSError as error:
            self._note(stage, f"What is done cannot be kept for going on after an interruption: {error.strerror}.")

    def _read(self) -> Take:
        take = self._work.take() if self._resumed else None
        if take is not None:
            self._progress(Stage.READ, Stage.READ, 1.0, note="Going on with what an interrupted run has done.")
            return take
        self._resumed, self._state = False, JobState()
        with self._timed(Stage.READ):
            self._progress(Stage.READ, Stage.READ, 0.0)
            try:
                take = self._parts.read(
                    self._job, lambda doing, share: self._progress(Stage.READ, doing, share), self._should_stop
                )
            except TakeStopped as error:
                raise JobStopped(_NOTHING_KEPT) from error
            if self._should_stop():
                raise JobStopped(_NOTHING_KEPT)
        for warning in take.warnings:
            self._progress(Stage.READ, Stage.READ, 1.0, note=warning)
        if not self._job.photo:
            self._save(Stage.READ, lambda: self._work.save_take(take))
        return take

    def _make_instant(self, take: Take) -> AvatarAsset:
        instant = self._work.instant() if self._resumed else None
        made = instant is None
        if instant is None:
            with self._timed(Stage.INSTANT):
                self._progress(Stage.INSTANT, Stage.INSTANT, 0.0)
                instant = self._parts.instant(take, self._job.head, self._job.name)
        instant = replace(instant, name=self._job.name)
        if self._job.profile is Profile.LINEAR:
            best = self._work.best(self._state) if self._resumed else None
            kept = self._keep(best or Snapshot(to_bytes(instant)), take)
            self._progress(Stage.INSTANT, "an avatar can be worn already", 1.0, kept=kept)
        if made and not self._job.photo:
            self._save(Stage.INSTANT, lambda: self._work.save_instant(instant))
        return instant

    def _keep(self, snapshot: Snapshot, take: Take) -> Kept:
        """Keeps an avatar, and the person as somebody who wears it."""
        person = take.person
        if person is not None and self._job.profile is Profile.LINEAR:
            person = replace(person, avatar_id=avatar_id(snapshot.data), corrections=snapshot.corrections)
        return self._job.keep.keep(snapshot.data, person)

    def _train(self, take: Take, instant: AvatarAsset) -> _Trained:
        state = self._state
        if self._job.photo:
            return _Trained(Snapshot(to_bytes(instant)), True)
        if state.train_budget_s is None:
            left_s = self._job.budget_s - self._clock()
            state.train_budget_s, _ = split_budget(left_s, self._job.profile, self._parts)
        stopped, used_up = self._should_stop(), state.train_budget_s < LEAST_TRAINING_S
        if (stopped or used_up) and self._job.profile is Profile.PAPER:
            raise JobStopped(_NOTHING_KEPT) if stopped else JobError("The budget was used up before the training.")
        if used_up:
            self._note(Stage.TRAIN, "The budget was used up before the training: this is the instant avatar.")
        if stopped or used_up:
            return _Trained(Snapshot(to_bytes(instant)), not stopped)
        self._progress(Stage.TRAIN, "preparing the training", 0.0)
        trainer = self._trainer(take, instant, state.train_budget_s)
        training = Training(self._job, self._parts, take, self._work, state, self._tell, self._should_stop, self._clock)
        first = instant if self._job.profile is Profile.LINEAR else replace(trainer.asset(), name=self._job.name)
        best, finished = training.run(trainer, to_bytes(first))
        return _Trained(best, finished)

    def _trainer(self, take: Take, instant: AvatarAsset, budget_s: float) -> Trainer:
        trainer = self._parts.trainer(self._job, take, instant, budget_s)
        checkpoint = self._work.trainer(self._state) if self._resumed else None
        if checkpoint is None:
            self._state.points, self._state.trainer, self._state.best = [], None, None
            return trainer
        try:
            trainer.restore(checkpoint)
        except ValueError:
            self._state.points, self._state.trainer, self._state.best = [], None, None
            self._note(Stage.TRAIN, "What an interrupted run had trained cannot be used: the training begins anew.")
            return self._parts.trainer(self._job, take, instant, budget_s)
        return trainer

    def _pack(self, trained: _Trained, take: Take) -> tuple[Avatar, Kept]:
        with self._timed(Stage.PACK):
            self._progress(Stage.PACK, Stage.PACK, 0.0)
            try:
                avatar = from_bytes(trained.snapshot.data)
                if avatar.name != self._job.name:  # that of an interrupted run
                    avatar = replace(avatar, name=self._job.name)
                    trained.snapshot = replace(trained.snapshot, data=to_bytes(avatar))
                if self._parts.slim is not None:
                    trained.snapshot = self._slim(self._parts.slim, trained, take, avatar)
                avatar = from_bytes(trained.snapshot.data)
                avatar_model(self._job.head, avatar)
            except (AvatarFileError, AvatarMismatchError) as error:
                raise JobError(f"The avatar does not come back from its file: {error}.") from error
            kept = self._keep(trained.snapshot, take)
        self._progress(Stage.PACK, "the avatar can be worn", 1.0, kept=kept)
        return avatar, kept

    def _slim(self, slim: Slim, trained: _Trained, take: Take, avatar: Avatar) -> Snapshot:
        """The smaller file; after a training that was not stopped, it gets its own share of the budget."""
        train_s = self._state.train_budget_s or 0.0
        tuning_s = train_s * TUNING_SHARE / (1 - TUNING_SHARE) if trained.finished else 0.0

        def go_on(share: float) -> bool:
            self._progress(Stage.PACK, "fitting the avatar into a small file", share)
            return not self._should_stop()

        return slim(take, self._job.head, avatar, trained.snapshot.corrections, tuning_s, go_on)

    def _report(self, source: ReportSource) -> tuple[Path | None, dict[str, dict[str, float | None]]]:
        if self._job.report is None:
            return None, {}
        self._progress(Stage.REPORT, Stage.REPORT, 0.0)
        try:
            written = write_report(
                self._job.report,
                source,
                self._parts.evaluate,
                lambda doing, share: self._progress(Stage.REPORT, doing, share),
            )
        except OSError as error:
            place = source.kept.place
            raise JobError(
                f"The avatar is kept ({place}), but its report cannot be written: {error.strerror}."
            ) from error
        return written
