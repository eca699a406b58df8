"""`visavis bench track`: how fast and how faithfully faces are tracked on recorded clips."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from client.capture.media_file import iter_frames, probe
from codec.params import FaceParams
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from renderer.head.pose import FLIP, rotation_matrix
from tracker.calibrate import calibrate
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.estimator import FOCAL_RATIO, FaceEstimator
from tracker.landmark_model import head_landmarks
from tracker.landmarker import Landmarker
from tracker.profile import PersonProfile
from tracker.smoothing import ParamsSmoother
from visavis.bench.report import Figure
from visavis.errors import CommandError

MAX_FRAMES = 500
"""Pictures taken of each clip."""
LINES = 720
CALIBRATION_S, SHORTEST_S = 8.0, 4.0
"""Length of the take that teaches the person, and of the shortest clip."""
_WARM_UP = 10
_WATCHED = (33, 263, 1, 152, 10)
"""Landmarks whose trembling is measured: outer eye corners first, nose, chin, forehead."""
_MOVES = 0.02
_BLINKS = 0.07
"""A signal that varies less (standard deviation) says nothing about correlation: it is noise, or nobody blinked."""


@dataclass
class _Trace:
    """What one clip gave, a value per picture with a face."""

    pictures: int = 0
    image_size: tuple[int, int] = (0, 0)
    seconds: list[float] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    residuals: list[float] = field(default_factory=list)
    found: list[FaceParams] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    """The figures of one clip; see `run`."""

    ms_median: float
    ms_p95: float
    rms_learning_pct: float
    rms_pct: float
    jitter_pct: float
    yaw_correlation: float
    jaw_correlation: float
    blink_correlation: float


def run(clips: list[Path], console: Console) -> list[Figure]:
    """Tracks the clips at 720 lines with the open head, prints a table and returns the figures `track.*`.

    * Times are processor time of all threads of this process, so that other load does not count.
    * RMS: weighted landmark error over the distance of the outer eye corners, median over the pictures: as the tracker
      learns the person on the run, and with the profile that the first CALIBRATION_S teach. `track.rms_pct` is the
      latter, of the worst clip.
    * Jitter: second difference of five landmarks of the tracked head, in % of the eye distance, in the second in which
      the head travels least; the standard deviation of the noise, if that second is at rest. The worst clip's.
    * Correlations: with MediaPipe's own outputs, after smoothing; `nan` where the reference hardly moves.

    Raises:
        CommandError: no clip shows a face for long enough.
        MediaError: a clip cannot be read.
    """
    head = load_open_head()
    columns = "clip,pictures,dropped,cpu ms,p95,learning %,calibrated %,jitter %,yaw r,jaw r,blink r"
    table = Table(*columns.split(","), title="Face tracking at 720 lines, one thread")
    rows: list[_Row] = []
    pictures = found = 0
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("tracking", total=len(clips) * MAX_FRAMES)
        for index, clip in enumerate(clips):
            trace = _track(head, clip, lambda: progress.advance(task))
            progress.update(task, completed=(index + 1) * MAX_FRAMES)
            pictures, found = pictures + trace.pictures, found + len(trace.found)
            if not trace.found or trace.times_s[-1] - trace.times_s[0] < SHORTEST_S:
                table.add_row(clip.stem, str(trace.pictures), str(trace.pictures - len(trace.found)))
                continue
            rows.append(_row(head, trace))
            cells = (f"{value:.3g}" for value in astuple(rows[-1]))
            table.add_row(clip.stem, str(trace.pictures), str(trace.pictures - len(trace.found)), *cells)
    console.print(table)
    if not rows:
        raise CommandError(f"No clip shows a face for {SHORTEST_S:.0f} s, so there is nothing to measure.")
    values = np.array([astuple(row) for row in rows])
    median, worst = np.median(values, axis=0), values.max(axis=0)
    return [
        _figure("track.ms_median", median[0], "ms", "lower"),
        _figure("track.ms_p95", worst[1], "ms", "lower"),
        _figure("track.fps_one_core", 1e3 / median[0], "1/s", "higher"),
        _figure("track.detected_pct", 100 * found / max(1, pictures), "%", "higher"),
        _figure("track.rms_learning_pct", worst[2], "%", "lower"),
        _figure("track.rms_pct", worst[3], "%", "lower"),
        _figure("track.jitter_pct", worst[4], "%", "lower"),
        _figure("track.yaw_correlation", _mean(values[:, 5]), "", "higher"),
        _figure("track.jaw_correlation", _mean(values[:, 6]), "", "higher"),
        _figure("track.blink_correlation", _mean(values[:, 7]), "", "higher"),
    ]


def _track(head: HeadModel, clip: Path, advance: Callable[[], None]) -> _Trace:
    trace = _Trace()
    landmarker, estimator, smoother = Landmarker(), FaceEstimator(head), ParamsSmoother()
    try:
        for image, time_s in _pictures(clip):
            advance()
            trace.pictures += 1
            trace.image_size = (image.shape[0], image.shape[1])
            start = time.process_time()
            detection = landmarker.detect(image, time_s)
            estimate = detection and estimator.estimate(detection, trace.image_size, time_s)
            if detection is None or estimate is None:
                estimator.lose()
                smoother.reset()
                continue
            params = smoother(estimate[0], time_s)
            end = time.process_time()
            if trace.pictures > _WARM_UP:
                trace.seconds.append(end - start)
            trace.times_s.append(time_s)
            trace.detections.append(detection)
            trace.residuals.append(estimate[1])
            trace.found.append(params)
    finally:
        landmarker.close()
    return trace


def _pictures(clip: Path) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Pictures scaled to LINES lines, and their times."""
    rate = probe(clip).frame_rate
    for index, (_, frame) in enumerate(islice(iter_frames(clip), MAX_FRAMES)):
        image = frame.to_ndarray(format="rgb24")
        size = (round(image.shape[1] * LINES / image.shape[0]), LINES)
        yield np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8), index / rate


def _row(head: HeadModel, trace: _Trace) -> _Row:
    times = 1e3 * np.array(trace.seconds or [np.nan])
    first = trace.times_s[0]
    learned_from = sum(time_s - first < CALIBRATION_S for time_s in trace.times_s)
    person = calibrate(
        head, trace.detections[:learned_from], trace.times_s[:learned_from], trace.image_size, guided=False
    )
    rotations = [rotation_matrix(params.global_rotation) for params in trace.found]
    faces = [detection.camera_from_face for detection in trace.detections]
    scores = np.array([detection.scores for detection in trace.detections])
    jaw, blink = BLENDSHAPE_NAMES.index("jawOpen"), BLENDSHAPE_NAMES.index("eyeBlinkLeft")
    return _Row(
        ms_median=float(np.median(times)),
        ms_p95=float(np.percentile(times, 95)),
        rms_learning_pct=100 * float(np.median(trace.residuals)),
        rms_pct=_rms_pct(head, trace, person),
        jitter_pct=_jitter_pct(head, trace),
        yaw_correlation=_correlation([_yaw(rotation) for rotation in rotations], [_yaw(face) for face in faces]),
        jaw_correlation=_correlation([float(params.jaw_pose[0]) for params in trace.found], scores[:, jaw].tolist()),
        blink_correlation=_correlation(
            [float(params.eyelids[0]) for params in trace.found], scores[:, blink].tolist(), _BLINKS
        ),
    )


def _rms_pct(head: HeadModel, trace: _Trace, person: PersonProfile) -> float:
    """Median landmark error with what is known of the person, in % of the eye distance."""
    estimator = FaceEstimator(head, person=person)
    residuals: list[float] = []
    for detection, time_s in zip(trace.detections, trace.times_s, strict=True):
        estimate = estimator.estimate(detection, trace.image_size, time_s)
        if estimate is not None:
            residuals.append(estimate[1])
    return 100 * float(np.median(residuals))


def _jitter_pct(head: HeadModel, trace: _Trace) -> float:
    """Noise of the calmest second, in % of the eye distance."""
    points = head_landmarks(head, np.array(_WATCHED))
    focal_px = FOCAL_RATIO * max(trace.image_size)
    seen: list[NDArray[np.float64]] = []
    for params in trace.found:
        placed = points @ (FLIP @ rotation_matrix(params.global_rotation)).T + params.translation
        pixels = placed[:, :2] / placed[:, 2:] * focal_px
        seen.append(pixels / np.linalg.norm(pixels[0] - pixels[1]))
    track = np.array(seen)
    rate = (len(track) - 1) / max(trace.times_s[-1] - trace.times_s[0], 1e-9)
    second, step = round(rate), max(1, round(rate / 5))
    travel = np.linalg.norm(track[step:] - track[:-step], axis=2).mean(axis=1)
    start = int(np.argmin(np.convolve(travel, np.ones(second - step), "valid")))
    calm = track[start : start + second]
    # A second difference makes noise larger by the root of 1 + 4 + 1.
    return 100 * float(np.linalg.norm(np.diff(calm, n=2, axis=0), axis=2).mean()) / 6**0.5


def _yaw(rotation: NDArray[np.floating]) -> float:
    return float(np.arctan2(rotation[0, 2], rotation[2, 2]))


def _correlation(ours: list[float], theirs: list[float], least_spread: float = _MOVES) -> float:
    """Pearson's r, nan where the reference hardly moves or ours does not move at all."""
    if len(ours) < 3 or np.std(theirs) < least_spread or np.std(ours) == 0:
        return float("nan")
    return float(np.corrcoef(ours, theirs)[0, 1])


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.mean(finite)) if len(finite) else float("nan")


def _figure(name: str, value: float, unit: str, better: Literal["higher", "lower"]) -> Figure:
    return Figure(name, round(float(value), 4), unit, better)
