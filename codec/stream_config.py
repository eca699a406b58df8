"""Which profiles the frames of a stream file may have, and the byte that configures each (docs/stream-file.md)."""

from __future__ import annotations

from codec.errors import BitstreamError
from codec.frame_coding import config_code, config_of
from codec.quantizer import StreamConfig
from codec.range_steps import RangeConfig, pack_range_config, unpack_range_config

FrameConfig = StreamConfig | RangeConfig
"""What the symbols of a stream's frames mean; its type is the profile."""

PROFILES = ("eg0", "range")
"""Coding profiles by their number."""


def profile_of(config: FrameConfig) -> str:
    """The profile, one of PROFILES."""
    return PROFILES[isinstance(config, RangeConfig)]


def carries_all(config: FrameConfig) -> bool:
    """Whether every frame carries gaze and torso; in the other profile they are options."""
    return isinstance(config, RangeConfig)


def dims_of(config: FrameConfig) -> int:
    """E, the number of expression coefficients."""
    return config.dims if isinstance(config, RangeConfig) else config.expression_dims


def pack_config(config: FrameConfig) -> tuple[int, int]:
    """The number of the profile, and the configuration byte."""
    if isinstance(config, RangeConfig):
        return 1, pack_range_config(config)
    return 0, config_code(config)


def unpack_config(profile: int, code: int) -> FrameConfig:
    """Inverse of `pack_config`.

    Raises:
        BitstreamError: `bad_profile`, `bad_config` or `unknown_motions`: files are in the standard ones.
    """
    if profile >= len(PROFILES):
        raise BitstreamError("bad_profile", f"The stream file has the unknown profile {profile}")
    if not profile:
        return config_of(code)
    return unpack_range_config(code)
