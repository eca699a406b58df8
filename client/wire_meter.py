"""Bytes on the wire: every UDP datagram of a connection, with its IP and UDP header.

aiortc counts payloads only, and for a 30-byte face packet the headers are four fifths of the truth. The meter sits on
aioice's sockets, so ICE, DTLS and SCTP are all in it. Datagrams over a TURN relay lack the relay's own framing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import aioice.ice
from aiortc import RTCPeerConnection

IPV4_UDP_BYTES = 20 + 8
IPV6_UDP_BYTES = 40 + 8


@dataclass
class WireMeter:
    """Totals since the connection was made."""

    bytes_out: int = 0
    bytes_in: int = 0
    datagrams_out: int = 0
    datagrams_in: int = 0

    def sent(self, size: int, host: str) -> None:
        """Counts one outgoing datagram of `size` bytes to `host`."""
        self.bytes_out += size + header_bytes(host)
        self.datagrams_out += 1

    def received(self, size: int, host: str) -> None:
        """Counts one incoming datagram."""
        self.bytes_in += size + header_bytes(host)
        self.datagrams_in += 1


def header_bytes(host: str) -> int:
    """IP and UDP header of a datagram to or from `host`, without extensions."""
    return IPV6_UDP_BYTES if ":" in host else IPV4_UDP_BYTES


_meters: WeakKeyDictionary[aioice.ice.Connection, WireMeter] = WeakKeyDictionary()


def meter_of(connection: RTCPeerConnection) -> WireMeter:
    """The meter of a connection that has a data channel; all zero before the first datagram."""
    sctp = connection.sctp
    if sctp is None:
        return WireMeter()
    return _meters.setdefault(sctp.transport.transport._connection, WireMeter())


class _MeteredTransport:
    """A datagram transport that counts what is sent; everything else is the wrapped transport's."""

    def __init__(self, transport: Any, meter: WireMeter) -> None:
        self._transport = transport
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def sendto(self, data: bytes, addr: tuple[str, int] | None = None) -> None:
        self._meter.sent(len(data), addr[0] if addr else "")
        self._transport.sendto(data, addr)


def install() -> None:
    """Puts a meter on every aioice socket made from now on; a second call does nothing."""
    protocol: Any = aioice.ice.StunProtocol
    if getattr(protocol, "_metered", False):
        return
    made, received = protocol.connection_made, protocol.datagram_received

    def connection_made(self: Any, transport: Any) -> None:
        made(self, _MeteredTransport(transport, _meters.setdefault(self.receiver, WireMeter())))

    def datagram_received(self: Any, data: bytes, addr: tuple[Any, ...]) -> None:
        _meters.setdefault(self.receiver, WireMeter()).received(len(data), str(addr[0]))
        received(self, data, addr)

    protocol.connection_made = connection_made
    protocol.datagram_received = datagram_received
    protocol._metered = True
