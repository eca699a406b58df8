"""The pictures of a recording that go into a take: at most 30 a second, not too many, not too large."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from enrolment.errors import TakeError
from enrolment.take import MAX_PICTURES
from tracker.recording import (
    RecordingError,
    check_complete,
    iter_frames,
    packet_times,
    probe,
    upright_pictures,
)

Timed = tuple[float, NDArray[np.uint8]]
_Item = TypeVar("_Item")

MAX_RATE_HZ = 30.0
LONGEST_SIDE_PX = 1280
"""Larger pictures are shrunk as they are decoded."""
_RATE_TOLERANCE = 1.05
_WHOLE_SHARE = 0.95
"""Recordings of which less can be read are damaged."""
_KEEP_BYTES = 600 * 2**20
"""Pictures that take no more memory than this are kept for the second look, others are decoded again."""


class TakeSource:
    """The pictures of one recording, the same ones each time.

    Args:
        clip: the recording.

    Attributes:
        expected: number of pictures, as the file announces it.
        damage: a sentence if not all of the recording could be read, once it was looked through.

    Raises:
        TakeError: it is no video, or a pipe.
    """

    def __init__(self, clip: Path) -> None:
        if clip.is_fifo():  # it is read more than once, and opening it may wait for good
            raise TakeError(f"{clip.name} is a pipe: save it as a file first.")
        try:
            self._info = probe(clip)
            times_s = packet_times(clip)
        except RecordingError as error:
            raise TakeError(str(error)) from error
        self._clip = clip
        self._step = picture_step(times_s)
        self.expected = max(1, math.ceil(len(times_s) / self._step))
        self.damage: str | None = None
        self._kept: list[Timed] | None = []

    def pictures(self) -> Iterator[Timed]:
        """(seconds from the file's start, picture [H, W, 3] uint8 sRGB, upright), in order.

        What follows a damaged part is left out.

        Raises:
            TakeError: no picture can be read.
        """
        if self._kept:
            yield from self._kept
            return
        count, end_s = 0, 0.0
        kept = self._kept
        try:
            for time_s, picture in one_ahead(islice(self._decoded(), MAX_PICTURES)):
                count, end_s = count + 1, time_s
                if kept is not None:
                    kept.append((time_s, picture))
                    if self.expected * picture.nbytes > _KEEP_BYTES:
                        kept = None
                yield time_s, picture
            check_complete(self._clip, self._info, end_s)
            if count < _WHOLE_SHARE * self.expected:
                lost = 100 * (1 - count / self.expected)
                self.damage = f"{self._clip.name} is damaged: {lost:.0f} % of its pictures are left out."
        except RecordingError as error:
            if not count:
                raise TakeError(str(error)) from error
            self.damage = f"{str(error).removesuffix('.')}: only what comes before is used."
        self._kept = kept

    def forget(self) -> None:
        """Frees the memory of pictures that were kept."""
        self._kept = None

    def _decoded(self) -> Iterator[Timed]:
        whole = ((time_s, frame) for time_s, frame in iter_frames(self._clip) if not frame.is_corrupt)
        frames = islice(whole, 0, None, self._step)
        first = next(frames, None)
        if first is None:
            raise RecordingError(f"{self._clip.name} holds no picture that can be decoded.")
        width, height = first[1].width, first[1].height
        max_width = max(1, round(width * min(1.0, LONGEST_SIDE_PX / max(width, height))))
        yield from upright_pictures(chain([first], frames), max_width)


def picture_step(times_s: NDArray[np.float64]) -> int:
    """Every how many pictures one is used, for at most MAX_RATE_HZ and MAX_PICTURES.

    Args:
        times_s: [n] of all pictures, growing.
    """
    if len(times_s) < 2:
        return 1
    rate_hz = 1 / max(float(np.median(np.diff(times_s))), 1e-3)
    step = max(1, math.ceil(rate_hz / (MAX_RATE_HZ * _RATE_TOLERANCE)))
    return step * max(1, math.ceil(len(times_s) / step / MAX_PICTURES))


def one_ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """The same items; a thread of its own makes the next one while the present one is worked on."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1, "read ahead") as pool:
        coming = pool.submit(next, iterator, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, iterator, end)
            yield item  # pyright: ignore[reportReturnType] - all but the end are items
