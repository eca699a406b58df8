"""The figures `avatar.*`, and the targets that they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from enrolment.evaluate import Evaluation, mean_scores
from visavis.bench.avatar_course import Variant
from visavis.bench.avatar_scores import Result
from visavis.bench.report import Figure

Better = Literal["higher", "lower"]
_SCORES: tuple[tuple[str, str, Better], ...] = (
    ("psnr_db", "dB", "higher"),
    ("face_psnr_db", "dB", "higher"),
    ("lpips", "", "lower"),
    ("face_lpips", "", "lower"),
    ("ssim", "", "higher"),
    ("face_ssim", "", "higher"),
)
_PREFIXES = {Variant.LINEAR: "", Variant.PAPER: "paper_", Variant.MESH: "mesh_"}


@dataclass(frozen=True)
class Target:
    """What a figure should reach, and what it must."""

    wanted: float
    least: float | None = None


TARGETS = {
    "avatar.instant_s": Target(15),
    "avatar.usable_s": Target(90),
    "avatar.closed_loop_ms": Target(12),
    "avatar.linear_minus_paper_db": Target(0.5),
    "avatar.bases_gain_db": Target(1),
    "avatar.bases_lpips_gain": Target(0),
}
TAIL_TARGETS = {
    "avatar.psnr_db": Target(30.5, 28.7),
    "avatar.face_psnr_db": Target(28.5, 27.2),
    "avatar.lpips": Target(0.057, 0.072),
}
"""With 15 minutes on two cores, means over wojtek, d9 and obama, the last fifth held out."""
BLOCK_TARGETS = {
    "avatar.psnr_db": Target(34),
    "avatar.face_psnr_db": Target(30.5),
    "avatar.lpips": Target(0.040),
}
"""Likewise on wojtek, blocks held out."""


def figures(results: Sequence[Result]) -> list[Figure]:
    """Means over the clips first, then what the variants differ by, then each clip's own as `avatar.CLIP.*`."""
    found = _means("avatar.", results) + _differences(results)
    for clip in dict.fromkeys(result.clip for result in results):
        found += _means(f"avatar.{clip}.", [result for result in results if result.clip == clip])
    return found


def _means(place: str, results: Sequence[Result]) -> list[Figure]:
    """Figures of every variant; times of `linear` alone."""
    found: list[Figure] = []
    for variant, prefix in _PREFIXES.items():
        chosen = [result for result in results if result.variant is variant]
        if not chosen:
            continue
        if variant is Variant.LINEAR:
            found += _times(place, chosen)
        closed = [result.closed_loop for result in chosen if result.closed_loop]
        if closed:
            found += _scores(place + prefix, closed)
        found += _scores(f"{place}{prefix}open_", [result.open_loop for result in chosen])
        size_kb = float(np.mean([result.size_bytes for result in chosen])) / 1000
        found.append(Figure(f"{place}{prefix}size_kb", size_kb, "kB", "lower"))
    return found


def _times(place: str, results: Sequence[Result]) -> list[Figure]:
    found = [
        Figure(f"{place}instant_s", float(np.mean([result.instant_s for result in results])), "s", "lower"),
        Figure(f"{place}usable_s", float(np.mean([result.usable_s for result in results])), "s", "lower"),
    ]
    times = [result.closed_loop.closed_loop_ms for result in results if result.closed_loop]
    first, later = np.concatenate([each[:1] for each in times]), np.concatenate([each[1:] for each in times])
    if len(later):
        found.append(Figure(f"{place}closed_loop_ms", float(later.mean()), "ms", "lower"))
        found.append(Figure(f"{place}closed_loop_ms_p95", float(np.percentile(later, 95)), "ms", "lower"))
        found.append(Figure(f"{place}closed_loop_first_ms", float(first.mean()), "ms", "lower"))
    return found


def _scores(prefix: str, judged: Sequence[Evaluation]) -> list[Figure]:
    scores = mean_scores([each.mean for each in judged])
    found: list[Figure] = []
    for name, unit, better in _SCORES:
        value = getattr(scores, name)
        if value is not None:
            found.append(Figure(prefix + name, value, unit, better))
    flicker = [each.flicker for each in judged if each.flicker is not None]
    if flicker:
        found.append(Figure(prefix + "flicker", float(np.mean(flicker)), "of the recording's", "lower"))
    return found


def _differences(results: Sequence[Result]) -> list[Figure]:
    """`linear` against `paper` with what the tracker says, as the sender corrects nothing for `paper`; bases against
    none with what the sender makes of it."""
    by_name = {(result.clip, result.variant): result for result in results}
    clips = dict.fromkeys(result.clip for result in results)
    found: list[Figure] = []
    pairs = [(by_name.get((clip, Variant.LINEAR)), by_name.get((clip, Variant.PAPER))) for clip in clips]
    gains = [a.open_loop.mean.psnr_db - b.open_loop.mean.psnr_db for a, b in pairs if a and b]
    if gains:
        found.append(Figure("avatar.linear_minus_paper_db", float(np.mean(gains)), "dB", "higher"))
    pairs = [(by_name.get((clip, Variant.LINEAR)), by_name.get((clip, Variant.MESH))) for clip in clips]
    means = [(a.sent.mean, b.sent.mean) for a, b in pairs if a and b]
    if means:
        gain_db = float(np.mean([a.psnr_db - b.psnr_db for a, b in means]))
        found.append(Figure("avatar.bases_gain_db", gain_db, "dB", "higher"))
        lower = [b.lpips - a.lpips for a, b in means if a.lpips is not None and b.lpips is not None]
        if lower:
            found.append(Figure("avatar.bases_lpips_gain", float(np.mean(lower)), "", "higher"))
    return found


def summary(result: Result) -> str:
    """One line that says how it went."""
    mean = result.sent.mean
    lpips = "" if mean.lpips is None else f", LPIPS {mean.lpips:.4f}"
    closed = "" if result.closed_loop is None else f" (open loop {result.open_loop.mean.psnr_db:.2f})"
    return (
        f"{result.clip}, {result.variant}: {mean.psnr_db:.2f} dB{closed}, head {mean.face_psnr_db:.2f} dB{lpips}, "
        f"usable after {result.usable_s:.0f} s"
    )


def show_clips(console: Console, results: Sequence[Result]) -> None:
    """Prints rows for every clip and variant."""
    table = Table(title="held-out pictures", title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for column in ("clip", "variant", "loop"):
        table.add_column(column)
    for column in ("dB", "head dB", "LPIPS", "head", "ms", "usable s", "kB"):
        table.add_column(column, justify="right")
    for result in results:
        for loop, judged in (("closed", result.closed_loop), ("open", result.open_loop)):
            if judged is None:
                continue
            mean, later_ms = judged.mean, judged.closed_loop_ms[1:]
            table.add_row(
                result.clip,
                result.variant,
                loop,
                f"{mean.psnr_db:.2f}",
                f"{mean.face_psnr_db:.2f}",
                "-" if mean.lpips is None else f"{mean.lpips:.4f}",
                "-" if mean.face_lpips is None else f"{mean.face_lpips:.4f}",
                f"{later_ms.mean():.1f}" if len(later_ms) else "-",
                f"{result.usable_s:.0f}" if judged is result.sent else "",
                f"{result.size_bytes / 1000:.0f}",
            )
    console.print(table)


def show_figures(console: Console, found: Sequence[Figure], targets: dict[str, Target]) -> None:
    """Prints the means over the clips beside their targets."""
    table = Table(title="avatar, means over the clips", title_justify="left")
    for column in ("figure", "value", "unit", "better", "target", "at least"):
        table.add_column(column, justify="left" if column in ("figure", "unit", "better") else "right")
    for figure in found:
        if figure.name.count(".") > 1:
            continue
        target = targets.get(figure.name)
        reached = "" if target is None else f"{target.wanted:g}{' reached' if _reaches(figure, target.wanted) else ''}"
        least = "" if target is None or target.least is None else f"{target.least:g}"
        table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, figure.better, reached, least)
    console.print(table)


def _reaches(figure: Figure, wanted: float) -> bool:
    return figure.value >= wanted if figure.better == "higher" else figure.value <= wanted
