"""From a short take of a person to their profile: what the tracker learns from it, and the camera that explains it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel
from tracker.calibration import BLINK
from tracker.detection import BLENDSHAPE_NAMES, Detection
from tracker.estimator import FOCAL_RATIO, FaceEstimator
from tracker.profile import REST_S, PersonProfile, ProfileError

FOCAL_RATIOS = (0.8, 0.9, 1.0, 1.1, 1.25, 1.4)
FOCAL_SPREAD = 0.2
"""Cameras differ from FOCAL_RATIO by this factor (standard deviation of the logarithm)."""
FOCAL_DOUBT = 0.05
"""A take of a face says little about the focal length: a fit must be this much better to outweigh one FOCAL_SPREAD."""
PASSES = 2
MIN_TAKE_S = 3.0
MAX_GAIN = 1.6
_FULL_EFFORT = 0.95
_STRONGEST = 0.98
"""Quantile of a score that counts as the person's strongest."""
_SHUT, _LEAST_SHUT = 0.97, 0.45
"""Quantile of the blink scores that is a closed eye, and the least that is believed."""
_HIGHEST_REST = 0.95
_LEAST_EFFORT = 0.45
"""A score that never got this far was not performed."""
_PERFORMED = (("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"), ("mouthPucker",))


def calibrate(
    head: HeadModel,
    detections: Sequence[Detection],
    times_s: Sequence[float],
    image_size: tuple[int, int],
    *,
    guided: bool = True,
    progress: Callable[[float], None] | None = None,
) -> PersonProfile:
    """Learns a person from a take.

    Args:
        head: the head model.
        detections: of the pictures that show the face.
        times_s: of each, seconds from the take's start.
        image_size: (height, width).
        guided: the person did what tracker.profile.SCHEDULE asks for. Any other take teaches what the tracker learns
            while it runs, no neutral face.
        progress: called with the finished share, 0..1.

    Raises:
        ProfileError: the take is too short, or a guided one shows no rest.
    """
    if len(detections) < 2 or times_s[-1] - times_s[0] < MIN_TAKE_S:
        raise ProfileError(f"The take shows a face for less than {MIN_TAKE_S:.0f} s: that is too short to learn from.")
    resting = [index for index, time_s in enumerate(times_s) if REST_S[0] <= time_s <= REST_S[1]] if guided else []
    if guided and not resting:
        raise ProfileError("The take shows no face while the person should have looked into the camera.")
    scores = np.array([detection.scores for detection in detections], np.float64)
    known_scores = _performed(scores, resting) if guided else None
    best: tuple[float, FaceEstimator] | None = None
    for index, focal_ratio in enumerate(FOCAL_RATIOS):
        estimator = FaceEstimator(head, focal_ratio=focal_ratio)
        if known_scores is not None:
            estimator.know_scores(*known_scores)
        residual = _watch(estimator, detections, times_s, image_size)
        away = math.log(focal_ratio / FOCAL_RATIO) / FOCAL_SPREAD
        cost = math.log(max(residual, 1e-9)) + FOCAL_DOUBT * away**2
        if best is None or cost < best[0]:
            best = (cost, estimator)
        if progress is not None:
            progress((index + 1) / len(FOCAL_RATIOS))
    assert best is not None
    estimator = best[1]
    if not guided:
        return estimator.profile()
    after = PASSES * (times_s[-1] - times_s[0] + 1)
    poses = [estimator.neutral_pose(detections[i], image_size, after + times_s[i]) for i in resting]
    seen = [pose for pose in poses if pose is not None]
    if not seen:
        raise ProfileError("The take shows no eyes while the person should have looked into the camera.")
    pitch, *gaze = np.median(seen, axis=0)
    return replace(estimator.profile(), neutral_pitch=float(pitch), gaze_bias=-np.array(gaze))


def _performed(
    scores: NDArray[np.float64], resting: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rest [52], closed eyes [2] and gains [52] (PersonProfile) of the scores [T, 52] of a guided take."""
    rest = np.minimum(np.median(scores[resting], axis=0), _HIGHEST_REST)
    closed = np.maximum(np.quantile(scores[:, list(BLINK)], _SHUT, axis=0), _LEAST_SHUT)
    return rest, closed, _gains(scores, rest)


def _watch(
    estimator: FaceEstimator, detections: Sequence[Detection], times_s: Sequence[float], image_size: tuple[int, int]
) -> float:
    """Median residual of the last pass."""
    length = times_s[-1] - times_s[0] + 0.04
    residuals: list[float] = []
    for turn in range(PASSES):
        residuals = []
        for detection, time_s in zip(detections, times_s, strict=True):
            estimate = estimator.estimate(detection, image_size, turn * length + time_s)
            if estimate is not None:
                residuals.append(estimate[1])
    return float(np.median(residuals)) if residuals else math.inf


def _gains(scores: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """[52] what brings the strongest of the scores [T, 52] of each performed expression to full effort."""
    scores = (scores - rest) / (1 - rest)
    gains = np.ones(len(BLENDSHAPE_NAMES))
    for names in _PERFORMED:
        columns = [BLENDSHAPE_NAMES.index(name) for name in names]
        strongest = float(np.quantile(scores[:, columns].mean(axis=1), _STRONGEST))
        if strongest >= _LEAST_EFFORT:
            gains[columns] = np.clip(_FULL_EFFORT / strongest, 1.0, MAX_GAIN)
    return gains
