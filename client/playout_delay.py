"""Heads on the page without a wait: the RTP header extension "playout-delay", which aiortc does not know.

Chromium keeps a video back to smooth its arrival (98 ms in a busy three-person room, whatever `jitterBufferTarget`
says). A sender may ask for less in three bytes on each packet: 12 bits of minimum and 12 bits of maximum delay in units
of 10 ms; zero and zero is "show each frame as soon as it is whole"
(https://webrtc.googlesource.com/src/+/main/docs/native-code/rtp-hdrext/playout-delay/README.md).

The only video that a client sends is its page's heads, so this is about them. A page that does not offer the extension
(Firefox, Safari) gets the packets that aiortc makes.
"""

from __future__ import annotations

from typing import Any

from aiortc import rtp
from aiortc.codecs import HEADER_EXTENSIONS
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

OFFERED_ID = 4
"""In offers of our own; aiortc's own extensions have 1 to 3. An answer takes the id of the offer."""

NO_DELAY = b"\x00\x00\x00"

ONE_BYTE_PROFILE = 0xBEDE
"""RFC 8285, section 4.2: each element is one byte, `id << 4 | length - 1`, and its value."""

ONE_BYTE_MAX_ID = 14


class PlayoutDelayMap(rtp.HeaderExtensionsMap):
    """aiortc's map between extensions and their ids on the wire; where "playout-delay" was agreed upon, `set` adds it.

    An id above 14 (Chromium starts from 1) would need the long form of headers: the extension is then left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._element = b""

    def configure(self, parameters: RTCRtpParameters) -> None:
        """Notes the ids that were agreed upon."""
        super().configure(parameters)
        for extension in parameters.headerExtensions:
            if extension.uri == URI and 0 < extension.id <= ONE_BYTE_MAX_ID:
                self._element = bytes([extension.id << 4 | len(NO_DELAY) - 1]) + NO_DELAY

    def set(self, values: rtp.HeaderExtensions) -> tuple[int, bytes]:
        """Profile and bytes of one packet's extensions."""
        profile, packed = super().set(values)
        if self._element and (profile == ONE_BYTE_PROFILE or not packed):
            return ONE_BYTE_PROFILE, self._element + packed  # a whole word: the padding at the end stays right
        return profile, packed


def install() -> None:
    """Concerns every connection made from now on; a second call does nothing."""
    videos = HEADER_EXTENSIONS["video"]
    if all(extension.uri != URI for extension in videos):
        videos.append(RTCRtpHeaderExtensionParameters(id=OFFERED_ID, uri=URI))
    module: Any = rtp
    module.HeaderExtensionsMap = PlayoutDelayMap
