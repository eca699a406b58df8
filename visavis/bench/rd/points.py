"""Points and curves of rate and distortion, and what is read off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from visavis.bench.rd.quality import Quality

Measure = Literal["psnr_db", "ssim", "lpips", "vmaf"]
MEASURES: tuple[Measure, ...] = ("psnr_db", "ssim", "lpips", "vmaf")
Kind = Literal["ours", "live", "bound"]
"""Our own streams, codecs that calls can use, or a bound that they cannot."""


@dataclass(frozen=True)
class Point:
    """One setting of one method on one clip.

    Args:
        setting: for people, e.g. "qp 51" or "50 x 10 bit".
        kbps: payload, kbit/s: all bytes of the stream, its key frame among them.
        quality: of what is shown.
        encode_ms: from a picture to its part of the stream, mean, on one thread. Of a face stream: tracking, correcting
            and coding.
        decode_ms: and back to a picture.
    """

    setting: str
    kbps: float
    quality: Quality
    encode_ms: float
    decode_ms: float

    def value(self, measure: Measure) -> float:
        """One measure of it, such that more is better."""
        value = getattr(self.quality, measure)
        return -value if measure == "lpips" else value


@dataclass(frozen=True)
class Curve:
    """What one method reaches at its settings.

    Args:
        name: in figures.
        title: for people.
        kind: see Kind.
        points: at least one.
    """

    name: str
    title: str
    kind: Kind
    points: tuple[Point, ...]


def frontier(points: Sequence[Point], measure: Measure) -> list[Point]:
    """The points that no other one beats with less rate, by rate."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.kbps, -each.value(measure))):
        if not kept or point.value(measure) > kept[-1].value(measure):
            kept.append(point)
    return kept


def crossing_kbps(ours: float, video: Curve, measure: Measure) -> float:
    """The rate from which on a video codec is at least as good as `ours` (more is better); infinity if it never is in
    what was measured."""
    hull = frontier(video.points, measure)
    values = [point.value(measure) for point in hull]
    if values[-1] < ours:
        return float("inf")
    if values[0] >= ours:
        return hull[0].kbps
    rates = np.log([point.kbps for point in hull])
    return float(np.exp(np.interp(ours, values, rates)))


def bjontegaard_rate(anchor: Curve, test: Curve, measure: Measure) -> float | None:
    """Mean difference of rate at equal quality, percent of the anchor's; below 0 the test needs less.

    After Bjontegaard (VCEG-M33), with piecewise linear curves over the common range of quality instead of a polynomial,
    which few points bend at will. None where there is no common range.
    """
    hulls = [frontier(curve.points, measure) for curve in (anchor, test)]
    values = [np.array([point.value(measure) for point in hull]) for hull in hulls]
    low, high = max(each[0] for each in values), min(each[-1] for each in values)
    if not low < high:
        return None
    grid = np.linspace(low, high, 201)
    first, second = (
        np.interp(grid, value, np.log([point.kbps for point in hull]))
        for value, hull in zip(values, hulls, strict=True)
    )
    return float(100 * np.expm1(np.mean(second - first)))
