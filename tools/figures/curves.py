"""Curves over time: parameters before and after the codec, and over a bad network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from tools.figures.coding import QUALITY, Coded
from tools.figures.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

FROM_S, TO_S = 18.3, 26.3
JAW, YAW, LEFT_LID = 56, 51, 59
SENT: dict[str, Any] = {"color": "0.65", "linewidth": 3.2, "linestyle": "-"}
ARRIVED: dict[str, Any] = {"color": "black", "linewidth": 1.1, "linestyle": "--"}


@contextmanager
def svg_figure(path: Path, heights: Sequence[float], inches: float) -> Iterator[list[Axes]]:
    """Axes above each other with a common time axis; written when they are filled."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.hashsalt": "visavis",
        "svg.fonttype": "path",
        "font.size": 10,
        "path.simplify_threshold": 0.3,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, inches), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=list(heights), squeeze=False)[:, 0]
        yield list(axes)
        for each in axes:
            each.grid(alpha=0.35, linewidth=0.5)
            each.spines[["top", "right"]].set_visible(False)
        figure.align_ylabels()
        figure.savefig(path, metadata={"Date": None})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def write_parameters(path: Path, subject: Subject, coded: list[Coded]) -> None:
    """Some of the parameters as they are sent and as they arrive, and the bytes of each frame."""
    chosen = [at for at, moment in enumerate(subject.moments) if FROM_S <= moment.time_s < TO_S]
    moments, came = [subject.moments[at] for at in chosen], [coded[at] for at in chosen]
    time_s = np.array([moment.time_s for moment in moments]) - FROM_S
    sent, arrived = _vectors([each.face for each in moments]), _vectors([each.face for each in came])
    livelier = int(np.argmax(sent[:, :10].std(axis=0)))
    rows = (
        ("Jaw,\ndegrees", JAW, np.degrees(1)),
        ("Head's turn,\ndegrees", YAW, np.degrees(1)),
        ("Left eyelid,\n1 = closed", LEFT_LID, 1.0),
        (f"Expression {livelier + 1},\nstandard dev.", livelier, 1.0),
    )
    sizes = np.array([each.size for each in came])
    with svg_figure(path, [1, 1, 1, 1, 1], 7.2) as axes:
        for axis, (label, column, unit) in zip(axes, rows, strict=False):
            axis.plot(time_s, unit * sent[:, column], label="as tracked and corrected", **SENT)
            axis.plot(time_s, unit * arrived[:, column], label="as it arrives", **ARRIVED)
            axis.set_ylabel(label)
        axes[0].legend(ncols=2, loc="upper right", frameon=False)
        axes[-1].bar(time_s, sizes, width=0.8 * float(np.median(np.diff(time_s))), color="0.35")
        axes[-1].axhline(sizes.mean(), color="black", linewidth=1, linestyle=":")
        axes[-1].set_ylabel("Bytes of\neach frame")
        kbps = 8 * sizes.mean() / float(np.diff(time_s).mean()) / 1000
        axes[-1].set_xlabel(
            f"Seconds. {len(sizes)} frames of {sizes.mean():.1f} bytes in the mean (dotted), {sizes.max()} at most: "
            f"{kbps:.2f} kbit/s without headers, at quality {QUALITY}"
        )
        axes[-1].set_xlim(0, TO_S - FROM_S)


def _vectors(faces: list[FaceParams]) -> NDArray[np.float32]:
    return np.stack([face.to_vector() for face in faces])
