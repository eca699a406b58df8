"""Data channels that are of use at once: who opens one may send before that is acknowledged (RFC 8832, section 6).

aiortc waits for the acknowledgement, a round trip in which both sides could have greeted each other. Messages on
ordered channels cannot overtake the one that opens theirs; those on unordered channels can, so that these still wait.
"""

from __future__ import annotations

from typing import Any

from aiortc.rtcsctptransport import WEBRTC_DCEP, RTCSctpTransport


def install() -> None:
    """Changes every association made from now on; a second call does nothing."""
    transport: Any = RTCSctpTransport
    if getattr(transport, "_opens_early", False):
        return
    flush = transport._data_channel_flush

    async def data_channel_flush(self: Any) -> None:
        opening = [
            channel
            for channel, protocol, _ in self._data_channel_queue
            if protocol == WEBRTC_DCEP and channel.ordered and channel.readyState == "connecting"
        ]
        await flush(self)
        for channel in opening:
            sent = channel.id is not None and self._association_state is self.State.ESTABLISHED
            if sent and channel.readyState == "connecting":
                channel._setReadyState("open")

    transport._data_channel_flush = data_channel_flush
    transport._opens_early = True
