"""What a pair of clients puts on the wire: two of the product's own links over real sockets on the loopback interface.

Signaling is a function call, avatars are known to both sides, and faces come from a list instead of a camera.
Everything else is as in a call: ICE, DTLS, SCTP, the choice of profile, bundling, playout.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from avatar_store.store import AvatarStore
from client import aiortc_setup
from client.avatars import AvatarLibrary
from client.clock import capture_ms, monotonic_s
from client.peer import PeerLink
from client.peer_face import OwnFace
from client.wire_meter import WireMeter
from codec.face_link import EG0, PROFILES
from codec.params import MAX_EXPRESSION, FaceParams
from codec.signaling import SignalData
from renderer.head.model import HeadModel
from visavis.bench.report import Figure
from visavis.errors import CommandError

RATE = 25
SETTLE_S, MEASURE_S = 3.0, 20.0
CONNECT_S = 10.0
TICK_S = 0.05


@dataclass
class WireUse:
    """What was measured over MEASURE_S.

    Args:
        kbps_pair: kbit/s of both directions together, all headers included.
        payload_kbps_pair: kbit/s of face packets as such.
        datagrams_per_s: of both directions together.
        delays_ms: from handing a face to one link until the other one shows it.
    """

    kbps_pair: float
    payload_kbps_pair: float
    datagrams_per_s: float
    delays_ms: list[float]


@dataclass
class _Watcher:
    """One side's call: notes what its peer's face shows, and when."""

    other: _Watcher | None = None
    sent_at: dict[int, float] = field(default_factory=dict)
    shown: list[tuple[float, float]] = field(default_factory=list)
    """(when it was shown, seconds after it was sent)"""

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """See PeerEvents. Interpolated faces were never sent, and do not count."""
        sent_at = None if self.other is None or params is None else self.other.sent_at.pop(capture_ms, None)
        if sent_at is not None:
            now = monotonic_s()
            self.shown.append((now, now - sent_at))

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """See PeerEvents."""

    def on_notice(self, text: str) -> None:
        """See PeerEvents."""


class _Pair:
    """Two links to each other."""

    def __init__(self, library: AvatarLibrary, avatar: tuple[str, bytes], profiles: tuple[str, ...]) -> None:
        self.watchers = _Watcher(), _Watcher()
        self.watchers[0].other, self.watchers[1].other = self.watchers[1], self.watchers[0]
        names = ("a" * 16, "b" * 16)
        own = OwnFace(names[0], library.head.model_id, "none", MAX_EXPRESSION, capture_ms(), *avatar, profiles=profiles)

        def link(side: int) -> PeerLink:
            return PeerLink(
                names[1 - side],
                names[1 - side][0],
                offers=side == 0,
                own=replace(own, member_id=names[side]),
                library=library,
                ice_servers=(),
                send_signal=lambda data: self._relay(1 - side, data),
                events=self.watchers[side],
            )

        self.links = link(0), link(1)

    def _relay(self, to: int, data: SignalData) -> None:
        asyncio.get_running_loop().call_soon(self.links[to].on_signal, data)

    def totals(self) -> tuple[int, int, int]:
        """Bytes and datagrams on the wire, and payload bytes, that both have sent so far."""
        meters: list[WireMeter] = [link.meter() for link in self.links]
        payload = sum(link.counters()["bytes_out"] for link in self.links)
        return sum(each.bytes_out for each in meters), sum(each.datagrams_out for each in meters), payload

    async def play(self, faces: Sequence[FaceParams], first: int, seconds: float) -> None:
        """Sends faces in real time, the two cameras half a picture apart, as chance would have it on average."""
        start = monotonic_s()
        tasks = [self._play_one(side, faces, first, start + side * 0.5 / RATE, seconds) for side in (0, 1)]
        await asyncio.gather(*tasks, self._tick(start + seconds))

    async def _play_one(self, side: int, faces: Sequence[FaceParams], first: int, start: float, seconds: float) -> None:
        for index in range(round(seconds * RATE)):
            await asyncio.sleep(start + index / RATE - monotonic_s())
            captured = capture_ms()
            self.watchers[side].sent_at[captured] = monotonic_s()
            self.links[side].send_face(_at(faces, first + index + side * len(faces) // 2), captured)

    async def _tick(self, until: float) -> None:
        while (now := monotonic_s()) < until:
            for link in self.links:
                link.tick(now)
            await asyncio.sleep(TICK_S)

    async def connect(self) -> None:
        """Returns when faces can be sent.

        Raises:
            CommandError: no connection came about.
        """
        for link in self.links:
            link.start()
        until = monotonic_s() + CONNECT_S
        while not all(link.counters()["packets_in"] for link in self.links):
            if monotonic_s() > until:
                raise CommandError("The two clients did not find each other over the loopback interface.")
            await self._tick(monotonic_s() + TICK_S)


def _at(faces: Sequence[FaceParams], index: int) -> FaceParams:
    """Picture `index` of a clip that runs forward and backward for ever."""
    place = index % (2 * len(faces) - 2)
    return faces[min(place, 2 * len(faces) - 2 - place)]


def measure(faces: Sequence[FaceParams], head: HeadModel, profiles: tuple[str, ...] = PROFILES) -> WireUse:
    """Both sides send the faces at RATE pictures a second, after some seconds to settle.

    Args:
        faces: at least two, in order.
        head: the head model that they drive.
        profiles: what both sides understand.

    Raises:
        CommandError: no connection came about.
    """
    os.environ["VISAVIS_LOOPBACK"] = "1"
    aiortc_setup.install()
    with tempfile.TemporaryDirectory() as scratch:
        library = AvatarLibrary.with_shipped_guests(head, AvatarStore(Path(scratch)))
        return asyncio.run(_measure(faces, library, profiles))


async def _measure(faces: Sequence[FaceParams], library: AvatarLibrary, profiles: tuple[str, ...]) -> WireUse:
    avatar_id = library.guest_ids[0]
    await library.model(avatar_id)
    pair = _Pair(library, (avatar_id, await library.file(avatar_id)), profiles)
    try:
        await pair.connect()
        await pair.play(faces, 0, SETTLE_S)
        before, begun = pair.totals(), monotonic_s()
        await pair.play(faces, round(SETTLE_S * RATE), MEASURE_S)
        after, seconds = pair.totals(), monotonic_s() - begun
    finally:
        for link in pair.links:
            await link.aclose()
        await library.aclose()
    wire, datagrams, payload = (b - a for a, b in zip(before, after, strict=True))
    delays = [1000 * late for watcher in pair.watchers for at, late in watcher.shown if at >= begun]
    if not delays:
        raise CommandError("No face came through the loopback interface.")
    return WireUse(8 * wire / 1000 / seconds, 8 * payload / 1000 / seconds, datagrams / seconds, delays)


def run(faces: Sequence[FaceParams], head: HeadModel, on_share: Callable[[float], None]) -> list[Figure]:
    """The figures `codec.wire_*`: of profile `range`, and with names that end in `eg0` of that one.

    Delays are those beyond what the fastest face of `eg0` took, which neither waits nor is made to wait.

    Raises:
        CommandError: no connection came about.
    """
    uses: list[WireUse] = []
    for number, profiles in enumerate((PROFILES, (EG0,))):
        on_share(number / 2)
        uses.append(measure(faces, head, profiles))
    fastest_ms = min(uses[1].delays_ms)
    found: list[Figure] = []
    for ending, use in zip(("", "_eg0"), uses, strict=True):
        p50, p95 = np.percentile(use.delays_ms, [50, 95]) - fastest_ms
        found += [
            Figure(f"codec.wire_kbps_pair{ending}", use.kbps_pair, "kbit/s", "lower"),
            Figure(f"codec.wire_payload_kbps_pair{ending}", use.payload_kbps_pair, "kbit/s", "lower"),
            Figure(f"codec.wire_datagrams_per_s{ending}", use.datagrams_per_s, "1/s", "lower"),
            Figure(f"codec.wire_added_p50_ms{ending}", float(p50), "ms", "lower"),
            Figure(f"codec.wire_added_p95_ms{ending}", float(p95), "ms", "lower"),
        ]
    return found
