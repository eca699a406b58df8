"""A bad network inside the process: every aioice socket loses arriving datagrams, or all of them for a while."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aioice.ice


@dataclass
class Link:
    """The network that all connections of the process share.

    Args:
        loss: share of datagrams that get lost.
        up: False loses everything.
    """

    loss: float = 0.0
    up: bool = True
    lost: int = 0
    passed: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def passes(self) -> bool:
        """Whether the next datagram arrives."""
        arrives = self.up and self._random.random() >= self.loss
        self.passed += arrives
        self.lost += not arrives
        return arrives


@contextmanager
def lossy_link(loss: float = 0.0) -> Iterator[Link]:
    """Puts all connections on a `Link` within the block."""
    protocol: Any = aioice.ice.StunProtocol
    received = protocol.datagram_received
    link = Link(loss)

    def datagram_received(self: Any, data: bytes, addr: tuple[Any, ...]) -> None:
        if link.passes():
            received(self, data, addr)

    protocol.datagram_received = datagram_received
    try:
        yield link
    finally:
        protocol.datagram_received = received
