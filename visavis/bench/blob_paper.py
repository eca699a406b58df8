"""Avatars of profile `paper` compressed as in the paper's Table II: `visavis bench blob` for `.vap` files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from enrolment.paper_stages import MIB
from visavis.bench.report import Figure
from visavis.compress_paper import TRAINED_ON, Measured, compress, load_paper, remarks, table
from visavis.recorded_take import load_recording
from visavis.stage_progress import stage_progress

SUFFIX = ".vap"


def run(avatars: Sequence[tuple[Path, Path | None]], seconds: float, console: Console) -> list[Figure]:
    """Compresses avatars one after the other, shows a table for each, and gives their figures and the means of them.

    Args:
        avatars: files, and recordings of the persons if there are.
        seconds: of training each.
        console: for the tables.

    Raises:
        CommandError: an avatar or a recording is of no use, or PyTorch is missing.
    """
    found: list[Figure] = []
    for path, recording in avatars:
        model = load_paper(str(path))
        with stage_progress(path.name) as tell:
            take = None if recording is None else load_recording(recording, model.head, tell)
            measured = compress(model, take, seconds, tell)
        console.print(table(measured))
        for remark in remarks(measured, take):
            console.print(remark, highlight=False)
        found += figures(f"blob.{path.stem}.paper_", measured)
    return [*found, *_means(found, len(avatars))]


def figures(prefix: str, measured: Measured) -> Iterator[Figure]:
    """The figures of one avatar; those of losses only with a recording."""
    compression = measured.compression
    for stage in compression.stages:
        yield Figure(f"{prefix}{stage.name}_mib", stage.total_mib, "MiB", "lower")
        yield Figure(f"{prefix}{stage.name}_differs_percent", 100 * stage.difference, "%", "lower")
        yield Figure(f"{prefix}{stage.name}_alike_db", measured.scores[stage.name].alike_db, "dB", "higher")
    yield Figure(f"{prefix}file_mib", len(compression.data) / MIB, "MiB", "lower")
    for name, score in measured.scores.items():
        if score.held_out_db is not None:
            yield Figure(f"{prefix}{name}_psnr_db", score.held_out_db, "dB", "higher")
    loss = measured.loss_db("total")
    given, compressed = (measured.scores[name].held_out_db for name in ("uncompressed", "total"))
    if loss is None or given is None or compressed is None or TRAINED_ON not in measured.scores:
        return
    yield Figure(f"{prefix}loss_db", loss, "dB", "lower")
    yield Figure(f"{prefix}loss_as_given_db", given - compressed, "dB", "lower")


def _means(found: Sequence[Figure], count: int) -> list[Figure]:
    """Of each figure that all `count` avatars have."""
    by_name: dict[str, list[Figure]] = {}
    for figure in found:
        by_name.setdefault(figure.name.rsplit(".", 1)[1], []).append(figure)
    return [
        Figure(f"blob.{name}", float(np.mean([one.value for one in same])), same[0].unit, same[0].better)
        for name, same in by_name.items()
        if len(same) == count
    ]
