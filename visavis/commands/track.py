"""`visavis track`: the face parameters of a recording as a file, and videos that show how good they are."""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from visavis.commands.heads import Head, load_head
from visavis.errors import CommandError
from visavis.picture_progress import picture_progress

if TYPE_CHECKING:
    from tracker.matting import SegmentationNetwork


class ExtractorName(StrEnum):
    """The extractors that there are (tracker.extractor.EXTRACTORS)."""

    MEDIAPIPE = "mediapipe"
    SMIRK = "smirk"


def track(
    clip: Annotated[Path, typer.Argument(help="The recording: any video with a face that FFmpeg can read.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The track file to write.")] = Path("track.npz"),
    overlay: Annotated[Path | None, typer.Option(help="Also write this MP4: the mesh over the picture.")] = None,
    matte: Annotated[Path | None, typer.Option(help="Also write this MP4: the person white, the rest black.")] = None,
    head: Annotated[Head, typer.Option(help="Head model whose parameters are wanted.")] = Head.OPEN,
    extractor: Annotated[ExtractorName, typer.Option(help="What tracks.")] = ExtractorName.MEDIAPIPE,
    profile: Annotated[Path | None, typer.Option(help="Whom to expect (`visavis calibrate`).")] = None,
    matte_model: Annotated[
        Path | None, typer.Option(help="A segmentation network of your own (.tflite), for --matte.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Track the face in a recording, picture by picture (docs/tracking.md)."""
    from tracker.profile import PersonProfile
    from visavis.track_clip import TrackJob, check_job, track_clip

    console = Console(stderr=True, markup=False)
    if matte_model is not None and matte is None:
        raise CommandError("--matte-model is for --matte: name the matte to write, too.")
    person = None if profile is None else PersonProfile.load(profile)
    job = TrackJob(clip, out, load_head(head), extractor.value, overlay, matte, person=person)
    check_job(job)  # before anything is fetched for it
    if matte is not None:
        job = replace(job, matte_network=_matte_network(matte_model, console))
    with picture_progress(f"tracking {clip.name}", console) as on_picture:
        summary = track_clip(job, on_picture)
    if summary.warning is not None:
        typer.echo(f"visavis: {summary.warning}", err=True)
    if as_json:
        typer.echo(json.dumps(summary.__dict__))
        return
    typer.echo(
        f"{summary.pictures} pictures, {100 * summary.faces / summary.pictures:.1f} % with a face, "
        f"median residual {summary.residual_pct:.2f} %, {summary.work_s:.1f} s"
    )
    for file in summary.files:
        typer.echo(f"wrote {file}")


def _matte_network(path: Path | None, console: Console) -> SegmentationNetwork:
    from tracker.matting import SegmentationNetwork
    from visavis.matting_model import fetch_matting_model

    if path is not None:
        return SegmentationNetwork(path, any_content=True)
    return SegmentationNetwork(fetch_matting_model(console.print))
