"""What is wrong with a recording: refused in one sentence, or noted as a warning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.coverage import Coverage
from enrolment.errors import TakeError
from enrolment.quality import BRIGHT, DIM, PictureQuality, picture_quality
from tracker.assets import TrackerAssetError, locate_model
from tracker.detection import Detection
from tracker.finder import FaceFinder
from tracker.quiet import native_chatter_dropped

LEAST_S, GOOD_S = 3.0, 10.0
"""A face must be seen for so long; and should be, to be learned well."""
SAMPLES = 12
"""Number of pictures that are looked at closely."""
BLACK = 10.0
"""Mean luma of a face below which nothing can be learned."""
RIVAL, BYSTANDER = 0.6, 0.25
"""Size of a second face over the first one's: it could be the person that is meant, or somebody in the back."""
_OFTEN = 0.3
"""Share of the pictures in which a rival is no passer-by."""
_GONE_SHARE, _LOST_SHARE, _ODD_SHARE = 0.1, 0.1, 0.05
_LONGEST_GAP_S = 0.2
_FEW_SHARP = 0.1


def several_faces() -> FaceFinder:
    """Sees up to three faces; close it.

    Raises:
        TrackerAssetError: there is no usable model file.
    """
    path = locate_model(None).path
    with native_chatter_dropped():
        try:
            find = FaceFinder(path, faces=3)
            find.everyone(np.zeros((64, 64, 3), np.uint8))  # the first picture loads the networks
        except (ValueError, RuntimeError, OSError) as error:
            raise TrackerAssetError(f"MediaPipe's networks cannot be loaded from {path}: {error}") from error
    return find


def second_face(find: FaceFinder, picture: NDArray[np.uint8]) -> float:
    """Height of the second largest face over that of the largest; 0 without one."""
    sizes = sorted((float(np.ptp(face[:, 1])) for face in find.everyone(picture)), reverse=True)
    return sizes[1] / sizes[0] if len(sizes) > 1 else 0.0


class Samples:
    """Looks closely at some of a recording's pictures.

    Args:
        find: sees several faces.
        expected: number of pictures of the recording.
    """

    def __init__(self, find: FaceFinder, expected: int) -> None:
        self._find = find
        self._every = max(1, expected // SAMPLES)
        self._second: list[float] = []
        self._qualities: list[PictureQuality] = []

    def look(self, index: int, picture: NDArray[np.uint8], detection: Detection | None) -> None:
        """Takes note of a picture [H, W, 3], if it is one of those."""
        if (index - self._every // 2) % self._every:
            return
        self._second.append(second_face(self._find, picture))
        if detection is not None:
            self._qualities.append(picture_quality(picture, detection.landmarks_px))

    def warnings(self, name: str) -> list[str]:
        """What is not as it should be.

        Args:
            name: of the recording.

        Raises:
            TakeError: it shows two people, or it is too dark.
        """
        found = self._company(name)
        if not self._qualities:
            return found
        luma = float(np.median([quality.luma for quality in self._qualities]))
        if luma < BLACK:
            raise TakeError(f"{name} is too dark to learn a face from: turn on a light and record again.")
        if luma < DIM:
            found.append("The face is dark: more light from the front makes a better avatar.")
        elif luma > BRIGHT:
            found.append("The face is very bright: less light makes a better avatar.")
        if float(np.median([quality.sharpness for quality in self._qualities])) < _FEW_SHARP:
            found.append("The pictures are blurred: the avatar will be, too.")
        if float(np.median([quality.distance for quality in self._qualities])) < 1:
            found.append("The face is very small or very large in the picture: sit an arm's length from the camera.")
        return found

    def _company(self, name: str) -> list[str]:
        second = np.array(self._second)
        if len(second) and float((second > RIVAL).mean()) >= _OFTEN:
            raise TakeError(f"{name} shows two people of similar size: record one alone.")
        if int((second > BYSTANDER).sum()) > 1:
            return ["There are other people in the recording: only the largest face is learned."]
        return []


def check_presence(
    name: str, times_s: NDArray[np.float64], seen: NDArray[np.bool_], held_out: NDArray[np.bool_]
) -> list[str]:
    """Is there enough of the face?

    Args:
        name: of the recording.
        times_s: [n] of all pictures.
        seen: [n] those with a face.
        held_out: [T] those with a face that are not learned from.

    Returns:
        Warnings.

    Raises:
        TakeError: no face at all, or for too short a time.
    """
    if not seen.any():
        raise TakeError(f"{name} shows no face that could be found.")
    intervals = np.diff(times_s, append=times_s[-1] + (np.median(np.diff(times_s)) if len(times_s) > 1 else 0.0))
    shown_s = float(np.minimum(intervals, _LONGEST_GAP_S)[seen].sum())
    learn_s = float(np.minimum(intervals, _LONGEST_GAP_S)[seen][~held_out].sum())
    if learn_s < LEAST_S:
        raise TakeError(f"{name} shows a face for {shown_s:.1f} s, which is too short: record at least {GOOD_S:.0f} s.")
    found = []
    if learn_s < GOOD_S:
        found.append(f"The face is seen for only {shown_s:.1f} s: 20 s or more make a better avatar.")
    total_s, last_s = float(times_s[-1] - times_s[0]), float(times_s[seen][-1])
    lost = 1 - float(seen.mean())
    if times_s[-1] - last_s > max(1.0, _GONE_SHARE * total_s):
        found.append(f"The face is gone after {last_s:.1f} s: only what comes before is used.")
    elif lost > _LOST_SHARE:
        found.append(f"The face is not found in {100 * lost:.0f} % of the pictures: they are left out.")
    return found


def odd_warning(odd: NDArray[np.bool_]) -> list[str]:
    """A warning if many of the pictures [T] were left out as odd."""
    share = float(odd.mean())
    if share <= _ODD_SHARE:
        return []
    return [f"Something covers or blurs the face in {100 * share:.0f} % of the pictures: they are left out."]


def coverage_warning(faces: Sequence[FaceParams], scores: NDArray[np.float32]) -> list[str]:
    """A warning if the pictures that are learned from do not show the head from enough sides.

    Args:
        faces: what each shows.
        scores: [T, 52] of each.
    """
    coverage = Coverage()
    for params, row in zip(faces, scores, strict=True):
        coverage.add(params, row)
    missing = coverage.missing
    if not missing:
        return []
    return [f"A better avatar needs more poses. {' '.join(missing)}"]
