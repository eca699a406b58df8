"""The report in a folder: report.md, the same as report.html, their diagrams, and all numbers as report.json."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from visavis.bench.rd.compare import WINS, ClipResult, most_measured_kbps
from visavis.bench.rd.markdown import page, table
from visavis.bench.rd.mean_curves import mean_curves, shown
from visavis.bench.rd.plots import LABELS, plot, plot_wins
from visavis.bench.rd.points import Measure
from visavis.bench.rd.published import PAPER, SOURCE
from visavis.bench.rd.report_clip import clip_lines
from visavis.bench.rd.report_paper import paper_lines
from visavis.bench.report import Figure, machine

TITLE = "Avatars against video codecs"
LIMITS = """\
* Every clip is short, and its held-out end shorter. Video codecs code one key frame and then the rest of it; in a
  longer call they would share that key frame among more pictures. Calls that lose packets need more of them.
* Pictures are compared over white. What a codec would spend on a real background is saved, as in the paper.
* Avatars learn from the first four fifths of the same recording: same light, same clothes, same hair. What one of
  them costs is the table of transfers; its training takes minutes, once.
* Loose hair, glasses that reflect, hands and cups before the face, expressions and sides that were never shown are
  drawn as the nearest thing that was learned, or not at all. A codec of pictures shows what is there, an avatar what
  it knows.
* Over days a face and its avatar drift apart (beard, tan, haircut); then it is to be made again. No clip here shows
  that.
* LPIPS is among the losses that avatars are trained with, on other pictures than these. VMAF and PSNR punish a hair
  that is drawn a pixel beside where it is; codecs of pictures never move it.
* Rates are those of the payload, of streams that lose nothing. What a live call takes with all headers stands beside
  them, and is several times as much: packets are small, and headers are most of them.
* Times were taken with as many methods at once as the machine has cores, each on one thread."""


def write_report(folder: Path, results: Sequence[ClipResult], found: Sequence[Figure], command: str) -> Path:
    """Writes everything but the contact sheets, which are there already.

    Args:
        folder: of the report.
        results: of all clips.
        found: the figures.
        command: that leads to this report again.

    Returns:
        The markdown file.

    Raises:
        OSError: the folder cannot be written to.
    """
    lines = [
        f"# {TITLE}",
        "",
        f"What the paper *{PAPER}* ({SOURCE}) claims, measured with our implementation, and against better codecs. "
        f"Made by `{command}` on {_machine()}.",
        "",
        *_conclusions(folder, results),
        *_mean(folder, results),
    ]
    for result in results:
        lines += clip_lines(folder, result)
    lines += paper_lines(folder, results)
    lines += ["## Limits", "", LIMITS, ""]
    text = "\n".join(lines)
    target = folder / "report.md"
    target.write_text(text, "utf-8")
    (folder / "report.html").write_text(page(text, TITLE), "utf-8")
    content = {
        "machine": machine(),
        "command": command,
        "figures": [asdict(figure) for figure in found],
        "clips": [asdict(result) for result in results],
    }
    (folder / "report.json").write_text(json.dumps(content, indent=1), "utf-8")
    return target


def _machine() -> str:
    known = machine()
    return f"{known['cores']} cores of {known['cpu']}"


def _conclusions(folder: Path, results: Sequence[ClipResult]) -> list[str]:
    rows = [["clip", "ours, kbit/s", "PSNR", "SSIM", "LPIPS", "VMAF", *(_win_title(measure) for measure in WINS)]]
    for result in results:
        point = result.operating_point()
        quality = point.quality
        scores = [f"{quality.psnr_db:.2f}", f"{quality.ssim:.3f}", f"{quality.lpips:.3f}", f"{quality.vmaf:.1f}"]
        firsts = (_first(result.wins_to_kbps(measure)) for measure in WINS)
        rows.append([result.clip, f"{point.kbps:.2f}", *scores, *firsts])
    wins: dict[str, dict[Measure, float]] = {
        result.clip: {measure: min(result.wins_to_kbps(measure).values()) for measure in WINS} for result in results
    }
    plot_wins(wins, max(most_measured_kbps(result) for result in results), folder / "wins.svg")
    return [
        "At the setting that calls begin with, ours is better than every codec that calls can use below the rate in "
        "the last columns; from there on the codec that is named is as good.",
        "",
        *table(rows),
        "",
        "![Up to which rate ours is better than every codec of calls, for each clip](wins.svg)",
        "",
    ]


def _win_title(measure: Measure) -> str:
    return f"video wins above: {LABELS[measure].split(',')[0]}"


def _first(wins: dict[str, float]) -> str:
    name, kbps = min(wins.items(), key=lambda item: item[1])
    return f"{kbps:.0f} kbit/s ({name})" if math.isfinite(kbps) else "nowhere measured"


def _mean(folder: Path, results: Sequence[ClipResult]) -> list[str]:
    if len(results) < 2:
        return []
    curves = mean_curves([result.curves for result in results])
    plot(shown(curves), f"Means over {len(results)} clips", folder / "mean.svg")
    return [f"![Rate and distortion, means over {len(results)} clips](mean.svg)", ""]
