"""`visavis calibrate`: what the tracker learns about a person from a short recording, as a file to track them with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from visavis.commands.heads import Head, load_head

# From tracker.profile.SCHEDULE (a test compares them), whose import would make `--help` wait for NumPy.
HELP = """Learn a person and their camera from a short recording (docs/tracking.md).

With --guided, the recording follows this schedule from its start:

\b
0.0 to 1.5 s  Look straight into the camera and relax your face
1.5 to 4.5 s  Turn your head slowly to both sides, then up and down
4.5 to 5.5 s  Open your mouth wide
5.5 to 6.5 s  Smile broadly
6.5 to 7.5 s  Pucker your lips
7.5 to 9.0 s  Look straight into the camera and blink twice
"""


def calibrate(
    clip: Annotated[Path, typer.Argument(help="The recording: any video with a face that FFmpeg can read.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile to write.")] = Path("me.profile"),
    guided: Annotated[
        bool, typer.Option("--guided/--free", help="The recording follows the schedule above, or shows just anything.")
    ] = False,
    head: Annotated[Head, typer.Option(help="Head model that will be driven.")] = Head.OPEN,
) -> None:
    """Learns a person; the help is HELP."""
    from visavis.calibrate_clip import CalibrationJob, calibrate_clip

    console = Console(stderr=True, markup=False)
    job = CalibrationJob(clip, out, load_head(head), guided)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(clip.name, total=1.0)
        summary = calibrate_clip(
            job, lambda step, share: progress.update(task, description=f"{clip.name}: {step}", completed=share)
        )
    typer.echo(
        f"focal length {summary.focal_ratio:.2f} x the longer side of the picture; "
        f"learned from {summary.faces} of {summary.pictures} pictures ({summary.seconds:.1f} s)"
    )
    typer.echo(f"wrote {out}")
