"""What the report says of one clip."""

from __future__ import annotations

import math
from pathlib import Path

from visavis.bench.rd.compare import CALL_MINUTES, WINS, ClipResult, transfer_kbps
from visavis.bench.rd.markdown import table
from visavis.bench.rd.mean_curves import best_of_sides, shown
from visavis.bench.rd.plots import LABELS, plot
from visavis.bench.rd.points import MEASURES, Curve, Point, bjontegaard_rate

TIMED_AT_KBPS = 40.0


def clip_lines(folder: Path, result: ClipResult) -> list[str]:
    """Markdown; writes the clip's diagram to the folder.

    Raises:
        OSError: it cannot be written.
    """
    name = f"{result.clip}.svg"
    plot(shown(result.curves), f"{result.clip}: the last {result.seconds:.1f} s", folder / name)
    lines = [
        f"## {result.clip}",
        "",
        f"{result.seconds:.1f} s that no avatar has learned from.",
        "",
        f"![Rate and distortion of {result.clip}]({name})",
        "",
    ]
    for sheet in sorted(folder.glob(f"{result.clip}-at-*.png"), key=lambda path: float(path.stem.rsplit("-", 1)[1])):
        lines += [f"![{result.clip}: each method at most at {sheet.stem.rsplit('-', 1)[1]} kbit/s]({sheet.name})", ""]
    for part in (_crossings(result), _deltas(result), _transfer(result), _times(result), _points(result)):
        lines += [*part, ""]
    return lines


def _crossings(result: ClipResult) -> list[str]:
    wins = {measure: result.wins_to_kbps(measure) | result.wins_to_kbps(measure, "bound") for measure in WINS}
    rows = [["is as good as ours from, kbit/s", *(LABELS[measure].split(",")[0] for measure in WINS)]]
    for curve in result.curves:
        if curve.kind != "ours":
            rows.append([curve.title, *(_rate(wins[measure][curve.name]) for measure in WINS)])
    return table(rows)


def _rate(kbps: float) -> str:
    return f"{kbps:.1f}" if math.isfinite(kbps) else "never"


def _deltas(result: ClipResult) -> list[str]:
    """Rate differences to x265 as the paper runs it."""
    anchor, *others = best_of_sides(result.curves)
    ours = [curve for curve in result.curves if curve.kind == "ours"]
    rows = [[f"Bjontegaard rate to {anchor.title}", *(LABELS[measure].split(",")[0] for measure in MEASURES)]]
    for curve in [*others, *ours]:
        deltas = [bjontegaard_rate(anchor, curve, measure) for measure in MEASURES]
        rows.append([curve.title, *("no common quality" if each is None else f"{each:+.0f} %" for each in deltas)])
    return table(rows)


def _transfer(result: ClipResult) -> list[str]:
    operating = result.operating_point().kbps
    over = [f"over {minutes} min" for minutes in CALL_MINUTES]
    rows = [
        ["avatar", "bytes", *(f"its kbit/s {each}" for each in over), *(f"with the stream, {each}" for each in over)]
    ]
    for name, size in result.avatar_bytes.items():
        shares = [transfer_kbps(size, minutes) for minutes in CALL_MINUTES]
        rows.append(
            [name, f"{size:,}", *(f"{share:.2f}" for share in shares), *(f"{s + operating:.2f}" for s in shares)]
        )
    if result.live is None:
        return table(rows)
    live = (
        f"In a live call, which predicts from what is acknowledged: {result.live.payload_kbps:.2f} kbit/s of payload a "
        f"direction, {result.live.wire_kbps:.1f} with all headers and acknowledgments."
    )
    return [*table(rows), "", live]


def _times(result: ClipResult) -> list[str]:
    rows = [[f"at about {TIMED_AT_KBPS:.0f} kbit/s, or the best of ours", "kbit/s", "encoding, ms", "decoding, ms"]]
    for curve in result.curves:
        point = _near(curve)
        rows.append([curve.title, f"{point.kbps:.1f}", f"{point.encode_ms:.1f}", f"{point.decode_ms:.1f}"])
    return [
        *table(rows),
        "",
        "Each picture, on one thread. Ours: tracking, the closed loop (profile `linear`) and coding; decoding and "
        "drawing.",
    ]


def _near(curve: Curve) -> Point:
    return min(curve.points, key=lambda point: abs(math.log(point.kbps / TIMED_AT_KBPS)))


def _points(result: ClipResult) -> list[str]:
    rows = [["method", "setting", "kbit/s", "PSNR", "SSIM", "LPIPS", "VMAF", "encoding, ms", "decoding, ms"]]
    rows += [_row(curve.title, point) for curve in result.curves for point in curve.points]
    return ["<details><summary>All points</summary>", "", *table(rows), "", "</details>"]


def _row(title: str, point: Point) -> list[str]:
    quality = point.quality
    values = [f"{point.kbps:.2f}", f"{quality.psnr_db:.2f}", f"{quality.ssim:.4f}", f"{quality.lpips:.4f}"]
    return [title, point.setting, *values, f"{quality.vmaf:.1f}", f"{point.encode_ms:.1f}", f"{point.decode_ms:.1f}"]
