"""What a link reports: its state in words and its traffic in kbit/s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from client.avatar_exchange import AvatarStatus
from client.negotiation import LinkState
from client.stats import KbpsMeter
from client.wire_meter import WireMeter
from codec.face_link import FaceLinkStats


@dataclass(frozen=True)
class PeerStats:
    """One line of the `peers` message, without what the renderer knows.

    Losses are of the last seconds, in percent; `playout_ms` is what smooth showing adds to the delay; `rate_step` is
    where we are on the ladder of rates, 0 the best. `owner` is the beginning of the fingerprint of the key whose
    avatar this is, if the peer has proven that it is theirs.
    """

    member_id: str
    state: LinkState
    avatar: AvatarStatus
    avatar_progress: float
    payload_kbps_in: float
    payload_kbps_out: float
    wire_kbps_in: float
    wire_kbps_out: float
    loss_pct_in: float
    loss_pct_out: float
    playout_ms: float
    rate_step: int
    notice: str | None
    owner: str | None


class TrafficRates(NamedTuple):
    """kbit/s of face packets, and of datagrams with their headers."""

    payload_in: float
    payload_out: float
    wire_in: float
    wire_out: float


class LinkTraffic:
    """Bytes of a link over all its connections."""

    def __init__(self) -> None:
        self._retired = [0, 0, 0, 0]
        self._meters = tuple(KbpsMeter() for _ in range(4))

    def retire(self, payload: FaceLinkStats, wire: WireMeter | None) -> None:
        """Keeps the totals of a connection that has ended."""
        self._retired = self._totals(payload, wire)

    def rates(self, payload: FaceLinkStats, wire: WireMeter | None, now: float) -> TrafficRates:
        """Rates since the last call, with the totals of the current connection."""
        totals = self._totals(payload, wire)
        sampled = [round(meter.sample(total, now), 1) for meter, total in zip(self._meters, totals, strict=True)]
        return TrafficRates(*sampled)

    def _totals(self, payload: FaceLinkStats, wire: WireMeter | None) -> list[int]:
        wire = wire or WireMeter()
        current = (payload.bytes_in, payload.bytes_out, wire.bytes_in, wire.bytes_out)
        return [old + new for old, new in zip(self._retired, current, strict=True)]
