"""Frames of profile `range`: differences of symbols, range-coded with static tables (docs/bitstream.md).

Each magnitude is coded with the table of a class, that is, of how large it is likely to be (codec.range_model).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from codec.errors import BitstreamError
from codec.params import FaceParams
from codec.quantizer import Symbols
from codec.range_coder import RangeDecoder, RangeEncoder
from codec.range_model import CLASSES, HIGHEST_LEVEL, NEUTRAL, PER_CLASS, FrameModel
from codec.range_steps import QUALITIES_PER_OCTAVE, RangeConfig
from codec.range_tables import SIZES

ESCAPE = len(SIZES[0]) - 1
"""The largest magnitude of a table; it says that the rest follows as an Exp-Golomb number."""
INERTIA = (0, 13, 16, 15, 16)
"""By distance: sixteenths of a frame's movement that the reference goes on for."""
_ROOTS = (65_536, 77_936, 92_682, 110_218)
"""2 ** (16 + k / 4)."""
_HALF = 1 << 15
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
        activity: how much more was moved than expected, NEUTRAL as usual.
    """

    config: RangeConfig
    symbols: Symbols
    velocity: Symbols
    activity: int = NEUTRAL

    def to_params(self) -> FaceParams:
        """The face that the symbols stand for."""
        return self.config.steps.params(self.symbols)


def rescaled(frame: RangeFrame, config: RangeConfig) -> RangeFrame | None:
    """A frame as a reference for one of another quality; None if it cannot be one, since it has other parameters."""
    if config == frame.config:
        return frame
    if config != replace(frame.config, quality=config.quality):
        return None
    octaves, part = divmod(frame.config.quality - config.quality, QUALITIES_PER_OCTAVE)

    def scaled(number: int) -> int:
        size = abs(number) * _ROOTS[part]
        size = size << octaves if octaves >= 0 else size >> -octaves
        return size + _HALF >> 16 if number >= 0 else -(size + _HALF >> 16)

    symbols = tuple(
        min(max(scaled(symbol), -limit), limit)
        for symbol, limit in zip(frame.symbols, config.steps.limits, strict=True)
    )
    return RangeFrame(config, symbols, tuple(scaled(speed) for speed in frame.velocity), frame.activity)


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
    model = FrameModel(config, reference.activity if reference else NEUTRAL, distance)
    before = predicted(config, reference, distance)
    for index, usual, mean in model.plan:
        difference = symbols[index] - before[index]
        _encode(coder, model.level(usual), difference)
        model.learn(difference, mean)
    return _frame(config, symbols, reference, distance, model)


def read_frame(coder: RangeDecoder, config: RangeConfig, reference: RangeFrame | None, distance: int) -> RangeFrame:
    """Inverse of `write_frame`.

    Raises:
        BitstreamError: `bad_symbol`.
    """
    model = FrameModel(config, reference.activity if reference else NEUTRAL, distance)
    limits = config.steps.limits
    symbols = list(predicted(config, reference, distance))
    for index, usual, mean in model.plan:
        difference = _decode(coder, model.level(usual))
        if difference:
            symbols[index] += difference
            if abs(symbols[index]) > limits[index]:
                raise BitstreamError("bad_symbol", "A value is out of its range")
        model.learn(difference, mean)
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


def _frame(
    config: RangeConfig, symbols: Symbols, reference: RangeFrame | None, distance: int, model: FrameModel
) -> RangeFrame:
    if reference is None:
        return RangeFrame(config, symbols, (0,) * len(symbols))
    velocity = tuple(
        _toward_zero(16 * (symbol - before), distance) if symbol != before else 0
        for symbol, before in zip(symbols, reference.symbols, strict=True)
    )
    return RangeFrame(config, symbols, velocity, model.activity())


def _toward_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def _split(level: int) -> tuple[int, int]:
    """The table of a level, and how many low bits of the magnitude stand outside of it."""
    number = level // PER_CLASS
    raw = max(0, -(-(number - CLASSES + 1) // 4))
    return min(number - 4 * raw, CLASSES - 1), raw


_SPLITS = tuple(_split(level) for level in range(HIGHEST_LEVEL + 1))


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
