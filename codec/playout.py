"""When a receiver shows which frame: in the sender's rhythm, as late as the link's jitter makes necessary. Sans-IO.

Frames have a delay, arrival minus capture, on clocks that need not agree. All but the slowest 5 % of the last ones
should be there when their turn comes, so the buffer shows each frame that much after its capture. Between frames that
are far apart faces are interpolated (docs/bitstream.md, "Showing").
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque

from codec.params import FaceParams

IN_TIME = 0.95
"""Share of the frames that are to arrive before their turn."""
MEMORY = 128
"""Frames whose delays are remembered."""
LONGEST_MS = 200.0
"""Most that the buffer adds to the delay of the fastest frame."""
SETTLING = 16
"""Frames until which the buffer follows their delays without easing."""
SLOWER, FASTER = 0.3, 0.1
"""How much slower or faster than captured frames are shown while the delay is adapted."""
RESTART_MS, RESTART_AFTER = 2000.0, 3
"""So many frames in a row that are so far out of their time begin a new stream: a clock has been set."""
ROUNDING_MS = 0.5
"""Capture times are whole milliseconds."""
MAX_WAITING = 64
USUAL_MS, WIDEST_MS = 40, 260
"""Between frames that are farther apart than usual there are interpolated faces, unless they are too far apart."""


class Playout:
    """Takes frames in any order and hands out the one to show; a frame after a newer one is never shown.

    Attributes:
        streams: how often it has begun anew.
    """

    def __init__(self) -> None:
        self._frames: list[tuple[int, FaceParams | None]] = []  # by time, from the one that is shown on
        self._known: deque[int] = deque(maxlen=MAX_WAITING)  # times of the last frames
        self._shown_ms: int | None = None
        self._strange = 0
        self.streams = 0
        self._delays: deque[float] = deque()
        self._sorted: list[float] = []
        self._offset_ms = 0.0
        self._advanced_at = -math.inf

    @property
    def added_ms(self) -> float:
        """What the buffer adds to the delay of the fastest frame."""
        return self._offset_ms - self._sorted[0] if self._sorted else 0.0

    def add(self, time_ms: int, params: FaceParams | None, now: float) -> bool:
        """Takes a frame; None stands for no face.

        Returns:
            Whether it will be shown: False if it is known, or if a newer one is shown already.
        """
        if time_ms in self._known:
            return False
        delay = 1000 * now - time_ms
        if self._is_other_clock(delay):
            return False
        self._known.append(time_ms)
        self._advance(now)
        self._learn(delay)
        if self._shown_ms is not None and time_ms <= self._shown_ms:
            return False
        insort(self._frames, (time_ms, params), key=lambda frame: frame[0])
        if len(self._frames) > MAX_WAITING:
            del self._frames[1]
        return True

    def at(self, now: float) -> tuple[int, FaceParams | None] | None:
        """Capture time and face to show; None before the first frame."""
        self._advance(now)
        position = 1000 * now - self._offset_ms + ROUNDING_MS
        while len(self._frames) > 1 and self._frames[1][0] <= position:
            del self._frames[0]
        if not self._frames or (self._shown_ms is None and self._frames[0][0] > position):
            return None
        steps, width = self._steps()
        start_ms, face = self._frames[0]
        step = min(max(math.floor((position - start_ms) / width * steps), 0), steps - 1) if steps > 1 else 0
        self._shown_ms = max(start_ms + round(step * width / steps), self._shown_ms or start_ms)
        if step and face is not None:
            following = self._frames[1][1]
            assert following is not None  # _steps has seen it
            face = face.toward(following, step / steps)
        return self._shown_ms, face

    def next_change(self, now: float) -> float | None:
        """When `at` will have something new, if nothing arrives; None if it will not."""
        if self._shown_ms is None:
            return now if self._frames else None
        if len(self._frames) < 2:
            return None
        steps, width = self._steps()
        start_ms = self._frames[0][0]
        done = math.floor((self._shown_ms - start_ms) / width * steps + 0.5) if steps > 1 else 0
        due_ms = start_ms + width * min(done + 1, steps) / steps
        return max(now, (due_ms + self._offset_ms) / 1000)

    def restart(self) -> None:
        """Takes the next frame as the first of a stream; what is shown stays until then."""
        for held in (self._frames, self._known, self._delays, self._sorted):
            held.clear()
        self._shown_ms = None
        self._strange = 0
        self.streams += 1

    def _is_other_clock(self, delay: float) -> bool:
        """Whether a frame is so far out of its time that it is left out; some of them in a row begin a new stream."""
        if not self._delays or abs(delay - self._offset_ms) <= RESTART_MS:
            self._strange = 0
            return False
        self._strange += 1
        if self._strange < RESTART_AFTER:
            return True
        self.restart()
        return False

    def _steps(self) -> tuple[int, int]:
        """How many pictures lie between the shown frame and the next one, that one included, and milliseconds."""
        if len(self._frames) < 2:
            return 1, USUAL_MS
        (start_ms, face), (end_ms, following) = self._frames[:2]
        width = end_ms - start_ms
        if face is None or following is None or width > WIDEST_MS:
            return 1, width
        if len(face.expression) != len(following.expression):
            return 1, width
        return max(1, round(width / USUAL_MS)), width

    def _learn(self, delay: float) -> None:
        self._delays.append(delay)
        insort(self._sorted, delay)
        if len(self._delays) > MEMORY:
            del self._sorted[bisect_left(self._sorted, self._delays.popleft())]
        if len(self._delays) <= SETTLING:
            self._offset_ms = self._wanted_ms()

    def _wanted_ms(self) -> float:
        last = len(self._sorted) - 1
        return min(self._sorted[math.ceil(IN_TIME * last)], self._sorted[0] + LONGEST_MS)

    def _advance(self, now: float) -> None:
        elapsed_ms = 1000 * (now - self._advanced_at)
        self._advanced_at = max(now, self._advanced_at)
        if not self._sorted or elapsed_ms <= 0:
            return
        change = self._wanted_ms() - self._offset_ms
        self._offset_ms += min(max(change, -FASTER * elapsed_ms), SLOWER * elapsed_ms)
