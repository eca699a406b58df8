"""Faces to and from one peer: a codec.face_link for each connection, and the timers that it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from client.clock import monotonic_s
from client.peer_face import ShownFace
from codec.face_link import FaceLink, FaceLinkStats, LinkQuality
from codec.motion_basis import MotionBasis
from codec.params import FaceParams


class FaceTraffic:
    """See the module.

    Args:
        expression_dims: E to send.
        send_packet: sends one on the current connection, if it is open.
        show: called with the face to show (None: it rests) and its capture time in Unix ms.
    """

    def __init__(
        self,
        expression_dims: int,
        send_packet: Callable[[bytes], None],
        show: Callable[[FaceParams | None, int], None],
    ) -> None:
        self._dims = expression_dims
        self._send_packet = send_packet
        self._shown = ShownFace(show)
        self._epoch_ms: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._link = FaceLink(expression_dims)

    @property
    def stats(self) -> FaceLinkStats:
        """Counters of the current connection."""
        return self._link.stats

    @property
    def quality(self) -> LinkQuality:
        """How the current connection does."""
        return self._link.quality

    def restart(self) -> None:
        """There is another connection, or none: what was agreed upon is void."""
        self._cancel()
        self._link = FaceLink(self._dims)
        self._epoch_ms = None

    def greeted(self, profile: str, epoch_ms: int) -> None:
        """The peer has said what it understands, and since when its stream clock runs (Unix ms)."""
        self._link.speak(profile)
        self._epoch_ms = epoch_ms

    def close(self) -> None:
        """Ends all timers."""
        self._cancel()
        self._shown.close()

    # --- ours

    def send(self, params: FaceParams | None, stream_ms: int) -> None:
        """Sends our face, captured at `stream_ms` of our stream clock; None: it rests."""
        self._send(self._link.send(params, stream_ms, monotonic_s()))
        self._cancel()
        deadline = self._link.deadline()
        if deadline is not None:  # a face that waits for the next one must not wait for the next tick
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(deadline - monotonic_s(), lambda: self.poll(monotonic_s()))

    def poll(self, now: float) -> None:
        """Sends what must go without a new face."""
        self._send(self._link.poll(now))

    def speak_in(self, motions: MotionBasis | None) -> None:
        """The peer knows our motions; None: only the standard ones."""
        self._link.speak_in(motions)

    def key_requested(self) -> None:
        """The peer needs a key frame."""
        self._link.key_requested()

    def _send(self, packets: list[bytes]) -> None:
        for packet in packets:
            self._send_packet(packet)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- the peer's

    def receive(self, packet: bytes, now: float) -> bool:
        """Takes a packet; says whether it was a valid one."""
        self._link.receive(packet, now)
        if self._epoch_ms is not None:
            self._shown.follow(self._link, self._epoch_ms, now)
        return self._link.silent_for(now) == 0

    def wants_key(self) -> bool:
        """Says, once per need, that a `key_request` should be sent."""
        return self._link.wants_key()

    def learn(self, motions: MotionBasis | None) -> None:
        """The peer's own motions are these; None: not known."""
        self._link.learn(motions)

    def tick(self, now: float) -> None:
        """To be called about 20 times a second: easing to rest."""
        self._shown.tick(now)

    def rest(self) -> None:
        """The peer's face rests at once."""
        self._shown.rest()
