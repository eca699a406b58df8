"""The option `--closed-loop`."""

from __future__ import annotations

from enum import StrEnum


class ClosedLoop(StrEnum):
    """tracker.loop_mode.LoopMode, for commands that load nothing before they run."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
