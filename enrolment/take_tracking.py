"""From detections to what a take says of each picture: the person, the parameters as they are live, and what is odd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from renderer.head.model import HeadModel
from tracker.calibrate import calibrate
from tracker.detection import Detection
from tracker.face_tracker import FaceFollower
from tracker.profile import PersonProfile
from tracker.topology import inter_ocular

CALIBRATION_PICTURES = 200
"""So many pictures are enough to learn the person from; more only take time."""
BLOCK, BLOCK_EVERY = 16, 5
_TAIL_SHARE = 5
_ODD_RESIDUAL, _ODD_RATIO = 0.03, 3.0
"""A landmark error of this share of the eye distance, and of so many times the clip's usual, is no plain face."""
_ODD_JUMP = 0.35
"""Eye distances by which the face is away from where its neighbors in time are: a glitch."""


class HoldOut(Enum):
    """Which pictures are kept for judging the avatar."""

    NONE = "none"
    TAIL = "tail"
    """The last fifth."""
    BLOCKS = "blocks"
    """Every fifth block of 16 pictures."""

    def mask(self, count: int) -> NDArray[np.bool_]:
        """[count] which pictures are held out."""
        index = np.arange(count)
        if self is HoldOut.TAIL:
            return index >= count - count // _TAIL_SHARE
        if self is HoldOut.BLOCKS:
            return index // BLOCK % BLOCK_EVERY == BLOCK_EVERY - 1
        return np.zeros(count, np.bool_)


@dataclass(frozen=True, eq=False)
class Tracked:
    """What was learned from the detections.

    Args:
        person: what is known of the person, from the pictures that are not held out.
        vectors: [T, 65] float32; nan where the fit found no face.
        odd: [T] bool, where something covers the face or the tracker slipped.
    """

    person: PersonProfile
    vectors: NDArray[np.float32]
    odd: NDArray[np.bool_]


def track(
    head: HeadModel,
    detections: Sequence[Detection | None],
    times_s: NDArray[np.float64],
    held_out: NDArray[np.bool_],
    image_size: tuple[int, int],
    on_share: Callable[[float], None] = lambda share: None,
) -> Tracked:
    """Learns the person and follows them through all pictures.

    Args:
        head: the head model.
        detections: of all pictures of the recording in order; None without a face.
        times_s: [n] of all pictures.
        held_out: [T] of the T pictures with a face.
        image_size: (height, width) of the pictures.
        on_share: told the finished share.

    Raises:
        ProfileError: less than tracker.calibrate.MIN_TAKE_S are not held out.
    """
    seen = [(detection, time_s) for detection, time_s in zip(detections, times_s, strict=True) if detection]
    learn = np.flatnonzero(~held_out)
    step = -(-len(learn) // CALIBRATION_PICTURES)
    learn = np.append(learn[:-1:step], learn[-1:])
    person = calibrate(
        head,
        [seen[index][0] for index in learn],
        [float(seen[index][1]) for index in learn],
        image_size,
        guided=False,
        progress=lambda share: on_share(0.8 * share),
    )
    follower = FaceFollower(head, person=person)
    vectors, residuals = [], []
    nothing = np.full(65, np.nan, np.float32)
    for detection, time_s in zip(detections, times_s, strict=True):
        result = follower.follow(detection, image_size, float(time_s))
        if detection is not None:
            vectors.append(nothing if result.params is None else result.params.to_vector())
            residuals.append(result.residual)
    on_share(1.0)
    landmarks = np.array([detection.landmarks_px for detection, _ in seen])
    odd = odd_pictures(np.array(residuals), landmarks, np.array([time_s for _, time_s in seen]))
    return Tracked(person, np.array(vectors, np.float32), odd)


def odd_pictures(
    residuals: NDArray[np.float64], landmarks_px: NDArray[np.float32], times_s: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """[T] where the landmarks fit no face as they usually do, or leap away and back.

    Args:
        residuals: [T] of the fit over the eye distance; nan where it found no face.
        landmarks_px: [T, 478, 2].
        times_s: [T].
    """
    missing = np.isnan(residuals)
    usual = float(np.median(residuals[~missing])) if not missing.all() else 0.0
    odd = missing | (residuals > max(_ODD_RESIDUAL, _ODD_RATIO * usual))
    if len(times_s) < 3:
        return odd
    middles = landmarks_px.mean(axis=1)
    scale = np.array([inter_ocular(landmarks.astype(np.float64)) for landmarks in landmarks_px])
    share = ((times_s[1:-1] - times_s[:-2]) / np.maximum(times_s[2:] - times_s[:-2], 1e-6))[:, None]
    expected = (1 - share) * middles[:-2] + share * middles[2:]
    leaps = np.linalg.norm(middles[1:-1] - expected, axis=1) / np.maximum(scale[1:-1], 1e-6)
    odd[1:-1] |= leaps > _ODD_JUMP
    return odd
