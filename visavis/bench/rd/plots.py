"""Curves of rate and distortion, readable in print and without colors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visavis.bench.rd.points import Curve, Measure, frontier

LABELS: dict[Measure, str] = {
    "psnr_db": "PSNR, dB",
    "ssim": "SSIM",
    "lpips": "LPIPS (less is better)",
    "vmaf": "VMAF",
}
_MARKERS = "osD^vP*X"
_LINES = {"ours": "-", "live": "--", "bound": ":"}
SHOWN_KBPS = (0.2, 120.0)


def plot(curves: Sequence[Curve], measure: Measure, title: str, path: Path) -> None:
    """Writes one diagram as SVG: the rate in a logarithmic scale, one line for each curve.

    Raises:
        OSError: it cannot be written.
    """
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.6), layout="constrained")
    for number, curve in enumerate(curves):
        points = frontier(curve.points, measure)
        axes.plot(
            [point.kbps for point in points],
            [getattr(point.quality, measure) for point in points],
            _LINES[curve.kind],
            marker=_MARKERS[number % len(_MARKERS)],
            linewidth=2.2 if curve.kind == "ours" else 1.2,
            markersize=5,
            label=curve.title,
        )
    axes.set(xscale="log", xlim=SHOWN_KBPS, xlabel="payload, kbit/s", ylabel=LABELS[measure], title=title)
    axes.set_xticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path)
    pyplot.close(figure)
