"""Curves over clips, and over the sizes that a codec is run at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visavis.bench.rd.points import MEASURES, Curve, Point
from visavis.bench.rd.quality import Quality


def mean_curve(curves: Sequence[Curve]) -> Curve | None:
    """The mean rate and quality at each setting that all clips have; None if there is none.

    Args:
        curves: of one method, one for each clip.
    """
    by_setting = [{point.setting: point for point in curve.points} for curve in curves]
    shared = [point.setting for point in curves[0].points if all(point.setting in each for each in by_setting)]
    points = tuple(_mean_point([each[setting] for each in by_setting]) for setting in shared)
    first = curves[0]
    return Curve(first.name, first.title, first.kind, points) if points else None


def mean_curves(clips: Sequence[Sequence[Curve]]) -> list[Curve]:
    """`mean_curve` of each method that all clips have.

    Args:
        clips: the curves of each clip.
    """
    found = []
    for curve in clips[0]:
        alike = [other for curves in clips for other in curves if other.name == curve.name]
        mean = mean_curve(alike) if len(alike) == len(clips) else None
        if mean is not None:
            found.append(mean)
    return found


def best_of_sides(curves: Sequence[Curve]) -> list[Curve]:
    """The curves of video codecs, those of one codec put together: coded in full and in half size."""
    together: dict[str, Curve] = {}
    for curve in curves:
        if curve.kind == "ours":
            continue
        name, title = curve.name.rsplit("_", 1)[0], curve.title.rsplit(",", 1)[0]
        points = together[name].points if name in together else ()
        together[name] = Curve(name, title, curve.kind, (*points, *curve.points))
    return list(together.values())


def shown(curves: Sequence[Curve]) -> list[Curve]:
    """What a diagram of all has room for: our streams with the avatars of calls, and each codec at its best."""
    ours = [curve for curve in curves if curve.name in ("range_linear", "eg0_linear", "eg0_paper")]
    return ours + best_of_sides(curves)


def _mean_point(points: Sequence[Point]) -> Point:
    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    quality = Quality(*(mean([getattr(point.quality, measure) for point in points]) for measure in MEASURES))
    times = (mean([point.encode_ms for point in points]), mean([point.decode_ms for point in points]))
    return Point(points[0].setting, mean([point.kbps for point in points]), quality, *times)
