"""`visavis bench NAME`: measurements as a table and, with --json, as a file."""

from __future__ import annotations

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
