"""How large each difference of a frame of profile `range` is likely to be (docs/bitstream.md, "Levels").

It follows from the parameter, the quality, the distance to the reference, and from how much more or less than usual has
moved so far: in the reference and in the parameters of this frame that are through. Everything is integers.
"""

from __future__ import annotations

from functools import lru_cache

from codec.range_steps import FULL_DIMS, RangeConfig
from codec.range_tables import BY_DISTANCE, BY_QUALITY, KEY_LEVELS, LEVELS, LOG_MANTISSA, SIZES

CLASSES = len(SIZES)
PER_CLASS = 4
"""Levels, sixteenths of an octave of the expected magnitude, to a class."""
HIGHEST_LEVEL = PER_CLASS * (CLASSES - 1) + 16 * 10
NEUTRAL = 16
"""Activity of a frame that moves as usual."""
MAX_DISTANCE = 32
"""References farther back count as if they were this far."""
_UNIT = 256
_PRIOR = 3 * _UNIT
_SMALLEST = 8
"""Expected magnitude of level 0, over _UNIT: 0.03."""
_MOST = 4096
"""A magnitude counts up to this."""
_OFFSETS = {ratio: min(max(7 * ratio // 10, -22), 22) for ratio in range(-16 * 32, 16 * 32)}
"""Change of the level by 16 log2 of what has moved over what was expected."""


class FrameModel:
    """What is expected of each parameter of one frame, in the order in which they are coded.

    Args:
        config: of the frame.
        activity: of the reference, NEUTRAL without one.
        distance: from the reference in frames, 0 without one.

    Attributes:
        plan: (index, usual level, expected magnitude) of each parameter that has steps.
    """

    def __init__(self, config: RangeConfig, activity: int, distance: int) -> None:
        self.plan = _plan(config, distance)
        self._before = _PRIOR * activity // NEUTRAL - _PRIOR
        self._moved, self._expected = _PRIOR + self._before, _PRIOR
        self._log_moved = _log16(self._moved)

    def level(self, usual: int) -> int:
        """Of the next parameter: its usual one, raised or lowered by what has moved so far."""
        expected = self._expected  # its _log16, written out: this runs for each parameter of each frame
        octave = expected.bit_length() - 1
        log_expected = 16 * octave + LOG_MANTISSA[(expected << 6 >> octave) - 64]
        level = usual + _OFFSETS[self._log_moved - log_expected]
        return 0 if level < 0 else level if level < HIGHEST_LEVEL else HIGHEST_LEVEL

    def learn(self, difference: int, mean: int) -> None:
        """Takes in what it was, and what was expected."""
        self._expected += mean
        if difference:
            self._moved += _UNIT * min(abs(difference), _MOST)
            self._log_moved = _log16(self._moved)

    def activity(self) -> int:
        """Of the whole frame, NEUTRAL / 4 .. 4 NEUTRAL; half of what is beyond the usual counts."""
        moved, expected = self._moved - _PRIOR - self._before, self._expected - _PRIOR
        ratio = NEUTRAL * (moved + _UNIT) // (expected + _UNIT)
        return min(max((NEUTRAL + ratio) // 2, NEUTRAL // 4), 4 * NEUTRAL)


@lru_cache(maxsize=256)
def _plan(config: RangeConfig, distance: int) -> tuple[tuple[int, int, int], ...]:
    """(index, usual level, expected magnitude) of each parameter that has steps, pose before expression."""
    dims, quality, limits = config.dims, config.quality, config.steps.limits
    far = _log16(min(distance, MAX_DISTANCE)) if distance else 0
    plan: list[tuple[int, int, int]] = []
    for index in (*range(dims, len(limits)), *range(dims)):
        row = index if index < dims else index - dims + FULL_DIMS
        if distance:
            level = LEVELS[row] + (BY_QUALITY[row] * quality >> 4) + (BY_DISTANCE[row] * far >> 5)
        else:
            level = KEY_LEVELS[row] - 4 * quality
        level = min(max(level, 0), HIGHEST_LEVEL)
        if limits[index]:
            plan.append((index, level, _mean(level)))
    return tuple(plan)


def _mean(level: int) -> int:
    """Expected magnitude over _UNIT: _SMALLEST * 2 ** (level / 16)."""
    octave, part = divmod(level, 16)
    inverse = max(m for m in range(64) if LOG_MANTISSA[m] <= part)
    return (_SMALLEST << octave) * (64 + inverse) >> 6


def _log16(value: int) -> int:
    """16 log2(value), rounded, for value >= 1: the position of its first bit, and a table for the next six."""
    octave = value.bit_length() - 1
    return 16 * octave + LOG_MANTISSA[(value << 6 >> octave) - 64]
