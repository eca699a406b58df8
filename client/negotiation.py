"""Sessions of one connection to one member: who offers, which attempt counts, when to try again. Sans-IO.

docs/protocol.md, "signal data" and "Liveness". The owner feeds messages, news of the connection and the time; it gets
commands back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from codec.signaling import UNSET, IceCandidate, SessionDescription, SignalData
from codec.signaling.fields import MAX_NUMBER

SETUP_TIMEOUT_S = 5.0
"""Set-up that takes longer is begun anew: 1 in 40 attempts at 10 % loss never finishes (aiortc raises nothing)."""

RECONNECTING_AFTER_S = 2.0
RESTART_AFTER_S = 6.0
GONE_AFTER_S = 60.0
GONE_RETRY_S = 15.0
MIN_RESTART_INTERVAL_S = 2.0
"""A peer's `request` within this time of an attempt is ignored, so that it cannot make us offer in a loop."""


class LinkState(StrEnum):
    """What the person reads about a member."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    GONE = "gone"


@dataclass(frozen=True)
class MakeOffer:
    """Drop the connection, make a new one and send its offer."""

    session: int


@dataclass(frozen=True)
class MakeAnswer:
    """Drop the connection, make a new one from this offer and send the answer."""

    session: int
    sdp: str


@dataclass(frozen=True)
class ApplyAnswer:
    """Give the answer to the connection of this session."""

    session: int
    sdp: str


@dataclass(frozen=True)
class AddCandidate:
    """Give the candidate (None: that was the last) to the connection of this session."""

    session: int
    candidate: IceCandidate | None


@dataclass(frozen=True)
class AskForSession:
    """Send a `request` to the offering side."""

    session: int


Command = MakeOffer | MakeAnswer | ApplyAnswer | AddCandidate | AskForSession


class Negotiator:
    """The state of one connection to one member over all its attempts.

    Args:
        offers: this side offers (docs/protocol.md: the larger `order`).
        first_session: the first session number of the offering side; Unix milliseconds, so that a client that takes a
            member over starts above its predecessor.
        now: monotonic seconds.
    """

    def __init__(self, offers: bool, first_session: int, now: float) -> None:
        self.offers = offers
        self.session = first_session if offers else 0
        self._started_at = now
        self._attempt_at = now
        self._answered = False
        self._heard_at: float | None = None
        self._last_live_at: float | None = None
        self._failed = False
        self._describing = False

    def start(self, now: float) -> list[Command]:
        """The first attempt; the answering side waits for the offer."""
        self._attempt_at = now
        self._describing = self.offers
        return [MakeOffer(self.session)] if self.offers else []

    def receive(self, data: SignalData, now: float) -> list[Command]:
        """A `signal` of the other side."""
        if data.description is not UNSET:
            return self._receive_description(data.session, data.description, now)
        if data.request is not UNSET:
            return self._receive_request(data.session, now)
        if data.candidate is not UNSET and data.session == self.session:
            return [AddCandidate(data.session, data.candidate)]
        return []

    def _receive_description(self, session: int, description: SessionDescription, now: float) -> list[Command]:
        if self.offers:
            if description.type != "answer" or session != self.session or self._answered:
                return []
            self._answered = True
            return [ApplyAnswer(session, description.sdp)]
        if description.type != "offer":
            return []
        if session <= self.session:
            # An offering side that restarted with its clock behind: tell it which number to exceed.
            return [AskForSession(self.session)]
        self.session = session
        self._begin(now)
        return [MakeAnswer(session, description.sdp)]

    def _receive_request(self, session: int, now: float) -> list[Command]:
        if not self.offers or self._describing or now - self._attempt_at < MIN_RESTART_INTERVAL_S:
            return []
        return self._offer_again(now, above=session)

    def progress(self, now: float) -> None:
        """Our description has been sent, or could not be made: the set-up time runs from here.

        Until then nothing is begun anew. Gathering candidates takes as long as the slowest STUN or TURN server, and an
        attempt that supersedes it would only wait for the same server.
        """
        self._attempt_at = now
        self._describing = False

    def heard(self, now: float) -> None:
        """Something arrived over the connection of the current session."""
        self._heard_at = self._last_live_at = now
        self._failed = False

    def failed(self) -> None:
        """The connection of the current session broke: do not wait for the silence to get long."""
        self._failed = True

    def tick(self, now: float) -> list[Command]:
        """To be called a few times a second."""
        if self._describing:
            return []
        if self._heard_at is not None and not self._failed:
            overdue = now - self._heard_at >= RESTART_AFTER_S and now - self._attempt_at >= SETUP_TIMEOUT_S
        else:
            patience = GONE_RETRY_S if self.state(now) is LinkState.GONE else SETUP_TIMEOUT_S
            if self._failed:
                patience = min(patience, MIN_RESTART_INTERVAL_S)
            overdue = now - self._attempt_at >= patience
        if not overdue:
            return []
        if self.offers:
            return self._offer_again(now, above=self.session)
        self._attempt_at = now
        return [AskForSession(self.session)]

    def state(self, now: float) -> LinkState:
        """What to tell the person."""
        if self._last_live_at is None:
            return LinkState.GONE if now - self._started_at >= GONE_AFTER_S else LinkState.CONNECTING
        silence = now - self._last_live_at
        if silence >= GONE_AFTER_S:
            return LinkState.GONE
        return LinkState.RECONNECTING if silence >= RECONNECTING_AFTER_S or self._failed else LinkState.LIVE

    def _offer_again(self, now: float, above: int) -> list[Command]:
        self.session = max(self.session, min(above, MAX_NUMBER - 1)) + 1
        self._begin(now)
        return [MakeOffer(self.session)]

    def _begin(self, now: float) -> None:
        self._attempt_at = now
        self._describing = True
        self._answered = False
        self._heard_at = None
        self._failed = False
