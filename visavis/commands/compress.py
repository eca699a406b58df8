"""`visavis compress`: an avatar of profile `paper` as small as in the paper, stage by stage."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class ProfileName(StrEnum):
    """Avatars of profile `linear` are written small as they are."""

    PAPER = "paper"


def compress(
    avatar: Annotated[Path, typer.Argument(help="The avatar (.vap).", metavar="AVATAR", show_default=False)],
    profile: Annotated[ProfileName, typer.Option(help="How it moves.")] = ProfileName.PAPER,
    table: Annotated[bool, typer.Option("--table", help="Show every stage beside the paper's Table II.")] = False,
    take: Annotated[Path | None, typer.Option(help="The recording it was learned from, or its take (.npz).")] = None,
    minutes: Annotated[float, typer.Option(help="Training, about; comparing takes up to as long again.")] = 5.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The compressed avatar (.vap).")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Compress an avatar of profile paper as the paper does (docs/avatar-profiles.md)."""
    from visavis.bench.blob_paper import figures
    from visavis.bench.report import write_json
    from visavis.compress_paper import check_minutes, load_paper, remarks
    from visavis.compress_paper import compress as compress_paper
    from visavis.compress_paper import table as stages_table
    from visavis.output_files import check_output, completed, writing
    from visavis.recorded_take import load_recording
    from visavis.stage_progress import stage_progress

    seconds = check_minutes(minutes)
    for path in (out, json_file):
        if path is not None:
            check_output(path, reads=avatar)
    model = load_paper(str(avatar))
    with stage_progress(avatar.name) as tell:
        recorded = None if take is None else load_recording(take, model.head, tell)
        measured = compress_paper(model, recorded, seconds, tell)
    console = Console(markup=False, highlight=False)
    if table:
        console.print(stages_table(measured))
    for remark in remarks(measured, recorded):
        console.print(remark)
    if out is not None:
        with completed(out) as partial, writing(out):
            partial.write_bytes(measured.compression.data)
        typer.echo(f"wrote {out}")
    if json_file is not None:
        with writing(json_file):
            write_json(json_file, list(figures("blob.paper_", measured)))
