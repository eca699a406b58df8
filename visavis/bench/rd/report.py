"""The report in a folder: report.md with its diagrams and contact sheets, and report.json."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from enrolment.paper_stages import PUBLISHED_MIB
from visavis.bench.rd.compare import CALL_MINUTES, WINS, ClipResult, transfer_kbps
from visavis.bench.rd.plots import LABELS, plot
from visavis.bench.rd.points import MEASURES, Curve, Point, bjontegaard_rate
from visavis.bench.rd.published import PAPER, RATE_ROWS
from visavis.bench.report import Figure, machine

LIMITS = """\
* Every clip is short, its video codecs code one key frame and then the rest of it; longer calls cost them less for it.
* Pictures are compared over white. What a codec would spend on a real background is saved, as in the paper.
* Avatars learn from the first four fifths of the same recording: same light, same clothes, same hair. Loose hair,
  glasses that reflect, hands and cups before the face, expressions that were never shown are drawn as the nearest thing
  that was learned, or not at all: a codec of pictures shows what is there, an avatar what it knows.
* Over days a face and its avatar drift apart (beard, tan, haircut); then it is to be made again.
* LPIPS is among the losses that avatars are trained with, on other pictures than these.
* Rates are those of the payload. What a live call takes with all headers stands beside them."""


def write_report(folder: Path, results: Sequence[ClipResult], found: Sequence[Figure]) -> Path:
    """Writes report.md, its diagrams and report.json; contact sheets are there already.

    Raises:
        OSError: the folder cannot be written to.
    """
    lines = [
        "# Avatars against video codecs",
        "",
        f"Reproduces and extends *{PAPER}*. Less than a page of conclusions:",
    ]
    lines += ["", *_conclusions(results), ""]
    for result in results:
        lines += _clip(folder, result)
    lines += ["## Beside the paper", "", *_published(results), "", "## Limits", "", LIMITS, ""]
    target = folder / "report.md"
    target.write_text("\n".join(lines), "utf-8")
    content = {
        "machine": machine(),
        "figures": [asdict(figure) for figure in found],
        "clips": [asdict(result) for result in results],
    }
    (folder / "report.json").write_text(json.dumps(content, indent=1), "utf-8")
    return target


def _conclusions(results: Sequence[ClipResult]) -> list[str]:
    rows = [["clip", "ours, kbit/s", *(f"video wins above, {LABELS[measure].split(',')[0]}" for measure in WINS)]]
    for result in results:
        wins = [result.wins_to_kbps(measure) for measure in WINS]
        rows.append([result.clip, f"{result.operating_point().kbps:.2f}", *(_first(each) for each in wins)])
    return _table(rows)


def _first(wins: dict[str, float]) -> str:
    name, kbps = min(wins.items(), key=lambda item: item[1])
    return f"{kbps:.0f} kbit/s ({name})" if math.isfinite(kbps) else "nowhere measured"


def _clip(folder: Path, result: ClipResult) -> list[str]:
    lines = [f"## {result.clip}", "", f"{result.seconds:.1f} s that no avatar has learned from.", ""]
    for measure in MEASURES:
        name = f"{result.clip}-{measure}.svg"
        plot(_shown(result), measure, f"{result.clip}, held-out end", folder / name)
        lines += [f"![{LABELS[measure]} over rate]({name})"]
    sheets = sorted(folder.glob(f"{result.clip}-at-*.png"))
    lines += ["", *(f"![pictures at equal rate]({sheet.name})" for sheet in sheets), ""]
    lines += [*_transfer(result), "", *_deltas(result), "", *_points(result), ""]
    return lines


def _shown(result: ClipResult) -> list[Curve]:
    """Our streams, and of each codec what it does best at each rate, coded in full or in half size."""
    ours = [curve for curve in result.curves if curve.kind == "ours" and not curve.name.endswith("raw")]
    return ours + best_of_sides(result.curves)


def best_of_sides(curves: Sequence[Curve]) -> list[Curve]:
    """The curves of video codecs, those of one codec put together."""
    together: dict[str, Curve] = {}
    for curve in curves:
        if curve.kind == "ours":
            continue
        name, title = curve.name.rsplit("_", 1)[0], curve.title.rsplit(",", 1)[0]
        points = together[name].points if name in together else ()
        together[name] = Curve(name, title, curve.kind, (*points, *curve.points))
    return list(together.values())


def _transfer(result: ClipResult) -> list[str]:
    rows = [["avatar", "bytes", *(f"kbit/s over {minutes} min" for minutes in CALL_MINUTES)]]
    for name, size in result.avatar_bytes.items():
        shares = (f"{transfer_kbps(size, minutes):.2f}" for minutes in CALL_MINUTES)
        rows.append([name, f"{size:,}", *shares])
    wire = [] if result.wire_kbps is None else ["", f"A live call takes {result.wire_kbps:.1f} kbit/s a direction."]
    return _table(rows) + wire


def _deltas(result: ClipResult) -> list[str]:
    """Rate differences to x265 as the paper runs it."""
    anchor, *others = best_of_sides(result.curves)
    rows = [[f"rate at equal quality, to {anchor.title}", *(LABELS[measure].split(",")[0] for measure in MEASURES)]]
    for curve in [*others, result.curve("range_linear")]:
        deltas = [bjontegaard_rate(anchor, curve, measure) for measure in MEASURES]
        rows.append([curve.title, *("no common quality" if each is None else f"{each:+.0f} %" for each in deltas)])
    return _table(rows)


def _points(result: ClipResult) -> list[str]:
    rows = [["method", "setting", "kbit/s", "PSNR", "SSIM", "LPIPS", "VMAF", "encoding, ms", "decoding, ms"]]
    rows += [_row(curve.title, point) for curve in result.curves for point in curve.points]
    return ["<details><summary>All points</summary>", "", *_table(rows), "", "</details>"]


def _row(title: str, point: Point) -> list[str]:
    quality = point.quality
    values = [f"{point.kbps:.2f}", f"{quality.psnr_db:.2f}", f"{quality.ssim:.4f}", f"{quality.lpips:.4f}"]
    return [title, point.setting, *values, f"{quality.vmaf:.1f}", f"{point.encode_ms:.1f}", f"{point.decode_ms:.1f}"]


def _published(results: Sequence[ClipResult]) -> list[str]:
    rows = [["method", "kbit/s", "PSNR, dB", "SSIM", "LPIPS"], *(list(row) for row in RATE_ROWS)]
    for result in results:
        for title, point in (("visavis", result.operating_point()), ("x265", _floor(result))):
            quality = point.quality
            scores = [f"{quality.psnr_db:.2f}", f"{quality.ssim:.3f}", f"{quality.lpips:.3f}"]
            rows.append([f"{title}, {result.clip}", f"{point.kbps:.1f}", *scores])
    sizes = ", ".join(f"{size:.2f}" for size in PUBLISHED_MIB.values())
    return [*_table(rows), "", f"Avatar, its Table II: {sizes} MiB. Ours stage by stage: `visavis compress --table`."]


def _floor(result: ClipResult) -> Point:
    return min(result.curve("x265_paper_512").points, key=lambda point: point.kbps)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return [head, "|" + "---|" * len(rows[0]), *rest]
