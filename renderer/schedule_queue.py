"""In which order heads that are due get drawn: the earliest deadline first. Sans-IO.

A deadline never moves once it is set, and whoever comes later has a later one; so everybody's turn comes after one
period and the heads that were waiting already, however much is asked of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from renderer.schedule_plan import Key, Rank

EQUAL_S = 0.01
"""Deadlines that lie this close together are equal."""


@dataclass(frozen=True)
class _Entry:
    deadline: float
    rank: Rank
    number: int

    @property
    def urgency(self) -> tuple[float, int, float, int]:
        return (self.deadline // EQUAL_S, -self.rank, self.deadline, self.number)


class DueHeads:
    """Heads that wait to be drawn, each at most once."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def put(self, key: Key, deadline: float, rank: Rank = Rank.OTHER) -> None:
        """A head is due until `deadline`, seconds; one that waits already keeps its place."""
        if key not in self._entries:
            self._count += 1
            self._entries[key] = _Entry(deadline, rank, self._count)

    def take(self) -> Key | None:
        """Removes and returns the head to draw next; None where none waits."""
        if not self._entries:
            return None
        key = min(self._entries, key=lambda key: self._entries[key].urgency)
        del self._entries[key]
        return key

    def discard(self, key: Key) -> None:
        """The head need not be drawn."""
        self._entries.pop(key, None)
