"""How large each difference of a frame of profile `range` is likely to be (docs/bitstream.md, "Levels").

It follows from the symbol, the quality, the distance to the reference, from what the same symbol did in the frames
before, and from how much more or less than expected has moved so far: in the reference, and in the symbols of this
frame that are through. Everything is integers.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from codec.quantizer import Symbols
from codec.range_steps import FULL_DIMS, RangeConfig
from codec.range_tables import LEVELS, LOG_MANTISSA

Row = TypeVar("Row")

NEUTRAL = 16
"""Activity of a frame that moves as expected."""
MAX_DISTANCE = 32
"""References farther back count as if they were this far."""
LOWEST_LEVEL, HIGHEST_LEVEL = -192, 480
"""No sum of a usual level, a habit and a lift is outside."""
MAX_HABIT, MAX_GROWTH = 16 * 80, 16 * 16
"""Of a habit: five octaves; and one more after a single frame."""
_KEY_LEVELS, _PER_QUALITY, _PER_OCTAVE = 50, 4, 12
_UNIT = 256
_PRIOR = 3 * _UNIT
_SMALLEST = 8
"""Expected magnitude of level 0, over _UNIT: 0.03."""
_MOST = 4096
"""A magnitude counts up to this."""
_PACE, _CALM = 64, 102
"""How fast habits change, and the magnitude, over _UNIT, below which they change more slowly."""
_LIFTS = {ratio: min(max(7 * ratio // 10, -22), 22) for ratio in range(-16 * 32, 16 * 32)}
"""By 16 log2 of what has moved over what was expected."""


def by_level(values: list[Row]) -> tuple[Row, ...]:
    """Rows for LOWEST_LEVEL .. HIGHEST_LEVEL, to be indexed by the level itself: negative ones count from the end."""
    return tuple(values[-LOWEST_LEVEL:] + values[:-LOWEST_LEVEL])


def _mean(level: int) -> int:
    """Expected magnitude over _UNIT: _SMALLEST * 2 ** (level / 16)."""
    octave, part = divmod(level, 16)
    inverse = max(m for m in range(64) if LOG_MANTISSA[m] <= part)
    number = _SMALLEST * (64 + inverse)
    return number << octave >> 6 if octave >= 0 else number >> 6 - octave


def _growth(magnitude: int, mean: int) -> int:
    """Of a habit, 16ths of a level."""
    return min(_PACE * (_UNIT * min(magnitude, _MOST) - mean) // (mean + _CALM), MAX_GROWTH)


_MEANS = by_level([_mean(level) for level in range(LOWEST_LEVEL, HIGHEST_LEVEL + 1)])
_STILL = by_level([_growth(0, _mean(level)) for level in range(LOWEST_LEVEL, HIGHEST_LEVEL + 1)])


class FrameModel:
    """What is expected of each symbol of one frame, in the order in which they are coded.

    Args:
        config: of the frame.
        distance: from the reference in frames, 0 without one.
        activity: of the reference, NEUTRAL without one.
        habits: [E + 21] of the reference, zeros without one.

    Attributes:
        order: where the symbols that are coded stand.
        levels: of each of them, but for the lift.
        lift: what is added to the level of the first one.
    """

    def __init__(self, config: RangeConfig, distance: int, activity: int, habits: Symbols) -> None:
        self.order, usual = _plan(config, min(distance, MAX_DISTANCE))
        self.levels = [level + (habits[index] >> 4) for index, level in zip(self.order, usual, strict=True)]
        self._expected = list(accumulate((_MEANS[level] for level in self.levels), initial=_PRIOR))
        self._habits = habits
        self._before = _PRIOR * activity // NEUTRAL
        self._moved = self._before
        self._moves: list[tuple[int, int]] = []
        self.lift = _LIFTS[_log16(self._moved) - _log16(_PRIOR)]

    def moved(self, place: int, magnitude: int) -> int:
        """Takes in that the symbol at `place` of `order` was not as expected; returns the lift from the next one on."""
        self._moves.append((place, magnitude))
        self._moved += _UNIT * min(magnitude, _MOST)
        return _LIFTS[_log16(self._moved) - _log16(self._expected[place + 1])]

    def activity(self) -> int:
        """Of the whole frame, NEUTRAL / 4 .. 4 NEUTRAL; half of what is beyond the expected counts."""
        moved, expected = self._moved - self._before, self._expected[-1] - _PRIOR
        ratio = NEUTRAL * (moved + _UNIT) // (expected + _UNIT)
        return min(max((NEUTRAL + ratio) // 2, NEUTRAL // 4), 4 * NEUTRAL)

    def habits(self) -> Symbols:
        """[E + 21] how much more or less than usual each symbol moves, 256ths of an octave, with this frame."""
        found = list(self._habits)
        for index, level in zip(self.order, self.levels, strict=True):
            found[index] += _STILL[level]
        for place, magnitude in self._moves:
            index, level = self.order[place], self.levels[place]
            found[index] += _growth(magnitude, _MEANS[level]) - _STILL[level]
        return tuple([MAX_HABIT if x > MAX_HABIT else x if x > -MAX_HABIT else -MAX_HABIT for x in found])


@lru_cache(maxsize=512)
def _plan(config: RangeConfig, distance: int) -> tuple[Symbols, Symbols]:
    """Where the coded symbols stand, head before expression, and their usual levels."""
    dims, steps, basis = config.dims, config.steps, config.motions
    usual = [*LEVELS[:dims], *LEVELS[FULL_DIMS:]]
    if basis is not None:
        for index, level in zip(steps.motions.tolist(), basis.usual, strict=True):
            usual[index] = level
    rise = _PER_OCTAVE * _log16(distance) >> 4 if distance else _KEY_LEVELS
    order = [index for index in (*range(dims, len(usual)), *range(dims)) if steps.limits[index]]
    return tuple(order), tuple(usual[index] + rise - _PER_QUALITY * config.quality for index in order)


def _log16(value: int) -> int:
    """16 log2(value), rounded, for value >= 1: the position of its first bit, and a table for the next six."""
    octave = value.bit_length() - 1
    return 16 * octave + LOG_MANTISSA[(value << 6 >> octave) - 64]
