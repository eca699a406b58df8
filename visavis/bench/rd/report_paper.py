"""The paper's Fig. 3, Table I and Table II with our rows beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from enrolment.paper_stages import LABELS as STAGE_LABELS
from enrolment.paper_stages import MIB, PUBLISHED_MIB
from visavis.bench.rd.compare import OPERATING, ClipResult
from visavis.bench.rd.markdown import table
from visavis.bench.rd.mean_curves import mean_curve
from visavis.bench.rd.plots import plot
from visavis.bench.rd.points import Curve, Point
from visavis.bench.rd.published import POINTS

_FIG_3 = (
    ("eg0_paper_raw", "paper's avatar, uncompressed (UC)"),
    ("eg0_paper", "paper's avatar, compressed (C)"),
    ("eg0_linear", "ours: linear, the paper's coding"),
    ("range_linear", "ours: linear, range"),
    ("x265_paper_512", "x265, low delay P"),
)
_TABLE_1 = (
    ("eg0_paper_raw", "50 x 8 bit"),
    ("eg0_paper", "50 x 8 bit"),
    ("eg0_linear", "50 x 8 bit"),
    ("range_linear", OPERATING),
    ("x265_paper_512", None),
)


def paper_lines(folder: Path, results: Sequence[ClipResult]) -> list[str]:
    """Markdown; writes the diagram to the folder.

    Raises:
        OSError: it cannot be written.
    """
    return [
        "## Beside the paper",
        "",
        "Published numbers are of the paper's own people, with clips of minutes, FLAME, SMIRK and an RTX 4090; ours of "
        "this report's clips, with less than a minute to learn from, an open head model, on this machine's processor. "
        "Compare rows of one kind.",
        "",
        *_fig_3(folder, results),
        *_table_1(results),
        *_table_2(results),
    ]


def _mean(results: Sequence[ClipResult], name: str) -> Curve | None:
    curves = [curve for result in results for curve in result.curves if curve.name == name]
    return mean_curve(curves) if len(curves) == len(results) else None


def _fig_3(folder: Path, results: Sequence[ClipResult]) -> list[str]:
    curves = []
    for name, title in _FIG_3:
        mean = _mean(results, name)
        if mean is None:
            continue
        if not name.startswith("eg0"):
            curves.append(Curve(mean.name, title, mean.kind, mean.points))
            continue
        for bits in (8, 10):
            points = tuple(point for point in mean.points if point.setting.endswith(f"x {bits} bit"))
            curves.append(Curve(f"{mean.name}_{bits}", f"{title}, {bits} bit", mean.kind, points))
    plot(curves, "After the paper's Fig. 3: 10 to 50 expressions, means over the clips", folder / "paper-fig3.svg")
    return ["### Fig. 3", "", "![Rate and distortion as in the paper's Fig. 3](paper-fig3.svg)", ""]


def _table_1(results: Sequence[ClipResult]) -> list[str]:
    rows = [["method", "kbit/s", "PSNR, dB", "SSIM", "LPIPS", "pictures a second"]]
    for published in POINTS:
        numbers = (published.kbps, published.psnr_db, published.ssim, published.lpips, published.fps)
        rows.append([f"published: {published.title}", *("" if each is None else f"{each:g}" for each in numbers)])
    for name, setting in _TABLE_1:
        mean = _mean(results, name)
        if mean is not None:
            point = _point(mean, setting)
            quality = point.quality
            scores = [f"{quality.psnr_db:.2f}", f"{quality.ssim:.3f}", f"{quality.lpips:.3f}"]
            rows.append(
                [f"{mean.title}, {point.setting}", f"{point.kbps:.1f}", *scores, f"{1000 / point.decode_ms:.0f}"]
            )
    return [
        "### Table I",
        "",
        *table(rows),
        "",
        "Where the paper's text does not state a number, none stands here. Ours are means over the clips; pictures a "
        "second are decoded and drawn on one thread, beside another one that measures.",
        "",
    ]


def _point(curve: Curve, setting: str | None) -> Point:
    found = (point for point in curve.points if point.setting == setting)
    return next(found, min(curve.points, key=lambda point: point.kbps))


def _table_2(results: Sequence[ClipResult]) -> list[str]:
    compressed = [result.stages for result in results if result.stages]
    if not compressed:
        return [
            "### Table II",
            "",
            "PyTorch is not installed, so that no avatar of profile `paper` was made.",
            "",
        ]
    rows = [["stage, MiB", "published", "ours", "Gaussians", "network"]]
    for name, published in PUBLISHED_MIB.items():
        gaussians, network = (float(np.mean([stages[name][part] for stages in compressed])) / MIB for part in (0, 1))
        total = gaussians + network
        rows.append(
            [STAGE_LABELS[name], f"{published:.2f}", f"{total:.2f}", f"{gaussians:.2f}", f"{network:.2f}"],
        )
    sizes = [result.avatar_bytes["linear"] / MIB for result in results]
    rows.append(["ours: linear, whole file", "", f"{float(np.mean(sizes)):.2f}", "", ""])
    return ["### Table II", "", *table(rows), ""]
