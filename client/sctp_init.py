"""SCTP without its handshake: the INIT chunks of both sides travel with offer and answer (draft-hancke-tsvwg-snap).

They say nothing that the encrypted handshake would protect better than the descriptions, which hold the fingerprints.
Two round trips less until a connection is of use, and four packets less that can get lost. An answer has the line only
if the offer had one; without it on both sides SCTP greets itself as ever.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Any

from aiortc.rtcsctptransport import InitChunk, RTCSctpTransport, tsn_minus_one

_LINE = re.compile(r"^a=sctp-init:([A-Za-z0-9+/=]{1,400})\s*$", re.MULTILINE)


def line_of(sctp: RTCSctpTransport) -> str:
    """The line of a description that has our INIT chunk's content."""
    transport: Any = sctp
    chunk = InitChunk()
    chunk.initiate_tag = transport._local_verification_tag
    chunk.advertised_rwnd = transport._advertised_rwnd
    chunk.outbound_streams = transport._outbound_streams_count
    chunk.inbound_streams = transport._inbound_streams_max
    chunk.initial_tsn = transport._local_tsn
    transport._set_extensions(chunk.params)
    return f"a=sctp-init:{base64.b64encode(chunk.body).decode()}\r\n"


def take(sctp: RTCSctpTransport, sdp: str) -> bool:
    """Reads the other side's INIT chunk, to begin with when the connection is there; False if there is none, or none
    that is of use."""
    found = _LINE.findall(sdp)
    try:
        chunk = InitChunk(0, base64.b64decode(found[0], validate=True)) if len(found) == 1 else None
    except (binascii.Error, struct.error, ValueError):
        return False
    if chunk is None or not (chunk.initiate_tag and chunk.outbound_streams and chunk.inbound_streams):
        return False
    sctp.__dict__["_taken_init"] = chunk
    return True


def install() -> None:
    """Changes every association made from now on; a second call does nothing."""
    transport: Any = RTCSctpTransport
    if getattr(transport, "_takes_init", False):
        return
    init = transport._init

    async def begin(self: Any) -> None:
        chunk = self.__dict__.get("_taken_init")
        if chunk is None:
            await init(self)
            return
        self._last_received_tsn = self._reconfig_response_seq = tsn_minus_one(chunk.initial_tsn)
        self._remote_verification_tag = chunk.initiate_tag
        self._ssthresh = chunk.advertised_rwnd
        self._get_extensions(chunk.params)
        self._inbound_streams_count = min(chunk.outbound_streams, self._inbound_streams_max)
        self._outbound_streams_count = min(self._outbound_streams_count, chunk.inbound_streams)
        self._set_state(self.State.ESTABLISHED)

    transport._init = begin
    transport._takes_init = True
