"""From a recording to a take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from enum import Enum
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from enrolment.errors import TakeError
from enrolment.take import MAX_PICTURES, SIDE, Take
from renderer.head.model import HeadModel
from tracker.calibrate import calibrate
from tracker.estimator import FaceEstimator
from tracker.landmarker import Landmarker
from tracker.matting import PersonMatte, SegmentationNetwork, head_region
from tracker.smoothing import ParamsSmoother


class HoldOut(Enum):
    NONE = "none"
    TAIL = "tail"
    BLOCKS = "blocks"


def read_take(
    clip: Path,
    head: HeadModel,
    *,
    hold_out: HoldOut = HoldOut.NONE,
    matte_network: SegmentationNetwork | None = None,
    on_progress: Callable[[str, float], None] = lambda stage, share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Take:
    with av.open(str(clip)) as container:
        decoded = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    decoded = decoded[:: -(-len(decoded) // MAX_PICTURES)]
    seen = []
    with closing(Landmarker()) as landmarker:
        for time_s, picture in decoded:
            d = landmarker.detect(picture, time_s)
            if d is not None:
                seen.append((time_s, picture, d))
    if not seen:
        raise TakeError("no face")
    T = len(seen)
    held = np.zeros(T, bool)
    if hold_out is HoldOut.TAIL:
        held[T - T // 5 :] = True
    elif hold_out is HoldOut.BLOCKS:
        held = (np.arange(T) // 16) % 5 == 4
    times = np.array([s[0] for s in seen]) - decoded[0][0]
    h, w = seen[0][1].shape[:2]
    train = np.flatnonzero(~held)
    person = calibrate(head, [seen[i][2] for i in train], times[train].tolist(), (h, w), guided=False)
    estimator, smoother = FaceEstimator(head, person=person), ParamsSmoother()
    vectors = []
    for t, (_, _, d) in zip(times, seen, strict=True):
        est = estimator.estimate(d, (h, w), t)
        vectors.append(smoother(est[0], t).to_vector())
    lm = np.array([s[2].landmarks_px for s in seen])
    size = np.ptp(lm, axis=1)[:, 1]
    side = float(max(h, w))
    left, top = (w - side) / 2, (h - side) / 2
    if side > 3.5 * np.median(size):
        lo, hi = lm.min(1), lm.max(1)
        face = np.median(size)
        l, t, r, b = lo[:, 0].min() - 0.6 * face, lo[:, 1].min() - 0.7 * face, hi[:, 0].max() + 0.6 * face, hi[:, 1].max() + 0.9 * face
        side = min(max(r - l, b - t), side)
        left, top = (l + r) / 2 - side / 2, t
        left, top = np.clip(left, min(0, w - side), max(0, w - side)), np.clip(top, min(0, h - side), max(0, h - side))
    s = SIDE / side
    M = np.array([[s, 0, -s * left + (s - 1) / 2], [0, s, -s * top + (s - 1) / 2]])
    images = np.zeros((T, SIDE, SIDE, 3), np.uint8)
    alphas = np.zeros((T, SIDE, SIDE), np.uint8)
    matte = PersonMatte(matte_network or SegmentationNetwork(Path.home() / ".cache/visavis/networks/selfie_segmentation.tflite"))
    for i, (_, p, d) in enumerate(seen):
        a = matte(p, times[i], head_region(d.landmarks_px))
        f = cv2.INTER_AREA if s < 1 else cv2.INTER_CUBIC
        images[i] = cv2.warpAffine(p, M, (SIDE, SIDE), flags=cv2.INTER_LINEAR if s < 1 else f)
        alphas[i] = np.round(255 * np.clip(cv2.warpAffine(a, M, (SIDE, SIDE), flags=cv2.INTER_LINEAR), 0, 1))
    f = person.focal_ratio * max(h, w) * s
    K = np.array([[f, 0, (w / 2 - left) * s], [0, f, (h / 2 - top) * s], [0, 0, 1]], np.float32)
    lm = ((lm - (left, top)) * s).astype(np.float32)
    return Take(images, alphas, times, np.array(vectors, np.float32), lm,
                np.array([x[2].scores for x in seen], np.float32), K, held, person, head.model_id)
