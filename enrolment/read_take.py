"""From a recording to a take: tracked, calibrated, cut out and matted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.params import FaceParams
from enrolment.errors import TakeError, TakeStopped
from enrolment.take import SIDE, Take
from enrolment.take_checks import Samples, check_presence, coverage_warning, odd_warning, several_faces
from enrolment.take_crop import Crop, choose_crop
from enrolment.take_matte import TakeMatter, calm
from enrolment.take_source import TakeSource
from enrolment.take_tracking import HoldOut, Tracked, track
from renderer.head.model import HeadModel
from tracker.detection import Detection
from tracker.landmarker import Landmarker
from tracker.matting import SegmentationNetwork
from tracker.matting_model import fetch_matting_model
from tracker.npm import FetchError
from tracker.profile import ProfileError

__all__ = ["HoldOut", "read_take"]

THREADS = 2
_STRETCH = 120
"""Pictures that one thread mattes at a time."""
_LOOKED, _CUT = 0.45, 0.5
"""Shares of the time after which the face was found in all pictures, and after which the last picture is cut out."""

OnProgress = Callable[[str, float], None]
ShouldStop = Callable[[], bool]


def read_take(
    clip: Path,
    head: HeadModel,
    *,
    hold_out: HoldOut = HoldOut.NONE,
    matte_network: SegmentationNetwork | None = None,
    on_progress: OnProgress = lambda doing, share: None,
    should_stop: ShouldStop = lambda: False,
) -> Take:
    """Reads a recording of one person.

    Args:
        clip: a file that PyAV can decode; it is read more than once.
        head: the head model that is to be driven.
        hold_out: pictures that nothing is learned from.
        matte_network: what tells the person from the background; MediaPipe's without.
        on_progress: told what is being done and the finished share of all, 0..1, from the thread of the caller.
        should_stop: asked with every picture.

    Raises:
        TakeError: the recording is of no use; the message says why.
        TakeStopped: it was to stop.
        TrackerAssetError: a network is missing.
    """
    network = matte_network or usual_matte_network(lambda line: on_progress(line, 0.0))
    return _Reading(clip, head, hold_out, network, on_progress, should_stop).run()


def usual_matte_network(say: Callable[[str], None] = lambda line: None) -> SegmentationNetwork:
    """MediaPipe's, from the cache or, with one line to `say`, through npm.

    Raises:
        TakeError: it cannot be fetched.
        TrackerAssetError: it is damaged.
    """
    try:
        return SegmentationNetwork(fetch_matting_model(say))
    except FetchError as error:
        raise TakeError(str(error)) from error


@dataclass(frozen=True, eq=False)
class _Looked:
    """What one look at all n pictures tells; T of them show a face."""

    times_s: NDArray[np.float64]
    detections: list[Detection | None]
    size: tuple[int, int]
    warnings: list[str]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[n] the pictures with a face."""
        return np.array([detection is not None for detection in self.detections], np.bool_)

    @property
    def faces(self) -> list[Detection]:
        """The T faces."""
        return [detection for detection in self.detections if detection is not None]


class _Reading:
    def __init__(
        self,
        clip: Path,
        head: HeadModel,
        hold_out: HoldOut,
        network: SegmentationNetwork,
        on_progress: OnProgress,
        should_stop: ShouldStop,
    ) -> None:
        self._name, self._head, self._hold_out, self._network = clip.name, head, hold_out, network
        self._tell, self._should_stop = on_progress, should_stop
        self._source = TakeSource(clip)

    def _go_on(self) -> None:
        if self._should_stop():
            raise TakeStopped("Reading the recording was stopped.")

    def run(self) -> Take:
        looked = self._look()
        seen = looked.seen
        held_out = self._hold_out.mask(int(seen.sum()))
        warnings = looked.warnings + check_presence(self._name, looked.times_s, seen, held_out)
        landmarks = np.array([face.landmarks_px for face in looked.faces])
        crop = choose_crop(landmarks, looked.size)
        landmarks, times_s = crop.points(landmarks), looked.times_s[seen]
        images = np.empty((len(times_s), SIDE, SIDE, 3), np.uint8)
        alphas = np.empty((len(times_s), SIDE, SIDE), np.uint8)
        matter = TakeMatter(self._network, THREADS, crop.inner)
        with ThreadPoolExecutor(THREADS, "take") as pool:
            try:
                tracking = pool.submit(self._track, looked, held_out)
                stretches = self._cut(looked, crop, images, pool, matter, (landmarks, times_s, alphas))
                for done, stretch in enumerate(stretches):
                    stretch.result()
                    self._go_on()
                    self._tell("cutting the person out", _CUT + (1 - _CUT) * (done + 1) / len(stretches))
                tracked = tracking.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._source.forget()
        calm(alphas, times_s)
        missing = np.isnan(tracked.vectors).any(axis=1)
        keep = np.flatnonzero(~(missing | (tracked.odd & ~held_out)))
        if not len(keep) or held_out[keep].all():
            raise TakeError(f"{self._name} shows no face that can be followed.")
        warnings += odd_warning(tracked.odd)
        vectors, scores = tracked.vectors[keep], np.array([face.scores for face in looked.faces])[keep]
        learn = ~held_out[keep]
        warnings += coverage_warning([FaceParams.from_vector(vector) for vector in vectors[learn]], scores[learn])
        return Take(
            images=_compact(images, keep),
            alphas=_compact(alphas, keep),
            time_s=times_s[keep],
            vectors=vectors,
            landmarks_px=landmarks[keep],
            scores=scores,
            K=crop.K(tracked.person.focal_ratio),
            held_out=held_out[keep],
            person=tracked.person,
            head_model_id=self._head.model_id,
            warnings=tuple(warnings),
            inner=crop.inner,
        )

    def _look(self) -> _Looked:
        times_s: list[float] = []
        detections: list[Detection | None] = []
        size = (1, 1)
        with closing(several_faces()) as find, closing(Landmarker()) as landmarker:
            samples = Samples(find, self._source.expected)
            for index, (time_s, picture) in enumerate(self._source.pictures()):
                self._go_on()
                size = (picture.shape[1], picture.shape[0])
                detection = landmarker.detect(picture, time_s)
                samples.look(index, picture, detection)
                times_s.append(time_s)
                detections.append(detection)
                self._tell("looking for the face", _LOOKED * min(1.0, (index + 1) / self._source.expected))
        damage = [self._source.damage] if self._source.damage else []
        return _Looked(np.array(times_s), detections, size, [*damage, *samples.warnings(self._name)])

    def _track(self, looked: _Looked, held_out: NDArray[np.bool_]) -> Tracked:
        width, height = looked.size
        try:
            return track(self._head, looked.detections, looked.times_s, held_out, (height, width))
        except ProfileError as error:
            raise TakeError(str(error)) from error

    def _cut(
        self,
        looked: _Looked,
        crop: Crop,
        images: NDArray[np.uint8],
        pool: ThreadPoolExecutor,
        matter: TakeMatter,
        rest: tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.uint8]],
    ) -> list[Future[None]]:
        """Cuts out all pictures with a face, and has each stretch matted as soon as it is there."""
        landmarks, times_s, alphas = rest
        stretches: list[Future[None]] = []
        done, count = 0, len(images)
        for detection, (_, picture) in zip(looked.detections, self._source.pictures(), strict=False):
            if detection is None:
                continue
            self._go_on()
            crop.cut(picture, images[done])
            done += 1
            if done % _STRETCH == 0 or done == count:
                stretch = (len(stretches) * _STRETCH, done)
                stretches.append(pool.submit(matter.matte, images, landmarks, times_s, stretch, alphas))
            self._tell("cutting the person out", _LOOKED + (_CUT - _LOOKED) * done / count)
        return stretches


def _compact(pictures: NDArray[np.uint8], keep: NDArray[np.intp]) -> NDArray[np.uint8]:
    """The pictures `keep` (growing), without a second copy of them all."""
    if len(keep) == len(pictures):
        return pictures
    for place, index in enumerate(keep):
        pictures[place] = pictures[index]
    return pictures[: len(keep)]
