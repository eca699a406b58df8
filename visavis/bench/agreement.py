"""How well a received head moves like its source: correlation at the best time shift, and blinks that arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.bench.media import FaceMotion

FloatArray = NDArray[np.float64]

RATE = 25.0
BLINK_RISE = 0.25
"""A blink is a peak of the blink score this far above the running median."""
BLINK_MATCH_S = 0.3


@dataclass(frozen=True)
class Agreement:
    """Comparison of a recording with its source."""

    shift_s: float
    jaw_correlation: float
    yaw_correlation: float
    blinks_source: int
    blinks_seen: int


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Pearson's r; 0 when one side does not move."""
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def blink_times(motion: FaceMotion) -> FloatArray:
    """[B] seconds at which the eyes were most closed, one for each blink."""
    level = motion.blink
    window = int(RATE)
    padded = np.pad(level, window, mode="edge")
    median = np.array([np.median(padded[i : i + 2 * window + 1]) for i in range(len(level))])
    above = level - median > BLINK_RISE
    edges = np.flatnonzero(np.diff(np.concatenate([[0], above.astype(int), [0]])))
    peaks = [start + int(np.argmax(level[start:end])) for start, end in edges.reshape(-1, 2)]
    return motion.time_s[peaks] if peaks else np.zeros(0)


def compare(source: FaceMotion, received: FaceMotion, *, loops: bool = True) -> Agreement:
    """Finds the shift of `received` within `source` and compares the two.

    Args:
        source: motion of the whole source clip.
        received: motion of what was rendered far away while the clip played, starting anywhere in it.
        loops: the clip was played in a loop, so `received` may run over its end.
    """
    clip, seen = source.resampled(RATE), received.resampled(RATE)
    count = len(seen.time_s)
    repeats = 1 + (int(np.ceil(count / len(clip.time_s))) if loops else 0)
    jaw, yaw, blink = (np.tile(values, repeats) for values in (clip.jaw, clip.yaw, clip.blink))
    last = len(clip.time_s) if loops else max(1, len(clip.time_s) - count + 1)

    def score(shift: int) -> float:
        part = slice(shift, shift + count)
        return correlation(jaw[part], seen.jaw) + correlation(yaw[part], seen.yaw)

    shift = max((s for s in range(last) if s + count <= len(jaw)), key=score)
    part = slice(shift, shift + count)
    expected = FaceMotion(seen.time_s, yaw[part], jaw[part], blink[part])
    blinks, seen_blinks = blink_times(expected), blink_times(seen)
    matched = sum(bool(len(seen_blinks)) and float(np.abs(seen_blinks - t).min()) <= BLINK_MATCH_S for t in blinks)
    return Agreement(
        shift_s=shift / RATE,
        jaw_correlation=correlation(jaw[part], seen.jaw),
        yaw_correlation=correlation(yaw[part], seen.yaw),
        blinks_source=len(blinks),
        blinks_seen=matched,
    )
