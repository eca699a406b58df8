"""A real DTLS handshake whose datagrams get lost: what is repeated is repeated as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiortc import RTCCertificate, RTCDtlsTransport
from OpenSSL import SSL

from client import dtls_repeats
from tests.support.sctp_pair import until

dtls_repeats.install()


class Ice:
    """What RTCDtlsTransport needs of an ICE transport."""

    def __init__(self, role: str, drops: Callable[[int], bool]) -> None:
        self.role = role
        self.state = "completed"
        self.other: Ice | None = None
        self.sent: list[bytes] = []
        self._drops = drops
        self._arriving: asyncio.Queue[bytes] = asyncio.Queue()

    async def _send(self, data: bytes) -> None:
        self.sent.append(data)
        assert self.other is not None
        if not self._drops(len(self.sent) - 1):
            self.other._arriving.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._arriving.get()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls_repeats, "REPEAT_S", 0.02)


@pytest.mark.parametrize(
    ("client_loses", "server_loses"), [((), ()), ((0,), ()), ((), (0,)), ((1,), ()), ((0, 2), (0, 1))]
)
async def test_a_handshake_gets_over_losses_without_openssls_timer(
    client_loses: tuple[int, ...], server_loses: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    fired: list[Any] = []
    monkeypatch.setattr(SSL.Connection, "DTLSv1_handle_timeout", fired.append)
    ends = Ice("controlled", client_loses.__contains__), Ice("controlling", server_loses.__contains__)
    ends[0].other, ends[1].other = ends[1], ends[0]
    certificates = [RTCCertificate.generateCertificate() for _ in ends]
    transports = [
        RTCDtlsTransport(cast(Any, ice), [certificate]) for ice, certificate in zip(ends, certificates, strict=True)
    ]
    try:
        async with asyncio.TaskGroup() as group:
            for transport, other in zip(transports, reversed(transports), strict=True):
                group.create_task(transport.start(other.getLocalParameters()))
        assert [transport.state for transport in transports] == ["connected", "connected"]
        for number in client_loses:
            assert ends[0].sent[number] in ends[0].sent[number + 1 :]
        assert fired == []  # OpenSSL's own timer
    finally:
        for transport in transports:
            await transport.stop()


async def test_an_end_that_stops_in_mid_handshake_leaves_nothing_behind() -> None:
    ice = Ice("controlled", lambda number: True)
    ice.other = ice
    transport = RTCDtlsTransport(cast(Any, ice), [RTCCertificate.generateCertificate()])
    starting = asyncio.get_running_loop().create_task(transport.start(transport.getLocalParameters()))
    await until(lambda: len(ice.sent) > 2)
    await transport.stop()
    starting.cancel()
    await asyncio.wait([starting])
    assert len(set(ice.sent)) == 1
