"""What is said of one clip, and of all: where video wins, what avatars cost, the figures `rd.*`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from codec.rate_control import LADDER
from visavis.bench.rd.points import Curve, Measure, Point, crossing_kbps
from visavis.bench.report import Figure

OPERATING = f"quality {LADDER[0].quality}"
"""The setting of profile `range` that calls begin with."""
WINS: tuple[Measure, ...] = ("psnr_db", "ssim", "lpips", "vmaf")
CALL_MINUTES = (1, 10, 60)


@dataclass(frozen=True)
class LiveRate:
    """What one direction of a live call takes, which loses nothing, in kbit/s.

    Args:
        payload_kbps: face packets, each predicted from what is acknowledged.
        wire_kbps: with all headers, and acknowledgments.
    """

    payload_kbps: float
    wire_kbps: float


@dataclass(frozen=True)
class ClipResult:
    """One clip.

    Args:
        clip: its name.
        seconds: of the held-out end.
        curves: ours and the video codecs'.
        avatar_bytes: of each avatar file, by name.
        live: a call with these faces; None where none was held.
        stages: of the scene.
    """

    clip: str
    seconds: float
    curves: tuple[Curve, ...]
    avatar_bytes: dict[str, int]
    live: LiveRate | None
    stages: dict[str, tuple[int, int]] = field(default_factory=dict)

    def curve(self, name: str) -> Curve:
        """The curve of that name."""
        return next(curve for curve in self.curves if curve.name == name)

    def operating_point(self) -> Point:
        """What calls begin with."""
        return next(point for point in self.curve("range_linear").points if point.setting == OPERATING)

    def wins_to_kbps(self, measure: Measure, kind: str = "live") -> dict[str, float]:
        """For each codec the rate from which on it is at least as good as our operating point."""
        ours = self.operating_point().value(measure)
        return {curve.name: crossing_kbps(ours, curve, measure) for curve in self.curves if curve.kind == kind}


def transfer_kbps(avatar_bytes: int, minutes: float) -> float:
    """An avatar's bytes over the length of a call, kbit/s."""
    return 8 * avatar_bytes / 1000 / (60 * minutes)


def figures(results: Sequence[ClipResult]) -> list[Figure]:
    """The figures `rd.*`: of the clip that is worst for us where nothing else is said.

    Where no codec comes as far within what was measured, the figure is the highest rate that all were measured up to.
    """
    found: list[Figure] = []
    for measure in WINS:
        name = "psnr" if measure == "psnr_db" else measure
        worst = min(_win(result, measure) for result in results)
        found.append(Figure(f"rd.{name}_wins_to_kbps", worst, "kbit/s", "higher"))
        found += [
            Figure(f"rd.{result.clip}.{name}_wins_to_kbps", _win(result, measure), "kbit/s", "higher")
            for result in results
        ]
    points = [result.operating_point() for result in results]
    found.append(Figure("rd.our_kbps", max(point.kbps for point in points), "kbit/s", "lower"))
    for measure in WINS:
        name = "psnr" if measure == "psnr_db" else measure
        values = [getattr(point.quality, measure) for point in points]
        unit = "dB" if measure == "psnr_db" else ""
        found.append(Figure(f"rd.our_{name}", float(np.mean(values)), unit, "lower" if name == "lpips" else "higher"))
    calls = [result.live for result in results if result.live is not None]
    if calls:
        found.append(Figure("rd.our_live_kbps", max(call.payload_kbps for call in calls), "kbit/s", "lower"))
        found.append(Figure("rd.our_wire_kbps", max(call.wire_kbps for call in calls), "kbit/s", "lower"))
    for minutes in CALL_MINUTES:
        sizes = [result.avatar_bytes["linear"] for result in results]
        found.append(Figure(f"rd.avatar_kbps_{minutes}min", transfer_kbps(max(sizes), minutes), "kbit/s", "lower"))
    return found


def most_measured_kbps(result: ClipResult) -> float:
    """The highest rate that all codecs of calls were measured up to."""
    return min(max(point.kbps for point in curve.points) for curve in result.curves if curve.kind == "live")


def _win(result: ClipResult, measure: Measure) -> float:
    best = min(result.wins_to_kbps(measure).values())
    return best if math.isfinite(best) else most_measured_kbps(result)
