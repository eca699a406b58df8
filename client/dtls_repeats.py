"""A lost datagram of the DTLS handshake is repeated after a quarter of a second instead of a second.

OpenSSL's timer begins at 1 s (RFC 6347, 4.2.4.1) and cannot be set from Python. So the last datagram goes out again as
it is, as if the network had repeated it: who has it already drops it, as DTLS's protection against replays has it.
That need not make the other side repeat its own last one; it does so by itself until it hears something else.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiortc import RTCDtlsTransport

REPEAT_S = 0.25
MOST_REPEATS = 12
"""Then it is left to OpenSSL's timer."""
PLAIN_HANDSHAKE = (20, 22)
"""First byte of a datagram (RFC 9147, 4.1) from somebody who is still at it."""


class _Repeating:
    """Looks after one handshake.

    Args:
        ice: the transport below, whose `_send` and `_recv` pass through here until the handshake is over.
    """

    def __init__(self, ice: Any) -> None:
        self._ice = ice
        self._send, self._recv = ice._send, ice._recv
        self._last = self._newest = b""
        self._heard = 0
        self._settled = False
        self.done = False
        ice._send, ice._recv = self._sending, self._receiving

    async def _sending(self, data: bytes) -> None:
        self._last = data
        await self._send(data)

    async def _receiving(self) -> bytes:
        data = await self._recv()
        self._heard += data != self._newest  # the same once more: the other side waits for ours
        self._newest = data
        self._settled |= self.done and data[0] not in PLAIN_HANDSHAKE
        return data

    def handshake_over(self) -> None:
        """What goes out from now on is not ours to repeat."""
        self.done = True
        self._ice._send = self._send

    async def run(self) -> None:
        """Repeats until the handshake is over for both sides."""
        heard = 0
        with contextlib.suppress(ConnectionError):
            for _ in range(MOST_REPEATS):
                await asyncio.sleep(REPEAT_S)
                if self._settled:
                    break
                if self._last and (self.done or self._heard == heard):
                    await self._send(self._last)
                heard = self._heard


def install() -> None:
    """Changes every connection made from now on; a second call does nothing."""
    transport: Any = RTCDtlsTransport
    if getattr(transport, "_repeats_early", False):
        return
    begin, end = transport.start, transport.stop

    async def start(self: Any, parameters: Any) -> None:
        repeating = _Repeating(self.transport)
        self._repeats = asyncio.get_running_loop().create_task(repeating.run(), name="dtls.repeats")
        try:
            await begin(self, parameters)
        finally:
            repeating.handshake_over()
            if self.state != "connected":
                await cancel(self)

    async def stop(self: Any) -> None:
        await cancel(self)
        await end(self)

    async def cancel(self: Any) -> None:
        task = self.__dict__.get("_repeats")
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    transport.start = start
    transport.stop = stop
    transport._repeats_early = True
