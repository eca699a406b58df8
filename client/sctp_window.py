"""aiortc's SCTP with another window and quicker repair (client/delivery_window.py), and faces before avatars.

* The window is DeliveryWindow's instead of RFC 9260's (7.2), and packets leave in its rhythm: bursts would fill queues,
  and those of one direction bunch up the acknowledgements of the other.
* A chunk counts as missing as soon as one that was sent a quarter of a round trip later has arrived, after the idea of
  RACK (RFC 8985), but once for each time that it was sent. aiortc counts three acknowledgements; as those that were on
  their way count again for what has just been repeated, it sends each lost chunk several times.
* A timeout repeats only what has not been acknowledged.
* Messages of `avatar` wait in aiortc's queue behind all others, of which at most one chunk of theirs is ahead.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import Any

from aiortc.rtcsctptransport import SCTP_TSN_MODULO, USERDATA_MAX_LENGTH, DataChunk, RTCSctpTransport

from client.delivery_window import DeliveryWindow

YIELDING = "avatar"
"""Label of the channel whose messages let all others pass."""

REORDERING_SHARE = 0.25
"""Of a round trip: how far behind a later chunk one may be that has merely been overtaken."""

MISSES = 3
"""aiortc repeats a chunk when this many acknowledgements have left it out."""


def install() -> None:
    """Changes every association made from now on; a second call does nothing. After sctp_bundling's."""
    transport: Any = RTCSctpTransport
    if getattr(transport, "_has_delivery_window", False):
        return
    send_chunk, receive_sack, transmit = transport._send_chunk, transport._receive_sack_chunk, transport._transmit
    sending: set[asyncio.Task[None]] = set()
    t3_expired, send_message = transport._t3_expired, transport._data_channel_send

    def window_of(self: Any) -> DeliveryWindow:
        return self.__dict__.setdefault("_delivery", DeliveryWindow(USERDATA_MAX_LENGTH))

    async def send_noting(self: Any, chunk: Any) -> None:
        if isinstance(chunk, DataChunk):
            now = chunk.__dict__["_last_sent"] = self._loop.time()
            window = window_of(self)
            waiting = self._outbound_queue or self._data_channel_queue
            limited = not waiting and self._flight_size + USERDATA_MAX_LENGTH <= window.size
            window.sent(chunk.tsn, len(chunk.user_data), now, limited=limited)
        await send_chunk(self, chunk)

    async def transmit_in_window(self: Any) -> None:
        window = window_of(self)
        self._cwnd = min(window.size, self._flight_size + max(0, math.ceil(window.budget(self._loop.time()))))
        await transmit(self)
        waiting = self._outbound_queue or any(chunk._retransmit for chunk in self._sent_queue)
        timer = self.__dict__.get("_pacing")
        if waiting and self._flight_size < window.size and timer is None:
            self.__dict__["_pacing"] = self._loop.call_later(window.wait_s(), go_on, self)

    def go_on(self: Any) -> None:
        self.__dict__["_pacing"] = None
        if self._association_state is self.State.ESTABLISHED:
            task = self._loop.create_task(send_more(self), name="sctp.pacing")
            sending.add(task)
            task.add_done_callback(sending.discard)

    async def send_more(self: Any) -> None:
        with contextlib.suppress(ConnectionError):
            await self._transmit()
            await self._data_channel_flush()

    async def receive_sack_chunk(self: Any, sack: Any) -> None:
        window, now = window_of(self), self._loop.time()
        unsettled = [chunk for chunk in self._sent_queue if not chunk._acked]
        arrived = _acknowledged(unsettled, sack)
        window.acknowledged([chunk.tsn for chunk in arrived], now)
        if arrived:
            newest = max(chunk.__dict__["_last_sent"] for chunk in arrived)
            overdue = newest - REORDERING_SHARE * (window.rtt_s or 0.0)
            for chunk in unsettled:
                chunk._misses = MISSES - 1 if chunk.__dict__["_last_sent"] < overdue else -MISSES
        await receive_sack(self, sack)
        window.gone(chunk.tsn for chunk in unsettled if chunk._abandoned)

    def expired(self: Any) -> None:
        chunks = list(self._sent_queue)
        t3_expired(self)
        window_of(self).gone(chunk.tsn for chunk in chunks if chunk._abandoned)
        for chunk in chunks:
            chunk._retransmit = chunk._retransmit and not chunk._acked

    def send_before_avatars(self: Any, channel: Any, data: bytes | str) -> None:
        send_message(self, channel, data)
        if channel.label == YIELDING:
            return
        queue = self._data_channel_queue
        first = next((place for place, item in enumerate(queue) if item[0].label == YIELDING), len(queue))
        if first < len(queue) - 1:
            message = queue.pop()
            queue.insert(first, message)

    transport._send_chunk = send_noting
    transport._transmit = transmit_in_window
    transport._receive_sack_chunk = receive_sack_chunk
    transport._t3_expired = expired
    transport._data_channel_send = send_before_avatars
    transport._has_delivery_window = True


def _acknowledged(chunks: list[Any], sack: Any) -> list[Any]:
    """Those of `chunks` that have arrived as `sack` has it."""

    def has(tsn: int) -> bool:
        beyond = (tsn - sack.cumulative_tsn) % SCTP_TSN_MODULO
        covered = beyond == 0 or beyond > SCTP_TSN_MODULO // 2
        return covered or any(first <= beyond <= last for first, last in sack.gaps)

    return [chunk for chunk in chunks if has(chunk.tsn)]
