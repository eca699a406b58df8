"""Curves of rate and distortion, readable in print and without colors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.bench.rd.points import MEASURES, Curve, Measure, frontier

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS: dict[Measure, str] = {
    "psnr_db": "PSNR, dB",
    "ssim": "SSIM",
    "lpips": "LPIPS, less is better",
    "vmaf": "VMAF",
}
SHOWN_KBPS = (0.25, 130.0)
TICKS = (0.3, 1, 3, 10, 30, 100)
AIM_KBPS = 40.0
"""Up to which rate the paper says that it is better than x265."""
_MARKERS = "osD^v<>P*X"
_HATCHES = ("", "///", "...", "xx")
_LIVE_COLORS = ("#1f4e9c", "#b5541c", "#2e7d32", "#7b3fa0", "#8a6d00")
_OURS_COLORS = ("#000000", "#c2185b", "#00838f", "#6d4c41")


def plot(curves: Sequence[Curve], title: str, path: Path, measures: Sequence[Measure] = MEASURES) -> None:
    """Writes one diagram for each measure, side by side in rows of two, as an SVG; the rate is on a logarithmic scale.

    Args:
        curves: ours thick and solid, codecs of calls dashed, bounds dotted; of each what no other point of it beats.
        title: above all.
        path: of the file.
        measures: one, or an even number.

    Raises:
        OSError: it cannot be written.
    """
    rows, columns = (1, 1) if len(measures) == 1 else (len(measures) // 2, 2)
    with _written(path, rows, columns, title) as (figure, panels):
        for axes, measure in zip(panels, measures, strict=True):
            _draw(axes, curves, measure)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False, handlelength=3.5)


def plot_wins(wins: dict[str, dict[Measure, float]], most_kbps: float, path: Path) -> None:
    """Writes bars: up to which rate ours is better than every codec that calls can use, for each clip and measure.

    Args:
        wins: rates by clip and measure, infinity where no codec comes as far.
        most_kbps: where the bars of these end.
        path: of the file.

    Raises:
        OSError: it cannot be written.
    """
    width = 0.8 / len(MEASURES)
    with _written(path, 1, 1, "Ours is better than every codec of calls below") as (_, (axes,)):
        for number, measure in enumerate(MEASURES):
            lengths = [min(each[measure], most_kbps) for each in wins.values()]
            places = [row + (number - (len(MEASURES) - 1) / 2) * width for row in range(len(wins))]
            looks = {
                "color": str(0.35 + 0.18 * number),
                "hatch": _HATCHES[number],
                "edgecolor": "black",
                "linewidth": 0.6,
            }
            bars = axes.barh(places, lengths, 0.9 * width, label=LABELS[measure].split(",")[0], **looks)
            axes.bar_label(bars, [f"{length:.0f}" for length in lengths], padding=3, fontsize=8)
        axes.set_yticks(range(len(wins)), list(wins))
        axes.invert_yaxis()
        axes.axvline(AIM_KBPS, color="black", linestyle=":", linewidth=1)
        longest = max(min(rate, most_kbps) for each in wins.values() for rate in each.values())
        axes.set(xlabel="kbit/s of the codec", xlim=(0, 1.1 * max(longest, AIM_KBPS)))
        axes.legend(fontsize=8, loc="best")


@contextmanager
def _written(path: Path, rows: int, columns: int, title: str) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure of some panels, written when they are filled; the same bytes for the same figure."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {"svg.hashsalt": "visavis", "svg.fonttype": "path"}
    with matplotlib.rc_context(settings):
        size = (7.4, 4.6) if rows * columns == 1 else (10.0, 0.9 + 3.6 * rows)
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        panels = figure.subplots(rows, columns, squeeze=False)
        figure.suptitle(title, fontsize=12)
        yield figure, list(panels.ravel())
        figure.savefig(path, metadata={"Date": None})


def _draw(axes: Axes, curves: Sequence[Curve], measure: Measure) -> None:
    counts = {"ours": 0, "live": 0, "bound": 0}
    for number, curve in enumerate(curves):
        points = frontier(curve.points, measure)
        counts[curve.kind] += 1
        order = counts[curve.kind] - 1
        style = {
            "ours": {"linestyle": "-", "linewidth": 2.4, "color": _OURS_COLORS[order % len(_OURS_COLORS)]},
            "live": {"linestyle": "--", "linewidth": 1.3, "color": _LIVE_COLORS[order % len(_LIVE_COLORS)]},
            "bound": {"linestyle": ":", "linewidth": 1.5, "color": "0.45"},
        }[curve.kind]
        axes.plot(
            [point.kbps for point in points],
            [getattr(point.quality, measure) for point in points],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=5,
            label=curve.title,
            **style,
        )
    axes.set(xscale="log", xlim=SHOWN_KBPS, xlabel="payload, kbit/s", ylabel=LABELS[measure])
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.grid(alpha=0.35)
