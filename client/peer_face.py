"""One's own face as peers are told of it, and a peer's face as it is shown, over all connections to that peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from client.avatars import Credentials
from client.clock import monotonic_s
from codec.avatar_proof import NONCE_BYTES
from codec.face_link import PROFILES, FaceLink
from codec.motion_basis import MotionBasis
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel

EASING_AFTER_S = 0.1
"""Between frames nothing moves; after this much silence the face may be on its way to rest."""

TIMER_SLACK_S = 0.001
"""Timers may fire a little early, by the clock's resolution."""

RESTING_AFTER_S = 1.5
"""A face of which no frame came for this long is at rest (codec.face_motion has eased it there)."""


@dataclass
class OwnFace:
    """What a participant tells every peer about its own face; the avatar changes when the person picks another one.

    Its file stays in memory, so that a peer that asks for it again and again costs no reading. `motions` are those that
    the file holds; `profiles` is what it understands of others' faces (codec.face_link.PROFILES). `credentials` prove
    that the avatar is its own; `room_nonces` are the room's and the one before, the newest first.
    """

    member_id: str
    head_model_id: str
    extractor: str
    expression_dims: int
    epoch_ms: int
    avatar_id: str
    avatar_data: bytes
    motions: MotionBasis | None = None
    profiles: tuple[str, ...] = PROFILES
    credentials: Credentials | None = None
    room_nonces: tuple[bytes, ...] = (bytes(NONCE_BYTES),)


class PeerEvents(Protocol):
    """What a link tells its call; in the event loop."""

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """The face to show from now on (None: it rests), and when it was captured (Unix ms of the sender)."""
        ...

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """The avatar to show from now on, which the library has; None: a guest avatar in its place."""
        ...

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """What is here of an avatar that is still coming, to show until there is more."""
        ...

    def on_notice(self, text: str) -> None:
        """A sentence for the person."""
        ...


class ShownFace:
    """A peer's face: moves with its frames, each at its time, then eases to rest.

    Args:
        show: called with the face to show (None: it rests) and its capture time in Unix ms.
    """

    def __init__(self, show: Callable[[FaceParams | None, int], None]) -> None:
        self._show = show
        self._source: tuple[FaceLink, int] | None = None
        self._shown_ms: int | None = None
        self._frame_at = 0.0
        self._resting = True
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, link: FaceLink, epoch_ms: int, now: float) -> None:
        """`link` has received something. Until then the link before it, of an earlier connection, eases to rest.

        Args:
            link: of the current connection.
            epoch_ms: the peer's.
            now: monotonic seconds.
        """
        if self._source is None or self._source[0] is not link:
            if link.newest_capture_ms is None:
                return
            self._source, self._shown_ms = (link, epoch_ms), None
        self._play(now)

    def tick(self, now: float) -> None:
        """To be called about 20 times a second."""
        if not self._resting and now - self._frame_at >= EASING_AFTER_S:
            self._update(now)

    def rest(self) -> None:
        """At once, and until there is a new frame."""
        self._source, self._resting = None, True
        self.close()
        self._show(None, 0)

    def close(self) -> None:
        """Nothing is shown any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _play(self, now: float) -> None:
        """Shows the frame whose turn it is, if it is another one, and comes back for the next."""
        self.close()
        if self._source is None:
            return
        link, _ = self._source
        params = link.current(now)
        if params is not None and link.shown_capture_ms != self._shown_ms:
            self._shown_ms, self._frame_at, self._resting = link.shown_capture_ms, now, False
            self._tell(params)
        following = link.next_change(now)
        if following is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(following - now + TIMER_SLACK_S, lambda: self._play(monotonic_s()))

    def _update(self, now: float) -> None:
        if self._source is None:
            return
        self._resting = now - self._frame_at >= RESTING_AFTER_S
        self._tell(None if self._resting else self._source[0].current(now))

    def _tell(self, params: FaceParams | None) -> None:
        if self._source is not None:
            link, epoch_ms = self._source
            self._show(params, epoch_ms + (link.shown_capture_ms or 0))
