"""The program's own parts of an enrolment. What a job does not need is not imported."""

from __future__ import annotations

from collections.abc import Sequence

from codec.avatar_asset import AvatarAsset
from enrolment.evaluate import SCORED_EVERY, Evaluation, evaluate
from enrolment.instant import instant_avatar
from enrolment.job_codec import Avatar, Snapshot
from enrolment.job_parts import EnrolmentParts, Known, OnStep, ShouldStop
from enrolment.job_photo import read_photo
from enrolment.job_types import Backend, EnrolmentJob, JobError, Profile
from enrolment.metrics.lpips import Lpips
from enrolment.read_take import read_take
from enrolment.slim_file import slim_file
from enrolment.take import Take
from enrolment.torch_training import why_no_torch
from enrolment.trainer import GoOn, Trainer
from renderer.head.model import HeadModel

THREADS = 2


def standard_parts(job: EnrolmentJob) -> EnrolmentParts:
    """The parts for one job, after a look at whether they are installed.

    Raises:
        JobError: the job needs PyTorch or a graphics card that is not there.
        MetricsError: the weights of LPIPS are damaged.
    """
    if job.profile is Profile.PAPER or job.backend is Backend.CUDA:
        _require_torch(job)
    lpips = None if job.lpips is None else Lpips(job.lpips)

    def scores(
        take: Take, head: HeadModel, avatar: Avatar, known: Known, indices: Sequence[int], closed_loop: bool
    ) -> Evaluation:
        stride = SCORED_EVERY if len(indices) > SCORED_EVERY else 1
        return evaluate(
            take, head, avatar, indices, closed_loop, lpips, stride=stride, keep_renders=True, corrections=known
        )

    def trainer(job: EnrolmentJob, take: Take, instant: AvatarAsset, budget_s: float) -> Trainer:
        return _trainer(job, take, instant, budget_s, lpips)

    def slim(take: Take, head: HeadModel, avatar: Avatar, known: Known, seconds: float, go_on: GoOn) -> Snapshot:
        return slim_file(take, head, avatar, known, seconds, lpips, go_on)

    return EnrolmentParts(_read, instant_avatar, trainer, scores, slim=None if job.large else slim)


def _require_torch(job: EnrolmentJob) -> None:
    what = f"Profile {job.profile.value}" if job.profile is Profile.PAPER else f"Backend {job.backend.value}"
    missing = why_no_torch("cuda" if job.backend is Backend.CUDA else "train")
    if missing is not None:
        raise JobError(f"{what} trains with {missing}.")
    if job.backend is Backend.CUDA:
        from renderer.backends.cuda import why_unavailable

        missing = why_unavailable()
        if missing is not None:
            raise JobError(f"There is no CUDA to train with ({missing}): train with --backend cpu.")


def _read(job: EnrolmentJob, on_step: OnStep, should_stop: ShouldStop) -> Take:
    if job.photo:
        from enrolment.photo import photo_take

        on_step("reading the photo", 0.0)
        return photo_take(read_photo(job.clip), job.head, matte_network=job.matte_network)
    return read_take(
        job.clip,
        job.head,
        hold_out=job.hold_out,
        matte_network=job.matte_network,
        on_progress=on_step,
        should_stop=should_stop,
    )


def _trainer(job: EnrolmentJob, take: Take, instant: AvatarAsset, budget_s: float, lpips: Lpips | None) -> Trainer:
    if job.profile is Profile.PAPER:
        from enrolment.torch_training.paper_trainer import PaperTrainer

        return PaperTrainer(
            take,
            job.head,
            instant.shape_offsets,
            budget_s,
            name=job.name,
            device=job.backend.value,
            seed=job.seed,
            threads=THREADS,
        )
    if job.backend is Backend.CUDA:
        from enrolment.torch_training.linear_trainer import LinearTorchTrainer

        return LinearTorchTrainer(
            take, job.head, instant, budget_s, device=job.backend.value, seed=job.seed, threads=THREADS
        )
    from enrolment.linear.trainer import LinearTrainer

    return LinearTrainer(take, job.head, instant, budget_s, threads=THREADS, seed=job.seed, lpips=lpips)
