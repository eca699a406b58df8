"""Frames of profile `range`: differences of symbols, range-coded with static tables (docs/bitstream.md).

Each magnitude is coded with the table of a class, that is, of how large it is likely to be. The class follows from the
parameter, the quality, the distance to the reference, and from how much more or less than usual has moved so far: in
the reference and in the parameters of this frame that are through. Everything is integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from codec.errors import BitstreamError
from codec.quantizer import Symbols
from codec.range_coder import RangeDecoder, RangeEncoder
from codec.range_steps import FULL_DIMS, steps_for
from codec.range_tables import BY_DISTANCE, BY_QUALITY, KEY_LEVELS, LEVELS, LOG_MANTISSA, SIZES

ESCAPE = len(SIZES[0]) - 1
"""The largest magnitude of a table; it says that the rest follows as an Exp-Golomb number."""
CLASSES = len(SIZES)
PER_CLASS = 4
"""Levels, sixteenths of an octave of the expected magnitude, to a class."""
NEUTRAL = 16
"""Activity of a frame that moves as usual."""
INERTIA = (0, 13, 16, 15, 16)
"""By distance: sixteenths of a frame's movement that the reference goes on for."""
_UNIT = 256
_PRIOR = 3 * _UNIT
_SMALLEST = 8
"""Expected magnitude of level 0, over _UNIT: 0.03."""
_LONGEST = 16
"""More leading zeros of an Exp-Golomb number than any symbol needs."""
_HIGHEST_LEVEL = PER_CLASS * (CLASSES - 1) + 16 * 10

_MOST = 4096
"""A magnitude counts up to this."""
MAX_DISTANCE = 32
_OFFSETS = {ratio: min(max(7 * ratio // 10, -22), 22) for ratio in range(-16 * 32, 16 * 32)}
"""Change of the level by 16 log2 of what has moved over what was expected."""

_STARTS = tuple(tuple(sum(sizes[:symbol]) for symbol in range(len(sizes))) for sizes in SIZES)


@dataclass(frozen=True)
class RangeFrame:
    """One frame as both ends hold it.

    Args:
        dims: E.
        quality: see codec.range_steps.
        symbols: [E + 21].
        velocity: [E + 21] how far each moves in a frame, sixteenths of a step.
        activity: how much more was moved than expected, NEUTRAL as usual.
    """

    dims: int
    quality: int
    symbols: Symbols
    velocity: Symbols
    activity: int = NEUTRAL


def predicted(dims: int, quality: int, reference: RangeFrame | None, distance: int) -> Symbols:
    """[E + 21] where a frame is expected: the reference moved on, the less surely the farther; or the neutral face."""
    limits = steps_for(dims, quality).limits
    if reference is None:
        return (0,) * len(limits)
    trust = INERTIA[distance] if distance < len(INERTIA) else 0
    symbols = reference.symbols
    if not trust or not any(reference.velocity):
        return symbols
    moved = list(symbols)
    for index, speed in enumerate(reference.velocity):
        if speed:
            symbol, limit = symbols[index] + _toward_zero(trust * speed, 256), limits[index]
            moved[index] = -limit if symbol < -limit else symbol if symbol < limit else limit
    return tuple(moved)


def encode_frame(
    dims: int, quality: int, symbols: Symbols, reference: RangeFrame | None, distance: int
) -> tuple[bytes, RangeFrame]:
    """The payload of a frame, and the frame.

    Args:
        dims, quality: of it, and of the reference.
        symbols: [E + 21] within the limits of codec.range_steps.
        reference: what it is predicted from (`predicted`); None: a key frame.
        distance: from the reference in frames, at least 1; 0 without one.
    """
    coder, model = RangeEncoder(), _Model(dims, quality, reference, distance)
    before = predicted(dims, quality, reference, distance)
    for index, usual, mean in model.plan:
        difference = symbols[index] - before[index]
        _encode(coder, model.level(usual), difference)
        model.learn(difference, mean)
    return coder.to_bytes(), _frame(dims, quality, symbols, reference, distance, model)


def decode_frame(dims: int, quality: int, data: bytes, reference: RangeFrame | None, distance: int) -> RangeFrame:
    """Inverse of `encode_frame`.

    Raises:
        BitstreamError: `bad_symbol`, `truncated` or `trailing`.
    """
    coder, model = RangeDecoder(data), _Model(dims, quality, reference, distance)
    limits = steps_for(dims, quality).limits
    symbols = list(predicted(dims, quality, reference, distance))
    for index, usual, mean in model.plan:
        difference = _decode(coder, model.level(usual))
        if difference:
            symbols[index] += difference
            if abs(symbols[index]) > limits[index]:
                raise BitstreamError("bad_symbol", "A value is out of its range")
        model.learn(difference, mean)
    coder.finish()
    return _frame(dims, quality, tuple(symbols), reference, distance, model)


def _frame(
    dims: int, quality: int, symbols: Symbols, reference: RangeFrame | None, distance: int, model: _Model
) -> RangeFrame:
    if reference is None:
        return RangeFrame(dims, quality, symbols, (0,) * len(symbols))
    velocity = tuple(
        _toward_zero(16 * (symbol - before), distance) if symbol != before else 0
        for symbol, before in zip(symbols, reference.symbols, strict=True)
    )
    return RangeFrame(dims, quality, symbols, velocity, model.activity())


def _toward_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


class _Model:
    """What is expected of each parameter of one frame, in the order in which they are coded."""

    def __init__(self, dims: int, quality: int, reference: RangeFrame | None, distance: int) -> None:
        self.plan = _plan(dims, quality, distance)
        start = reference.activity if reference else NEUTRAL
        self._before = _PRIOR * start // NEUTRAL - _PRIOR
        self._moved, self._expected = _PRIOR + self._before, _PRIOR
        self._log_moved = _log16(self._moved)

    def level(self, usual: int) -> int:
        """Of the next parameter: its usual one, raised or lowered by what has moved so far."""
        expected = self._expected  # its _log16, written out: this runs for each parameter of each frame
        octave = expected.bit_length() - 1
        log_expected = 16 * octave + LOG_MANTISSA[(expected << 6 >> octave) - 64]
        level = usual + _OFFSETS[self._log_moved - log_expected]
        return 0 if level < 0 else level if level < _HIGHEST_LEVEL else _HIGHEST_LEVEL

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
def _plan(dims: int, quality: int, distance: int) -> tuple[tuple[int, int, int], ...]:
    """(index, usual level, expected magnitude) of each parameter that has steps, pose before expression."""
    limits = steps_for(dims, quality).limits
    far = _log16(min(distance, MAX_DISTANCE)) if distance else 0
    plan: list[tuple[int, int, int]] = []
    for index in (*range(dims, len(limits)), *range(dims)):
        row = index if index < dims else index - dims + FULL_DIMS
        if distance:
            level = LEVELS[row] + (BY_QUALITY[row] * quality >> 4) + (BY_DISTANCE[row] * far >> 5)
        else:
            level = KEY_LEVELS[row] - 4 * quality
        level = min(max(level, 0), _HIGHEST_LEVEL)
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


def _split(level: int) -> tuple[int, int]:
    """The table of a level, and how many low bits of the magnitude stand outside of it."""
    number = level // PER_CLASS
    raw = max(0, -(-(number - CLASSES + 1) // 4))
    return min(number - 4 * raw, CLASSES - 1), raw


_SPLITS = tuple(_split(level) for level in range(_HIGHEST_LEVEL + 1))


def _encode(coder: RangeEncoder, level: int, difference: int) -> None:
    table, raw = _SPLITS[level]
    magnitude = abs(difference)
    high = magnitude >> raw
    symbol = min(high, ESCAPE)
    coder.encode(_STARTS[table][symbol], SIZES[table][symbol])
    if symbol == ESCAPE:
        number = high - ESCAPE + 1
        zeros = number.bit_length() - 1
        for bit in (*[0] * zeros, 1):
            coder.encode_bits(bit, 1)
        coder.encode_bits(number - (1 << zeros), zeros)
    if raw:
        coder.encode_bits(magnitude & ((1 << raw) - 1), raw)
    if magnitude:
        coder.encode_bits(int(difference < 0), 1)


def _decode(coder: RangeDecoder, level: int) -> int:
    table, raw = _SPLITS[level]
    starts, part = _STARTS[table], coder.peek()
    symbol = 0
    while symbol < ESCAPE and starts[symbol + 1] <= part:
        symbol += 1
    coder.take(starts[symbol], SIZES[table][symbol])
    high = symbol
    if symbol == ESCAPE:
        zeros = 0
        while not coder.decode_bits(1):
            zeros += 1
            if zeros >= _LONGEST:
                raise BitstreamError("bad_symbol", "The packet holds a code longer than any valid one")
        high = ESCAPE + (1 << zeros) + coder.decode_bits(zeros) - 1
    magnitude = high << raw | (coder.decode_bits(raw) if raw else 0)
    return -magnitude if magnitude and coder.decode_bits(1) else magnitude
