"""A bad network under real sockets: what aioice's sockets on the loopback interface send goes through an ImpairedLink.

Each socket has a link of its own, as each side of a call has its own way up; on the loopback interface a socket talks
to one other. Sizes are those of IPv4 packets with the datagrams that really go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aioice.ice

from visavis.bench.impaired_link import IP_UDP_BYTES, ImpairedLink, Impairment


class _ImpairedTransport:
    """A datagram transport that sends late, or not at all."""

    def __init__(self, transport: asyncio.DatagramTransport, link: ImpairedLink) -> None:
        self._transport = transport
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def sendto(self, data: bytes, address: Any = None) -> None:
        """Hands a datagram to the link."""
        self._link.send(data, self._loop.time())
        self._plan(address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _plan(self, address: Any) -> None:
        arrival = self._link.next_arrival()
        if self._timer is None and arrival is not None:
            self._timer = self._loop.call_at(arrival, self._deliver, address)

    def _deliver(self, address: Any) -> None:
        self._timer = None
        for data in self._link.receive(self._loop.time()):
            if not self._transport.is_closing():
                self._transport.sendto(data, address)
        self._plan(address)


@contextmanager
def impaired_sockets(impairment: Impairment, seed: int) -> Iterator[list[ImpairedLink]]:
    """Impairs all sockets that are opened within the block; yields the list of their links, which grows."""
    protocol: Any = aioice.ice.StunProtocol
    made = protocol.connection_made
    links: list[ImpairedLink] = []

    def connection_made(self: Any, transport: asyncio.DatagramTransport) -> None:
        links.append(ImpairedLink(impairment, 100 * seed + len(links), lambda data: len(data) + IP_UDP_BYTES))
        made(self, _ImpairedTransport(transport, links[-1]))

    protocol.connection_made = connection_made
    try:
        yield links
    finally:
        protocol.connection_made = made
