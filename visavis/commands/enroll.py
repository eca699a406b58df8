"""`visavis enroll`: an avatar of yourself, from a short recording or from one photo."""

from __future__ import annotations

import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from enrolment.job_types import EnrolmentJob, EnrolmentResult
    from visavis.enroll_clip import EnrollOptions

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""


class ProfileName(StrEnum):
    """enrolment.job_types.Profile."""

    LINEAR = "linear"
    PAPER = "paper"


class BackendName(StrEnum):
    """enrolment.job_types.Backend."""

    CPU = "cpu"
    CUDA = "cuda"


class HoldOutName(StrEnum):
    """enrolment.read_take.HoldOut."""

    BLOCKS = "blocks"
    TAIL = "tail"
    NONE = "none"


def enroll(
    clip: Annotated[Path, typer.Argument(help="A recording of one person, 20 to 60 s, or a photo.", metavar="CLIP")],
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="ID", help="A name in your own store, or an avatar file (.vav)."),
    ] = None,
    profile: Annotated[ProfileName, typer.Option(help="How the avatar moves.")] = ProfileName.LINEAR,
    budget: Annotated[str, typer.Option(help="Time for all but the report: 90s, 5m, 1h.")] = "5m",
    backend: Annotated[BackendName, typer.Option(help="What trains.")] = BackendName.CPU,
    hold_out: Annotated[
        HoldOutName, typer.Option(help="Pictures to judge by: every fifth block of 16, the last fifth, or none.")
    ] = HoldOutName.BLOCKS,
    name: Annotated[str | None, typer.Option(help="The avatar's name; default: the recording's.")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for report.html and report.json.")] = None,
    photo: Annotated[bool, typer.Option("--photo", help="CLIP is a photo, whatever its name.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do not go on with what an interrupted run has left.")] = False,
    work: Annotated[Path | None, typer.Option(help="Folder for what an interrupted run can go on from.")] = None,
    large: Annotated[
        bool, typer.Option("--large", help="Keep all Gaussians and a file of twice the size, to compare with.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make an avatar of a person (docs/enrolment.md)."""
    from enrolment.job_photo import LIMITS, is_photo
    from enrolment.job_types import Backend, Profile
    from enrolment.read_take import HoldOut
    from visavis.enroll_clip import EnrollOptions, check_clip, display_name, parse_budget, parse_destination

    options = EnrollOptions(
        clip=clip,
        destination=parse_destination(out, clip, Profile(profile.value)),
        budget_s=parse_budget(budget),
        name=display_name(name, clip),
        profile=Profile(profile.value),
        backend=Backend(backend.value),
        hold_out=HoldOut(hold_out.value),
        photo=photo or is_photo(clip),
        fresh=fresh,
        report=report,
        work=work,
        large=large,
    )
    check_clip(options)
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if options.photo:
        console.print(LIMITS)
    _run(options, console, as_json)


def _run(options: EnrollOptions, console: Console, as_json: bool) -> None:
    from avatar_store.open_store import default_store
    from enrolment.job_types import JobStopped
    from enrolment.metrics.lpips_fetch import lpips_weights_if_possible
    from visavis.commands.heads import Head, load_head
    from visavis.enroll_clip import make_job, summary

    job = make_job(options, load_head(Head.OPEN), lpips_weights_if_possible(console.print))
    try:
        result = _enrolled(job, console)
    except JobStopped as error:
        console.print(f"visavis: {error}")
        raise typer.Exit(INTERRUPTED) from error
    except KeyboardInterrupt:
        console.print("visavis: Ended at once; the same command goes on from the last checkpoint, if there is one.")
        raise typer.Exit(INTERRUPTED) from None
    place = options.destination.settle(default_store(), result)
    if as_json:
        typer.echo(json.dumps(summary(result, place)))
    else:
        _tell(result, place, options.clip)
    if result.stopped:
        console.print(
            f"visavis: Stopped after {result.trained_s:.0f} s of training: the best avatar so far is kept ({place}), "
            "and the same command goes on from here."
        )
        raise typer.Exit(INTERRUPTED)


def _enrolled(job: EnrolmentJob, console: Console) -> EnrolmentResult:
    from enrolment.job import run_enrolment
    from visavis.enroll_clip import stop_on_interrupt
    from visavis.enroll_progress import enroll_progress

    preview = None if job.report is None else job.report / "preview.jpg"
    with enroll_progress(job.clip.name, console, preview) as show, stop_on_interrupt(show.stopping) as should_stop:
        return run_enrolment(job, show.on_progress, should_stop)


def _tell(result: EnrolmentResult, place: str, clip: Path) -> None:
    from codec.avatar_asset import AvatarAsset

    closed = result.scores.get("closed_loop") or result.scores.get("open_loop")
    if closed is not None:
        typer.echo(f"held-out pictures: {closed['psnr_db']:.2f} dB, head {closed['face_psnr_db']:.2f} dB")
    if result.report is not None:
        typer.echo(f"report: {result.report}")
    kept = result.kept
    typer.echo(f"avatar: {place} ({kept.size_bytes / 1000:.0f} kB, id {kept.avatar_id})")
    if not isinstance(result.avatar, AvatarAsset):
        return
    person = "" if kept.profile is None else f" --profile {shlex.quote(str(kept.profile))}"
    video = "RECORDING" if len(result.take) == 1 else shlex.quote(str(clip))
    typer.echo(f"wear it: visavis bot --video {video} --avatar {shlex.quote(place)}{person}")
