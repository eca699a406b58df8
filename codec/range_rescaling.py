"""Frames of profile `range` as references for frames of another quality (docs/bitstream.md, "Other quality")."""

from __future__ import annotations

from dataclasses import replace

from codec.range_frame import RangeFrame
from codec.range_steps import QUALITIES_PER_OCTAVE, RangeConfig

_ROOTS = (65_536, 77_936, 92_682, 110_218)
"""2 ** (16 + k / 4)."""
_HALF = 1 << 15


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
    return replace(frame, config=config, symbols=symbols, velocity=tuple(scaled(speed) for speed in frame.velocity))
