"""Fewer and fuller SCTP packets: acknowledgements wait a moment and ride with data (RFC 9260, sections 6.1 and 6.2).

aiortc answers each packet with a packet of its own. Two clients that send 25 faces a second each way thus send 100
datagrams, of which half carry nothing but 28 bytes of acknowledgement in 93 bytes of packaging.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiortc.rtcsctptransport import (
    SCTP_COMMON_HEADER_LENGTH,
    SCTP_MAX_PACKET_LENGTH,
    DataChunk,
    RTCSctpTransport,
    SackChunk,
)

SACK_DELAY_S = 0.1
"""RFC 9260 allows 0.5 s and demands one acknowledgement for every second packet."""


class _Bundle:
    """Two chunks of one packet."""

    def __init__(self, first: bytes, second: bytes) -> None:
        self._bytes = first + bytes(-len(first) % 4) + second

    def __bytes__(self) -> bytes:
        return self._bytes

    def __repr__(self) -> str:
        return f"Bundle({len(self._bytes)})"


class _Held:
    """The acknowledgement that one association owes."""

    def __init__(self, sack: SackChunk, timer: asyncio.TimerHandle) -> None:
        self.sack = sack
        self.timer = timer


def install() -> None:
    """Changes every association made from now on; a second call does nothing."""
    transport: Any = RTCSctpTransport
    if getattr(transport, "_bundles", False):
        return
    send_alone = transport._send_chunk
    sending: set[asyncio.Task[None]] = set()

    async def send_late(self: Any, sack: SackChunk) -> None:
        with contextlib.suppress(ConnectionError):
            await send_alone(self, sack)

    def release(self: Any) -> None:
        held: _Held | None = self.__dict__.pop("_held", None)
        if held is not None and self._association_state is self.State.ESTABLISHED:
            task = self._loop.create_task(send_late(self, held.sack), name="sctp.sack")
            sending.add(task)
            task.add_done_callback(sending.discard)

    async def send_chunk(self: Any, chunk: Any) -> None:
        held: _Held | None = self.__dict__.get("_held")
        if isinstance(chunk, SackChunk):
            if held is None and not chunk.gaps and not chunk.duplicates:
                self._held = _Held(chunk, self._loop.call_later(SACK_DELAY_S, release, self))
                return
        elif held is not None and isinstance(chunk, DataChunk):
            bundle = _Bundle(bytes(held.sack), bytes(chunk))
            if SCTP_COMMON_HEADER_LENGTH + len(bytes(bundle)) > SCTP_MAX_PACKET_LENGTH:
                await send_alone(self, chunk)
                return
            chunk = bundle
        else:
            await send_alone(self, chunk)
            return
        if held is not None:  # it goes out now, in this packet or as part of a newer one
            held.timer.cancel()
            del self._held
        await send_alone(self, chunk)

    transport._send_chunk = send_chunk
    transport._bundles = True
