"""Counters and gauges in the Prometheus text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass
class Metrics:
    """What has happened since the start.

    Args:
        connections: sockets opened, of parts and of workers.
        joins: members that entered a room.
        members_lost: members given up after their grace time.
        clients_lost: hosted clients that went away from a member.
        messages: messages received from parts.
        relayed: `signal` messages passed on.
        relay_dropped: `signal` messages to a part that was away.
        refused: messages, tokens and requests answered with an error.
        stalled: sockets closed because nothing was read from them.
    """

    connections: int = 0
    joins: int = 0
    members_lost: int = 0
    clients_lost: int = 0
    messages: int = 0
    relayed: int = 0
    relay_dropped: int = 0
    refused: int = 0
    stalled: int = 0

    def to_text(self, gauges: Mapping[str, int]) -> str:
        """The page for Prometheus: these counters and the given current values."""
        lines: list[str] = []
        for item in fields(self):
            lines += [
                f"# TYPE visavis_{item.name}_total counter",
                f"visavis_{item.name}_total {getattr(self, item.name)}",
            ]
        for name, value in gauges.items():
            lines += [f"# TYPE visavis_{name} gauge", f"visavis_{name} {value}"]
        return "\n".join(lines) + "\n"
