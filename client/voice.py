"""A bot's voice: answers the `voice` offers of pages with the sound of its file. It hears nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiortc import MediaStreamTrack, RTCPeerConnection

from client.page_link import PageLink
from codec.signaling import IceServer, SignalData


class VoiceLink(PageLink):
    """The sound for one page.

    Args:
        ice_servers: STUN and TURN servers.
        make_track: a new track of the sound; None: the bot is silent.
        send_signal: relays data to the page.
    """

    def __init__(
        self,
        ice_servers: Sequence[IceServer],
        make_track: Callable[[], MediaStreamTrack | None],
        send_signal: Callable[[SignalData], None],
    ) -> None:
        super().__init__("voice", send_signal, ice_servers)
        self._make_track = make_track

    def _attach(self, pc: RTCPeerConnection) -> None:
        """Only sends: aiortc would decode what comes in and queue it without bound."""
        track = self._make_track()
        for transceiver in pc.getTransceivers():
            if transceiver.kind == "audio" and track is not None:
                transceiver.sender.replaceTrack(track)
                transceiver.direction = "sendonly"
                track = None
            else:
                transceiver.direction = "inactive"
