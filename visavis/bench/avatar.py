"""`visavis bench avatar`: from recordings to avatars, with the clock watched, and how close they come to the people."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from client.errors import MediaError
from enrolment.errors import EnrolmentError
from enrolment.job_keep import FileKeeper
from enrolment.job_parts import EnrolmentParts
from enrolment.job_standard_parts import standard_parts
from enrolment.job_types import EnrolmentJob
from enrolment.metrics.lpips import Lpips
from enrolment.read_take import HoldOut
from renderer.avatar.warm_up import warm_up
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from tracker.matting import SegmentationNetwork
from visavis.bench.avatar_course import Variant, start, train
from visavis.bench.avatar_figures import (
    BLOCK_TARGETS,
    TAIL_TARGETS,
    TARGETS,
    figures,
    show_clips,
    show_figures,
    summary,
)
from visavis.bench.avatar_scores import Result, judge
from visavis.bench.avatar_sheets import write_sheets
from visavis.bench.report import Figure
from visavis.errors import CommandError
from visavis.lpips_weights import fetch_lpips_weights
from visavis.matting_model import fetch_matting_model
from visavis.stage_progress import OnStep, of_clip, stage_progress

SUFFIXES = {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi"}

PartsFor = Callable[[EnrolmentJob], EnrolmentParts]


@dataclass(frozen=True)
class AvatarBench:
    """What to measure.

    Args:
        clips: recordings of one person each.
        variants: what to train on each, from the same instant avatar and within the same budget.
        budget_s: wall time from a clip's first byte to the final avatar.
        hold_out: TAIL or BLOCKS.
        sheets: folder for contact sheets and side views.
        seed: of everything random.
    """

    clips: Sequence[Path]
    variants: Sequence[Variant]
    budget_s: float
    hold_out: HoldOut
    sheets: Path | None = None
    seed: int = 0


def find_clips(named: Sequence[Path]) -> list[Path]:
    """The files, and of folders the videos in them, by name.

    Raises:
        CommandError: one of them is not there, a folder holds no video, or two clips have one name.
    """
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
            if not inside:
                raise CommandError(f"There is no video in {path}.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise CommandError(f"There is no file {path}.")
    found = list(dict.fromkeys(found))
    names = [clip.stem for clip in found]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise CommandError(f"Two clips are called {doubled}: rename one.")
    return found


def run(bench: AvatarBench, console: Console, parts_for: PartsFor = standard_parts) -> list[Figure]:
    """Makes an avatar of every clip, prints tables and returns `avatar.*` (docs/metrics.md).

    Progress goes to the standard error stream. A clip that is of no use is named and left out.

    Raises:
        CommandError: no clip is of use, or something that is needed is missing.
    """
    beside = Console(stderr=True, markup=False, highlight=False)

    def say(line: str) -> None:
        beside.print(line, soft_wrap=True)

    variants = _possible(bench.variants, say)
    network = SegmentationNetwork(fetch_matting_model(say))
    weights = _lpips_weights(say)
    lpips = None if weights is None else Lpips(weights)
    head = load_open_head()
    results: list[Result] = []
    with stage_progress("avatar") as on_step, tempfile.TemporaryDirectory() as scratch:
        on_step("compiling", 0.0)
        warm_up(lambda step, share: on_step(f"compiling {step}", share))
        for clip in bench.clips:
            job = _job(bench, clip, head, Path(scratch), network, weights)
            try:
                for result in _measured(bench, job, variants, lpips, parts_for, of_clip(on_step, clip)):
                    say(summary(result))
                    results.append(result)
            except (EnrolmentError, MediaError, CommandError) as error:
                say(f"{clip.name} is left out: {error}")
    if not results:
        raise CommandError("There was no clip to measure on.")
    show_clips(console, results)
    found = figures(results)
    targets = TARGETS | (TAIL_TARGETS if bench.hold_out is HoldOut.TAIL else BLOCK_TARGETS)
    show_figures(console, found, targets)
    return found


def _measured(
    bench: AvatarBench,
    job: EnrolmentJob,
    variants: Sequence[Variant],
    lpips: Lpips | None,
    parts_for: PartsFor,
    on_step: OnStep,
) -> Iterator[Result]:
    begun = start(job, parts_for(job), job.work, on_step)
    for variant in variants:
        own = replace(job, profile=variant.profile)
        course = train(own, parts_for(own), begun, variant, on_step)
        result = judge(begun, course, job.head, lpips, on_step)
        if bench.sheets is not None:
            name = f"{begun.name}-{variant}"
            write_sheets(bench.sheets, name, begun.take, job.head, course.final, result.sent)
        yield result


def _job(
    bench: AvatarBench,
    clip: Path,
    head: HeadModel,
    scratch: Path,
    network: SegmentationNetwork,
    lpips: Path | None,
) -> EnrolmentJob:
    return EnrolmentJob(
        clip=clip,
        head=head,
        name=clip.stem[:64],
        keep=FileKeeper(scratch / "avatar.vva"),
        work=scratch,
        budget_s=bench.budget_s,
        hold_out=bench.hold_out,
        seed=bench.seed,
        matte_network=network,
        lpips=lpips,
    )


def _possible(variants: Sequence[Variant], say: Callable[[str], None]) -> list[Variant]:
    """Those whose training is installed."""
    if Variant.PAPER not in variants or importlib.util.find_spec("torch") is not None:
        return list(variants)
    say("Profile paper is left out: it trains with PyTorch, which is not installed (pip install -e '.[train]').")
    rest = [variant for variant in variants if variant is not Variant.PAPER]
    if not rest:
        raise CommandError("There is nothing left to measure.")
    return rest


def _lpips_weights(say: Callable[[str], None]) -> Path | None:
    try:
        return fetch_lpips_weights(say)
    except CommandError as error:
        say(f"LPIPS is left out, of training too: {error}")
        return None
