"""Frames of profile `range`: differences of symbols, range-coded with static tables (docs/bitstream.md).

Each magnitude is coded with the table of a class, that is, of how large it is likely to be (codec.range_model).
"""

from __future__ import annotations

from dataclasses import dataclass

from codec.errors import BitstreamError
from codec.params import FaceParams
from codec.quantizer import Symbols
from codec.range_coder import TOTAL, Part, RangeDecoder, RangeEncoder, bits_part
from codec.range_model import HIGHEST_LEVEL, LOWEST_LEVEL, NEUTRAL, FrameModel, by_level
from codec.range_steps import RangeConfig
from codec.range_tables import SIZES

ESCAPE = len(SIZES[0]) - 1
"""The largest magnitude of a table; it says that the rest follows as an Exp-Golomb number."""
INERTIA = (0, 13, 16, 15, 16)
"""By distance: sixteenths of a frame's movement that the reference goes on for."""
ONWARD = (1 << 14, 27000, 20300, 1 << 14)
"""By the reference's speed in whole steps: size of the sign that its movement has, one frame later."""
CLASSES, PER_CLASS = len(SIZES), 4
"""Tables, and sixteenths of an octave of the expected magnitude to each."""
MOST_LEVEL = PER_CLASS * (CLASSES - 1) + 16 * 10
"""Ten low bits of a magnitude at most stand outside of a table."""
_LONGEST = 16
"""More leading zeros of an Exp-Golomb number than any symbol needs."""
_STARTS = tuple(tuple(sum(sizes[:symbol]) for symbol in range(len(sizes))) for sizes in SIZES)


@dataclass(frozen=True)
class RangeFrame:
    """One frame as both ends hold it.

    Args:
        config: what its symbols mean.
        symbols: [E + 21].
        velocity: [E + 21] how far each moves in a frame, sixteenths of a step.
        habits: [E + 21] how much more or less than usual each moves, 256ths of an octave.
        activity: how much more was moved than expected, NEUTRAL as expected.
    """

    config: RangeConfig
    symbols: Symbols
    velocity: Symbols
    habits: Symbols
    activity: int = NEUTRAL

    def to_params(self) -> FaceParams:
        """The face that the symbols stand for."""
        return self.config.steps.params(self.symbols)


def predicted(config: RangeConfig, reference: RangeFrame | None, distance: int) -> Symbols:
    """[E + 21] where a frame is expected: the reference moved on, the less surely the farther; or the neutral face."""
    limits = config.steps.limits
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


def write_frame(
    coder: RangeEncoder, config: RangeConfig, symbols: Symbols, reference: RangeFrame | None, distance: int
) -> RangeFrame:
    """Appends a frame to what `coder` holds, and returns it.

    Args:
        coder: of a frame, or of several ones in a row.
        config: of the frame, and of the reference.
        symbols: [E + 21] within the limits of `config.steps`.
        reference: what it is predicted from (`predicted`); None: a key frame.
        distance: from the reference in frames, at least 1; 0 without one.
    """
    model = _model(config, reference, distance)
    before = predicted(config, reference, distance)
    lift = model.lift
    parts: list[Part] = []
    for place, (index, level) in enumerate(zip(model.order, model.levels, strict=True)):
        difference = symbols[index] - before[index]
        if difference:
            parts += _parts(level + lift, difference, _positive(reference, distance, index))
            lift = model.moved(place, abs(difference))
        else:
            parts += _STILL[level + lift]
    coder.encode_all(parts)
    return _frame(config, symbols, reference, distance, model)


def read_frame(coder: RangeDecoder, config: RangeConfig, reference: RangeFrame | None, distance: int) -> RangeFrame:
    """Inverse of `write_frame`.

    Raises:
        BitstreamError: `bad_symbol`.
    """
    model = _model(config, reference, distance)
    limits = config.steps.limits
    symbols = list(predicted(config, reference, distance))
    lift, take_first = model.lift, coder.take_first
    for place, (index, level) in enumerate(zip(model.order, model.levels, strict=True)):
        if take_first(_STILL_SIZES[level + lift]):
            continue
        magnitude = _decode(coder, level + lift)
        if magnitude:
            symbols[index] += _signed(coder, magnitude, _positive(reference, distance, index))
            if abs(symbols[index]) > limits[index]:
                raise BitstreamError("bad_symbol", "A value is out of its range")
            lift = model.moved(place, magnitude)
    return _frame(config, tuple(symbols), reference, distance, model)


def encode_frame(
    config: RangeConfig, symbols: Symbols, reference: RangeFrame | None, distance: int
) -> tuple[bytes, RangeFrame]:
    """The payload of a single frame, and the frame; arguments as of `write_frame`."""
    coder = RangeEncoder()
    frame = write_frame(coder, config, symbols, reference, distance)
    return coder.to_bytes(), frame


def decode_frame(config: RangeConfig, data: bytes, reference: RangeFrame | None, distance: int) -> RangeFrame:
    """Inverse of `encode_frame`.

    Raises:
        BitstreamError: `bad_symbol`, `truncated` or `trailing`.
    """
    coder = RangeDecoder(data)
    frame = read_frame(coder, config, reference, distance)
    coder.finish()
    return frame


def _model(config: RangeConfig, reference: RangeFrame | None, distance: int) -> FrameModel:
    if reference is None:
        return FrameModel(config, distance, NEUTRAL, (0,) * len(config.steps.limits))
    return FrameModel(config, distance, reference.activity, reference.habits)


def _frame(
    config: RangeConfig, symbols: Symbols, reference: RangeFrame | None, distance: int, model: FrameModel
) -> RangeFrame:
    if reference is None:
        still = (0,) * len(symbols)
        return RangeFrame(config, symbols, still, still)
    velocity = tuple(
        [
            _toward_zero(16 * (symbol - before), distance) if symbol != before else 0
            for symbol, before in zip(symbols, reference.symbols, strict=True)
        ]
    )
    return RangeFrame(config, symbols, velocity, model.habits(), model.activity())


def _toward_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _positive(reference: RangeFrame | None, distance: int, index: int) -> int:
    """Size of the sign +: slow movement goes on, although too slow to be expected (`INERTIA`)."""
    if reference is None or distance != 1:
        return TOTAL // 2
    velocity = reference.velocity[index]
    size = ONWARD[min(abs(velocity) + 8 >> 4, len(ONWARD) - 1)]
    return size if velocity >= 0 else TOTAL - size


def _split(level: int) -> tuple[int, int]:
    """The table of a level, and how many low bits of the magnitude stand outside of it."""
    number = min(max(level, 0), MOST_LEVEL) // PER_CLASS
    raw = max(0, -(-(number - CLASSES + 1) // 4))
    return min(number - 4 * raw, CLASSES - 1), raw


def _still(level: int) -> tuple[Part, ...]:
    table, raw = _split(level)
    return ((0, SIZES[table][0]), *([bits_part(0, raw)] if raw else []))


_LEVELS = range(LOWEST_LEVEL, HIGHEST_LEVEL + 1)
_SPLITS = by_level([_split(level) for level in _LEVELS])
_STILL = by_level([_still(level) for level in _LEVELS])
"""What a difference of 0 is coded as."""
_STILL_SIZES = by_level([0 if _split(level)[1] else SIZES[_split(level)[0]][0] for level in _LEVELS])
"""Size of the symbol that alone says 0; 0 where there is none."""


def _parts(level: int, difference: int, positive: int) -> list[Part]:
    table, raw = _SPLITS[level]
    magnitude = abs(difference)
    high = magnitude >> raw
    symbol = min(high, ESCAPE)
    parts = [(_STARTS[table][symbol], SIZES[table][symbol])]
    if symbol == ESCAPE:
        number = high - ESCAPE + 1
        zeros = number.bit_length() - 1
        parts += [bits_part(bit, 1) for bit in (*[0] * zeros, 1)]
        parts.append(bits_part(number - (1 << zeros), zeros))
    if raw:
        parts.append(bits_part(magnitude & ((1 << raw) - 1), raw))
    parts.append((0, positive) if difference > 0 else (positive, TOTAL - positive))
    return parts


def _signed(coder: RangeDecoder, magnitude: int, positive: int) -> int:
    if coder.take_first(positive):
        return magnitude
    coder.take(positive, TOTAL - positive)
    return -magnitude


def _decode(coder: RangeDecoder, level: int) -> int:
    """A magnitude."""
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
    return high << raw | (coder.decode_bits(raw) if raw else 0)
