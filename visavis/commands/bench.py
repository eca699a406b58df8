"""`visavis bench NAME`: measurements as a table and, with --json, as a file."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from visavis.bench.report import Figure, show, write_json
from visavis.errors import CommandError

app = typer.Typer(help="Measure on this machine; each figure we publish comes from here.", no_args_is_help=True)

JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]


def _report(console: Console, title: str, figures: list[Figure], json_file: Path | None) -> None:
    show(console, title, figures)
    _write(figures, json_file)


def _write(figures: list[Figure], json_file: Path | None) -> None:
    if json_file is not None:
        try:
            write_json(json_file, figures)
        except OSError as error:
            raise CommandError(f"Cannot write {json_file}: {error.strerror}.") from None


@app.command("call")
def call(json_file: JsonOption = None) -> None:
    """A three-person call: browser and two bots (joining, latency, rate, bytes, fidelity of motion)."""
    from visavis.bench import call as bench

    console = Console()
    _report(console, "call", bench.run(console), json_file)


@app.command("render")
def render(json_file: JsonOption = None) -> None:
    """Whole frames a second: pose, deform, project, sort, blend, YUV."""
    from visavis.bench import render as bench

    console = Console()
    _report(console, "render", bench.run(console), json_file)


@app.command("track")
def track(
    clips: Annotated[Path | None, typer.Option(help="Folder of *.mp4 clips; default: the samples.")] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Drawn faces of known parameters instead.")] = False,
    json_file: JsonOption = None,
) -> None:
    """Tracker: time, detection, residual and jitter on clips, or errors on drawn faces (--synthetic)."""
    if synthetic:
        from visavis.bench import track_synthetic

        console = Console()
        _report(console, "track", track_synthetic.run(console), json_file)
        return
    from visavis.bench import track as bench
    from visavis.sample import fetch_recordings

    console = Console()
    files = fetch_recordings(console.print) if clips is None else sorted(clips.glob("*.mp4"))
    if not files:
        raise CommandError(f"There is no *.mp4 in {clips}.")
    _report(console, "track", bench.run(files, console), json_file)


@app.command("codec")
def codec(
    clips: Annotated[Path | None, typer.Option(help="Folder of *.mp4 clips; default: the samples.")] = None,
    json_file: JsonOption = None,
) -> None:
    """Face stream: rates of both profiles where they are equally far off, time to code a frame, bytes on the wire."""
    from visavis.bench import codec as bench
    from visavis.sample import fetch_recordings

    console = Console()
    files = fetch_recordings(console.print) if clips is None else sorted(clips.glob("*.mp4"))
    if not files:
        raise CommandError(f"There is no *.mp4 in {clips}.")
    _report(console, "codec", bench.run(files, console), json_file)


class _FaceProfile(StrEnum):
    RANGE = "range"
    EG0 = "eg0"


@app.command("transport")
def transport(
    loss: Annotated[float, typer.Option(help="Share of packets that get lost.")] = 0.1,
    rtt: Annotated[float, typer.Option(help="Shortest time there and back, ms.")] = 100.0,
    jitter: Annotated[float, typer.Option(help="Mean of what each way takes longer, ms.")] = 20.0,
    duplicated: Annotated[float, typer.Option(help="Share of packets that arrive twice.")] = 0.0,
    rate: Annotated[float | None, typer.Option(help="Bottleneck of each direction, kbit/s, headers included.")] = None,
    rate_ends: Annotated[float | None, typer.Option(help="When the bottleneck goes away, seconds.")] = None,
    seconds: Annotated[float, typer.Option(help="Length of the call on its simulated clock.")] = 120.0,
    profile: Annotated[_FaceProfile, typer.Option(help="Of the face stream.")] = _FaceProfile.RANGE,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
    json_file: JsonOption = None,
) -> None:
    """Faces over a bad network, simulated: delays, freezes, bytes, steps of the rate. The last 5 s lose nothing."""
    from visavis.bench import transport as bench
    from visavis.output_files import check_output

    if json_file is not None:
        check_output(json_file)
    conditions = bench.Conditions(
        loss=loss,
        rtt_ms=rtt,
        jitter_ms=jitter,
        duplicated=duplicated,
        rate_kbps=rate,
        rate_ends_s=rate_ends,
        seconds=seconds,
        profile=profile.value,
        seed=seed,
    )
    console = Console()
    _report(console, "transport", bench.run(conditions, console), json_file)


class _HoldOut(StrEnum):
    TAIL = "tail"
    BLOCKS = "blocks"


class _Profiles(StrEnum):
    LINEAR = "linear"
    PAPER = "paper"
    BOTH = "both"


@app.command("avatar")
def avatar(
    clips: Annotated[list[Path], typer.Option(help="Recording, or folder of them; more may follow.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More of them.", show_default=False)] = None,
    budget: Annotated[str, typer.Option(help="Wall time of each enrolment, tracking included: 90s, 15m, ...")] = "15m",
    hold_out: Annotated[_HoldOut, typer.Option(help="The last fifth, or every fifth block of 16.")] = _HoldOut.TAIL,
    profile: Annotated[_Profiles, typer.Option(help="What to train; both to compare them.")] = _Profiles.LINEAR,
    mesh_only: Annotated[bool, typer.Option("--mesh-only", help="Also train without bases, to compare.")] = False,
    sheets: Annotated[Path | None, typer.Option(help="Folder for contact sheets and side views.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    json_file: JsonOption = None,
) -> None:
    """Enrolment: an avatar of every clip, and how close it comes to pictures that it was not learned from."""
    from enrolment.read_take import HoldOut
    from visavis.bench import avatar as bench
    from visavis.bench.avatar_course import Variant
    from visavis.enroll_clip import parse_budget
    from visavis.output_files import check_output

    if json_file is not None:
        check_output(json_file)
    variants = [Variant.LINEAR] if profile != _Profiles.PAPER else []
    variants += [Variant.PAPER] if profile != _Profiles.LINEAR else []
    variants += [Variant.MESH] if mesh_only else []
    task = bench.AvatarBench(
        clips=bench.find_clips([*clips, *(more or [])]),
        variants=variants,
        budget_s=parse_budget(budget),
        hold_out=HoldOut(hold_out.value),
        sheets=sheets,
        seed=seed,
    )
    _write(bench.run(task, Console()), json_file)


@app.command("blob")
def blob(
    avatars: Annotated[list[Path] | None, typer.Argument(help="Avatar files (.vav, .vap).", show_default=False)] = None,
    guests: Annotated[bool, typer.Option("--guests", help="Also the guests; the default without files.")] = False,
    take: Annotated[
        list[Path] | None, typer.Option(help="Recording of the person, to hold a part of out; one for each file.")
    ] = None,
    before: Annotated[
        list[Path] | None,
        typer.Option(help="The person's avatar of `enroll --large`, to compare a .vav with; one for each of these."),
    ] = None,
    minutes: Annotated[float, typer.Option(help="Training of each .vap; comparing takes up to as long.")] = 5.0,
    json_file: JsonOption = None,
) -> None:
    """Avatar files: bytes by section, time to write and read, and what pictures lose by writing."""
    from renderer.head.open_head import load_open_head
    from visavis.bench import blob as bench
    from visavis.bench import blob_paper
    from visavis.compress_paper import check_minutes

    files, takes, large = avatars or [], take or [], before or []
    pairs = list(zip(files, takes or [None] * len(files), strict=False))
    paper = [pair for pair in pairs if pair[0].suffix.lower() == blob_paper.SUFFIX]
    linear = [pair for pair in pairs if pair not in paper]
    for option, given, wanted in (("--take", takes, len(files)), ("--before", large, len(linear))):
        if given and len(given) != wanted:
            raise CommandError(f"{option} is of one person: name one {option} for each avatar file, in the same order.")
    seconds, console, head = check_minutes(minutes), Console(), load_open_head()
    figures = bench.run(list(zip(linear, large or [None] * len(linear), strict=True)), head, console)
    if guests or not files:
        figures += [figure for subject in bench.guests() for figure in bench.measure(subject, head)]
    figures += blob_paper.run(paper, seconds, console)
    _report(console, "blob", figures, json_file)


@app.command("join")
def join(
    loss: Annotated[float | None, typer.Option(help="Share of packets that get lost.", show_default=False)] = None,
    rtt: Annotated[float | None, typer.Option(help="There and back, ms.", show_default=False)] = None,
    rate: Annotated[float | None, typer.Option(help="Mbit/s of each direction.", show_default=False)] = None,
    avatars: Annotated[list[Path] | None, typer.Option("--avatar", help="File to wear, one for each side.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Joins on each network.")] = 5,
    json_file: JsonOption = None,
) -> None:
    """Time to the first head and to the whole avatar of somebody, and what the transfer does to faces meanwhile.

    Without --loss, --rtt and --rate on the two networks of our targets: 1 Mbit/s (`first`), 2 Mbit/s with 5 % loss
    (`final`), both with 100 ms.
    """
    from visavis.bench import join as bench
    from visavis.output_files import check_output

    if json_file is not None:
        check_output(json_file)
    conditions = bench.STANDARD
    if not (loss is None and rtt is None and rate is None):
        given = (0.0 if loss is None else loss, 100.0 if rtt is None else rtt, 2.0 if rate is None else rate)
        conditions = {"": bench.Conditions(*given)}
    console = Console()
    _report(console, "join", bench.run(conditions, seeds, console, bench.read_avatars(avatars or [])), json_file)


@app.command("rd")
def rd(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the report; an interrupted run goes on in it.")],
    clips: Annotated[list[Path] | None, typer.Option(help="Clips, or folders of them; else the sample's.")] = None,
    minutes: Annotated[float, typer.Option(min=0.5, max=60.0, help="For each avatar.")] = 4.0,
    wire: Annotated[bool, typer.Option(help="Hold a call with the faces of each clip.")] = True,
    json_file: JsonOption = None,
) -> None:
    """Rate and distortion of avatars and of video codecs on the end of each clip, and a report."""
    from visavis.bench.avatar import find_clips
    from visavis.bench.rd import run as bench
    from visavis.bench.rd.compare import figures
    from visavis.bench.rd.report import write_report
    from visavis.bench.rd.sheets import write_sheets
    from visavis.sample import fetch_recordings

    console = Console()
    files = fetch_recordings(console.print) if clips is None else find_clips(clips)
    results, scenes = bench.run(bench.RdBench(files, out, 60 * minutes, wire))
    found = figures(results)
    try:
        write_sheets(out, results, scenes)
        command = " ".join(["visavis", *sys.argv[1:]])
        report = write_report(out, results, found, command)
    except OSError as error:
        raise CommandError(f"The report cannot be written to {out}: {error.strerror}.") from error
    _report(console, "rd", found, json_file)
    console.print(f"The report is in {report}.", soft_wrap=True)
