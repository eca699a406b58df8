"""`visavis bench track`: how fast and how faithfully faces are tracked on recorded clips."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from client.capture.media_file import iter_frames, probe
from renderer.head.open_head import load_open_head
from renderer.head.pose import rotation_matrix
from tracker.detection import BLENDSHAPE_NAMES
from tracker.estimator import FaceEstimator
from tracker.landmarker import Landmarker
from tracker.smoothing import ParamsSmoother
from visavis.bench.report import Figure
from visavis.errors import CommandError

MAX_FRAMES = 500
"""Pictures taken of each clip."""
_WARM_UP = 10
_MOVES = 0.02
_BLINKS = 0.07
"""A signal that varies less (standard deviation) says nothing about correlation: it is noise, or nobody blinked."""


@dataclass
class _Trace:
    """What one clip gave, a value per picture with a face."""

    pictures: int = 0
    seconds: list[float] = field(default_factory=list)
    fit_seconds: list[float] = field(default_factory=list)
    residual: list[float] = field(default_factory=list)
    yaw: list[float] = field(default_factory=list)
    matrix_yaw: list[float] = field(default_factory=list)
    jaw: list[float] = field(default_factory=list)
    jaw_score: list[float] = field(default_factory=list)
    lids: list[float] = field(default_factory=list)
    blink_score: list[float] = field(default_factory=list)
    steps: list[NDArray[np.float64]] = field(default_factory=list)


def run(clips: list[Path], console: Console) -> list[Figure]:
    """Tracks the clips with the open head, prints a table and returns the figures `track.*`.

    Times are processor time of all threads of this process, so that other load does not count: `track.fps_one_core` is
    what one core can do when it does nothing else.

    Raises:
        CommandError: no clip shows a face.
        MediaError: a clip cannot be read.
    """
    columns = "clip,pictures,with face %,cpu ms,p95,fit ms,residual %,yaw r,jaw r,blink r,jitter mrad"
    table = Table(*columns.split(","), title="Face tracking")
    traces: list[_Trace] = []
    for clip in clips:
        with console.status(f"Tracking {clip.name}"):
            trace = _track(clip)
        traces.append(trace)
        table.add_row(clip.stem, *_row(trace))
    console.print(table)
    seen = [trace for trace in traces if trace.residual]
    if not seen:
        raise CommandError("No clip shows a face, so there is nothing to measure.")
    milliseconds = 1e3 * float(np.median(np.concatenate([trace.seconds for trace in seen])))
    pictures = sum(trace.pictures for trace in traces)
    return [
        _figure("track.fps_one_core", 1e3 / milliseconds, "1/s", "higher"),
        _figure("track.detected_pct", 100 * sum(len(t.residual) for t in traces) / max(1, pictures), "%", "higher"),
        _figure("track.residual_pct", 100 * float(np.median(np.concatenate([t.residual for t in seen]))), "%", "lower"),
        _figure("track.yaw_correlation", _mean([_correlation(t.yaw, t.matrix_yaw) for t in seen]), "", "higher"),
        _figure("track.jaw_correlation", _mean([_correlation(t.jaw, t.jaw_score) for t in seen]), "", "higher"),
        _figure(
            "track.blink_correlation", _mean([_correlation(t.lids, t.blink_score, _BLINKS) for t in seen]), "", "higher"
        ),
    ]


def _track(clip: Path) -> _Trace:
    trace = _Trace()
    landmarker, estimator, smoother = Landmarker(), FaceEstimator(load_open_head()), ParamsSmoother()
    jaw, blink = BLENDSHAPE_NAMES.index("jawOpen"), BLENDSHAPE_NAMES.index("eyeBlinkLeft")
    try:
        for image, time_s in _pictures(clip):
            trace.pictures += 1
            start = time.process_time()
            detection = landmarker.detect(image, time_s)
            landmarks_done = time.process_time()
            estimate = detection and estimator.estimate(detection, image.shape[:2], time_s)
            if detection is None or estimate is None:
                estimator.lose()
                continue
            params = smoother(estimate[0], time_s)
            end = time.process_time()
            if trace.pictures > _WARM_UP:
                trace.seconds.append(end - start)
                trace.fit_seconds.append(end - landmarks_done)
            skull, face = rotation_matrix(params.global_rotation), detection.camera_from_face
            trace.residual.append(estimate[1])
            trace.yaw.append(float(np.arctan2(skull[0, 2], skull[2, 2])))
            trace.matrix_yaw.append(float(np.arctan2(face[0, 2], face[2, 2])))
            trace.jaw.append(float(params.jaw_pose[0]))
            trace.jaw_score.append(float(detection.scores[jaw]))
            trace.lids.append(float(params.eyelids[0]))
            trace.blink_score.append(float(detection.scores[blink]))
            trace.steps.append(params.global_rotation.astype(np.float64))
    finally:
        landmarker.close()
    return trace


def _pictures(clip: Path) -> Iterator[tuple[NDArray[np.uint8], float]]:
    rate = probe(clip).frame_rate
    for index, (_, frame) in enumerate(islice(iter_frames(clip), MAX_FRAMES)):
        yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), index / rate


def _row(trace: _Trace) -> list[str]:
    if not trace.residual:
        return [str(trace.pictures), "0"]
    times = 1e3 * np.array(trace.seconds or [np.nan])
    # The calmest half's second difference: motion cancels, noise stays (its standard deviation grows by sqrt 6).
    shake = np.linalg.norm(np.diff(np.array(trace.steps), n=2, axis=0), axis=1) / 6**0.5
    return [
        str(trace.pictures),
        f"{100 * len(trace.residual) / trace.pictures:.1f}",
        f"{np.median(times):.1f}",
        f"{np.percentile(times, 95):.1f}",
        f"{1e3 * np.median(trace.fit_seconds or [np.nan]):.1f}",
        f"{100 * np.median(trace.residual):.2f}",
        f"{_correlation(trace.yaw, trace.matrix_yaw):.3f}",
        f"{_correlation(trace.jaw, trace.jaw_score):.3f}",
        f"{_correlation(trace.lids, trace.blink_score, _BLINKS):.3f}",
        f"{1e3 * np.percentile(shake, 25) if len(shake) else np.nan:.2f}",
    ]


def _correlation(ours: list[float], theirs: list[float], least_spread: float = _MOVES) -> float:
    """Pearson's r, nan where the reference hardly moves or ours does not move at all."""
    if len(ours) < 3 or np.std(theirs) < least_spread or np.std(ours) == 0:
        return float("nan")
    return float(np.corrcoef(ours, theirs)[0, 1])


def _mean(values: list[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _figure(name: str, value: float, unit: str, better: Literal["higher", "lower"]) -> Figure:
    return Figure(name, round(value, 4), unit, better)
