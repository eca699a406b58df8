"""Two of the product's own links to each other over real sockets, in one process, that send faces in real time.

Signaling is a function call, and faces come from a list instead of a camera. Everything else is as in a call: ICE,
DTLS, SCTP, the choice of profile, bundling, playout, the transfer of avatars.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from client.avatars import AvatarLibrary, Credentials
from client.clock import capture_ms, monotonic_s
from client.peer import PeerLink
from client.peer_face import OwnFace
from client.wire_meter import WireMeter
from codec.face_link import PROFILES
from codec.motion_basis import MotionBasis
from codec.params import MAX_EXPRESSION, FaceParams
from codec.signaling import SignalData
from renderer.avatar.avatar_model import AvatarModel
from visavis.errors import CommandError

RATE = 25
CONNECT_S = 10.0
TICK_S = 0.05
NAMES = ("a" * 16, "b" * 16)


@dataclass(frozen=True)
class Side:
    """One participant.

    Args:
        library: its avatars.
        avatar_id: the one that it wears.
        avatar_data: the file.
        motions: that the file holds.
        credentials: that it is its own.
    """

    library: AvatarLibrary
    avatar_id: str
    avatar_data: bytes
    motions: MotionBasis | None = None
    credentials: Credentials | None = None

    @staticmethod
    async def wearing(avatar_id: str, library: AvatarLibrary) -> Side:
        """A participant with an avatar that its library has."""
        data, motions = await library.file(avatar_id), await library.motions(avatar_id)
        return Side(library, avatar_id, data, motions, await library.worn(avatar_id))


@dataclass
class Watcher:
    """One side's call: notes what its peer's face shows, and when.

    Attributes:
        sent_at: of its own faces that were not shown yet, by capture time.
        shown: (when it was shown, seconds after it was sent) of each face of the peer.
        notices: sentences for the person.
    """

    other: Watcher | None = None
    sent_at: dict[int, float] = field(default_factory=dict)
    shown: list[tuple[float, float]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        """See PeerEvents. Interpolated faces were never sent, and do not count."""
        sent_at = None if self.other is None or params is None else self.other.sent_at.pop(capture_ms, None)
        if sent_at is not None:
            now = monotonic_s()
            self.shown.append((now, now - sent_at))

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """See PeerEvents."""

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """See PeerEvents."""

    def on_notice(self, text: str) -> None:
        """See PeerEvents."""
        self.notices.append(text)


class LinkPair:
    """See the module.

    Args:
        sides: the one that offers, and the other one.
        watchers: their calls.
        profiles: what both understand.
        signaling_s: what a message takes through the server.
    """

    def __init__(
        self,
        sides: tuple[Side, Side],
        watchers: tuple[Watcher, Watcher] | None = None,
        *,
        profiles: tuple[str, ...] = PROFILES,
        signaling_s: float = 0.0,
    ) -> None:
        self.sides = sides
        self.watchers = watchers or (Watcher(), Watcher())
        self.watchers[0].other, self.watchers[1].other = self.watchers[1], self.watchers[0]
        self._signaling_s = signaling_s

        def link(number: int) -> PeerLink:
            side = sides[number]
            return PeerLink(
                NAMES[1 - number],
                NAMES[1 - number][0],
                offers=number == 0,
                own=OwnFace(
                    NAMES[number],
                    side.library.head.model_id,
                    "none",
                    MAX_EXPRESSION,
                    capture_ms(),
                    side.avatar_id,
                    side.avatar_data,
                    side.motions,
                    profiles=profiles,
                    credentials=side.credentials,
                ),
                library=side.library,
                ice_servers=(),
                send_signal=lambda data: self._relay(1 - number, data),
                events=self.watchers[number],
                expected_avatar=sides[1 - number].avatar_id,
            )

        self.links = link(0), link(1)

    def _relay(self, to: int, data: SignalData) -> None:
        asyncio.get_running_loop().call_later(self._signaling_s, self.links[to].on_signal, data)

    def totals(self) -> tuple[int, int, int]:
        """Bytes and datagrams on the wire, and payload bytes, that both have sent so far."""
        meters: list[WireMeter] = [link.meter() for link in self.links]
        payload = sum(link.counters()["bytes_out"] for link in self.links)
        return sum(each.bytes_out for each in meters), sum(each.datagrams_out for each in meters), payload

    def start(self) -> None:
        """Both begin to connect."""
        for link in self.links:
            link.start()

    async def aclose(self) -> None:
        """Ends both."""
        for link in self.links:
            await link.aclose()

    async def play(
        self,
        faces: Sequence[FaceParams],
        first: int,
        seconds: float,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        """Sends faces in real time, the two cameras half a picture apart, as chance would have it on average.

        Args:
            faces: at least two, in order.
            first: the one to begin with.
            seconds: how long.
            enough: asked before each face, whether to end early.
        """
        start = monotonic_s()
        sending = [self._play_one(side, faces, first, start + side * 0.5 / RATE, seconds, enough) for side in (0, 1)]
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(self._tick(start + seconds + 1), name="bench.tick")
            await asyncio.gather(*sending)
            ticking.cancel()

    async def _play_one(
        self,
        side: int,
        faces: Sequence[FaceParams],
        first: int,
        start: float,
        seconds: float,
        enough: Callable[[], bool],
    ) -> None:
        for index in range(round(seconds * RATE)):
            await asyncio.sleep(start + index / RATE - monotonic_s())
            if enough():
                return
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
        self.start()
        until = monotonic_s() + CONNECT_S
        while not all(link.counters()["packets_in"] for link in self.links):
            if monotonic_s() > until:
                raise CommandError("The two clients did not find each other over the loopback interface.")
            await self._tick(monotonic_s() + TICK_S)


def _at(faces: Sequence[FaceParams], index: int) -> FaceParams:
    """Picture `index` of a clip that runs forward and backward for ever."""
    place = index % (2 * len(faces) - 2)
    return faces[min(place, 2 * len(faces) - 2 - place)]
