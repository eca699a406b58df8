"""Fewer and fuller SCTP packets: acknowledgements wait a moment and ride with data (RFC 9260, sections 6.1 and 6.2).

aiortc answers each packet with a packet of its own. Two clients that send 25 faces a second each way thus send 100
datagrams, of which half carry nothing but 16 bytes of acknowledgement in 77 bytes of packaging. client/held_chunks.py
decides what waits; this is the shell around it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from aiortc.rtcsctptransport import (
    SCTP_COMMON_HEADER_LENGTH,
    SCTP_MAX_PACKET_LENGTH,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    RTCSctpTransport,
    SackChunk,
)

from client.held_chunks import HeldChunks


class _Bundle:
    """Several chunks of one packet, each but the last padded to four bytes."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._bytes = b""
        for chunk in chunks:
            self._bytes += bytes(-len(self._bytes) % 4) + bytes(chunk)

    def __bytes__(self) -> bytes:
        return self._bytes

    def __repr__(self) -> str:
        return f"Bundle({len(self._bytes)})"


class _Holding:
    """What one association holds, and the timer that ends it."""

    def __init__(self) -> None:
        self.chunks = HeldChunks()
        self.timer: asyncio.TimerHandle | None = None


def install() -> None:
    """Changes every association made from now on; a second call does nothing."""
    transport: Any = RTCSctpTransport
    if getattr(transport, "_bundles", False):
        return
    send_alone, receive_data = transport._send_chunk, transport._receive_data_chunk
    sending: set[asyncio.Task[None]] = set()

    def holding_of(self: Any) -> _Holding:
        return self.__dict__.setdefault("_holding", _Holding())

    async def send_with_held(self: Any, chunks: Sequence[Chunk]) -> None:
        """What is held, if it fits, and `chunks`, in one packet."""
        holding = holding_of(self)
        room = SCTP_MAX_PACKET_LENGTH - SCTP_COMMON_HEADER_LENGTH - sum(len(bytes(chunk)) + 3 for chunk in chunks)
        packet = [*holding.chunks.take(room), *chunks]
        plan(self)
        if packet:
            await send_alone(self, _Bundle(packet))

    async def send_late(self: Any) -> None:
        with contextlib.suppress(ConnectionError):
            await send_with_held(self, ())

    def release(self: Any) -> None:
        holding_of(self).timer = None
        if self._association_state is self.State.ESTABLISHED:
            task = self._loop.create_task(send_late(self), name="sctp.held")
            sending.add(task)
            task.add_done_callback(sending.discard)

    def plan(self: Any) -> None:
        holding = holding_of(self)
        if holding.timer is not None:
            holding.timer.cancel()
        deadline = holding.chunks.deadline
        holding.timer = None if deadline is None else self._loop.call_at(deadline, release, self)

    async def send_chunk(self: Any, chunk: Any) -> None:
        holding = holding_of(self)
        if isinstance(chunk, SackChunk | ForwardTsnChunk):
            if holding.chunks.hold(chunk, self._loop.time()):
                plan(self)
            else:
                await send_with_held(self, ())
        elif isinstance(chunk, DataChunk):
            holding.chunks.sent(self._loop.time())
            await send_with_held(self, (chunk,))
        else:
            await send_alone(self, chunk)

    async def receive_data_chunk(self: Any, chunk: Any) -> None:
        holding_of(self).chunks.received(len(chunk.user_data))
        await receive_data(self, chunk)

    transport._send_chunk = send_chunk
    transport._receive_data_chunk = receive_data_chunk
    transport._bundles = True
