"""How long it takes to see somebody for the first time, and what the transfer does to faces: `visavis bench join`.

Two of the product's links on the loopback interface, through a simulated bottleneck (impaired_sockets). Each side wears
an avatar that the other one does not have, written in version 1 of the format, and sends 25 faces a second all the
while. The clock starts when both learn of each other, as from the server's `joined`: signaling (half a round trip each
message, no loss, as over TCP), ICE, DTLS, SCTP, greeting, transfer, decoding and drawing are all in it.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from avatar_store.guests import guest_bytes, list_guests
from avatar_store.store import AvatarStore
from client import aiortc_setup
from client.avatars import AvatarLibrary
from client.clock import monotonic_s
from client.tasks import TaskOwner
from client.view.head_view import HeadRenderer, HeadView, i420_planes
from codec.avatar_file import pack_avatar, unpack_avatar
from codec.errors import AvatarFileError
from codec.params import FaceParams
from enrolment.slim import slim_avatar
from enrolment.slim_shots import standard_shots
from renderer.avatar.avatar_model import AvatarModel
from renderer.backends.choose import head_renderer_maker
from renderer.head.model import HeadModel
from renderer.head.open_head import load_open_head
from visavis.bench.impaired_link import Impairment
from visavis.bench.impaired_sockets import impaired_sockets
from visavis.bench.link_pair import RATE, LinkPair, Side, Watcher
from visavis.bench.lively_face import lively_face
from visavis.bench.report import Figure
from visavis.errors import CommandError

QUEUE_S = 0.2
"""What the bottleneck's queue holds: that of a home router is between this and seconds."""
TILE_PX = 256
GIVE_UP_S = 30.0
SETTLE_S, IDLE_S = 3.0, 10.0
"""Of the second join, where nothing but faces is on the line."""


@dataclass(frozen=True)
class Conditions:
    """A network.

    Args:
        loss: share of packets that get lost, each way.
        rtt_ms: there and back.
        rate_mbit: bottleneck of each direction, Mbit/s, headers included.
    """

    loss: float
    rtt_ms: float
    rate_mbit: float

    def __post_init__(self) -> None:
        if not (0 <= self.loss < 1 and 0 <= self.rtt_ms <= 5_000 and 0.02 <= self.rate_mbit <= 1_000):
            raise CommandError("--loss is from 0 to below 1, --rtt 0 to 5000 ms, --rate 0.02 to 1000 Mbit/s.")

    def impairment(self) -> Impairment:
        """Of one direction."""
        return Impairment(self.loss, self.rtt_ms / 2000, rate_bps=1e6 * self.rate_mbit, longest_queue_s=QUEUE_S)


STANDARD = {"first": Conditions(0.0, 100.0, 1.0), "final": Conditions(0.05, 100.0, 2.0)}
"""The networks for which there are targets."""


@dataclass
class Joined:
    """One side's view of one join.

    Args:
        open_s: until the channels were open.
        first_head_s: until a recognizable head of the other one was drawn.
        final_s: until its whole avatar was.
        transfer_ms: from sending a face to showing it, of those shown meanwhile.
        idle_ms: the same with nothing else on the line.
        parts_shown: how many parts of the avatar were drawn before.
        cached_bytes: of the avatar that crossed the line when both joined once more.
    """

    open_s: float
    first_head_s: float
    final_s: float
    transfer_ms: list[float]
    idle_ms: list[float]
    parts_shown: int
    cached_bytes: int


@dataclass
class _Viewer(Watcher):
    """Draws what it is told to show, once, and notes when.

    Attributes:
        library: its avatars.
        make_renderer: of one head.
        started_at: when the join began.
        first_s: seconds after it, when the first head was there.
        final_s: when the last was.
        parts: how many heads there were before the last.
    """

    library: AvatarLibrary | None = None
    make_renderer: Callable[[AvatarModel], HeadRenderer] | None = None
    started_at: float = 0.0
    first_s: float | None = None
    final_s: float | None = None
    parts: int = 0
    tasks: TaskOwner = field(default_factory=lambda: TaskOwner("viewer"))

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        """See PeerEvents."""
        self.tasks.start(self._show(model, final=False), "preview")

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        """See PeerEvents."""
        if avatar_id is not None:
            self.tasks.start(self._show_whole(avatar_id), "avatar")

    async def _show_whole(self, avatar_id: str) -> None:
        assert self.library is not None
        await self._show(await self.library.model(avatar_id), final=True)

    async def _show(self, model: AvatarModel, *, final: bool) -> None:
        assert self.make_renderer is not None
        await asyncio.to_thread(draw_once, model, self.make_renderer)
        now_s = monotonic_s() - self.started_at
        self.first_s = now_s if self.first_s is None else self.first_s
        if final:
            self.final_s = now_s
        else:
            self.parts += self.final_s is None


def draw_once(model: AvatarModel, make_renderer: Callable[[AvatarModel], HeadRenderer]) -> None:
    """One picture of a tile, as a call would draw it."""
    view = HeadView("bench")
    view.set_renderer(make_renderer(model))
    view.show(FaceParams.neutral(), 0)
    buffer = np.zeros((TILE_PX * 3 // 2, TILE_PX), np.uint8)
    view.draw(i420_planes(buffer, 0, 0, TILE_PX, TILE_PX), TILE_PX, monotonic_s(), stamp=False)


def small_avatar(head: HeadModel, number: int) -> bytes:
    """A shipped guest, written in version 1 of the format."""
    guests = list_guests()
    asset = unpack_avatar(guest_bytes(guests[number % len(guests)].avatar_id))
    return pack_avatar(*slim_avatar(head, asset, *standard_shots()))


def read_avatars(paths: Sequence[Path]) -> list[bytes] | None:
    """The files that the two sides wear; None means the guests.

    Raises:
        CommandError: one cannot be read, or they are not two.
    """
    try:
        files = [path.read_bytes() for path in paths]
        for data in files:
            unpack_avatar(data)
    except (OSError, AvatarFileError) as error:
        raise CommandError(f"An avatar cannot be read: {error}.") from error
    if files and len(set(files)) != 2:
        raise CommandError("--avatar is given twice, with different files: neither side may have the other's.")
    return files or None


def run(
    conditions: dict[str, Conditions], seeds: int, console: Console, avatars: Sequence[bytes] | None = None
) -> list[Figure]:
    """The figures `join.*`: of each of `conditions`, with its name in theirs, the median and the worst of all joins.

    Args:
        conditions: by name; an empty name adds nothing.
        seeds: joins of each; there are two views of each.
        console: for progress.
        avatars: the two files to wear; default: two guests.

    Raises:
        CommandError: no connection came about, or an avatar did not arrive.
    """
    os.environ["VISAVIS_LOOPBACK"] = "1"
    aiortc_setup.install()
    head = load_open_head()
    worn = list(avatars) if avatars is not None else [small_avatar(head, number) for number in (0, 1)]
    draw_once(AvatarModel(head, unpack_avatar(worn[0])), head_renderer_maker("cpu", TILE_PX))  # compiles
    figures = [Figure("join.avatar_kb", max(len(data) for data in worn) / 1000, "kB", "lower")]
    for name, condition in conditions.items():
        views: list[Joined] = []
        for seed in range(1, seeds + 1):
            with console.status(f"join {seed} of {seeds} at {condition.rate_mbit:g} Mbit/s, {condition.loss:.0%} loss"):
                views += asyncio.run(join_once(condition, seed, head, worn))
        figures += _figures(f"{name}." if name else "", views)
    return figures


def _figures(name: str, views: Sequence[Joined]) -> list[Figure]:
    def spread(what: str, values: list[float]) -> list[Figure]:
        return [
            Figure(f"join.{name}{what}", float(np.median(values)), "s", "lower"),
            Figure(f"join.{name}{what[:-2]}_worst_s", max(values), "s", "lower"),
        ]

    idle = float(np.percentile([delay for view in views for delay in view.idle_ms], 99))
    busy = float(np.percentile([delay for view in views for delay in view.transfer_ms], 99))
    return [
        *spread("open_s", [view.open_s for view in views]),
        *spread("first_head_s", [view.first_head_s for view in views]),
        *spread("final_s", [view.final_s for view in views]),
        Figure(f"join.{name}face_delay_idle_p99_ms", idle, "ms", "lower"),
        Figure(f"join.{name}face_delay_transfer_p99_ms", busy, "ms", "lower"),
        Figure(f"join.{name}face_delay_rise_ms", busy - idle, "ms", "lower"),
        Figure(f"join.{name}cached_bytes", max(view.cached_bytes for view in views), "B", "lower"),
    ]


async def join_once(conditions: Conditions, seed: int, head: HeadModel, worn: Sequence[bytes]) -> list[Joined]:
    """Both join, wait for each other's avatar, part, and join again; one view of each side.

    Raises:
        CommandError: no connection came about, or an avatar did not arrive.
    """
    faces = [lively_face(index) for index in range(100)]
    with tempfile.TemporaryDirectory() as scratch, impaired_sockets(conditions.impairment(), seed):
        libraries: list[AvatarLibrary] = []
        sides: list[Side] = []
        for number, data in enumerate(worn):
            store = AvatarStore(Path(scratch) / str(number))
            libraries.append(AvatarLibrary.with_shipped_guests(head, store))
            avatar_id = await asyncio.to_thread(store.put, data, own=True)
            sides.append(await Side.wearing(avatar_id, libraries[-1]))
        try:
            first, opened_s = await _meet(conditions, (sides[0], sides[1]), faces, 0.0)
            again, _ = await _meet(conditions, (sides[0], sides[1]), faces, SETTLE_S + IDLE_S)
        finally:
            for library in libraries:
                await library.aclose()
    views: list[Joined] = []
    for viewer, other in ((0, 1), (1, 0)):
        watcher = first.watchers[viewer]
        assert isinstance(watcher, _Viewer)
        assert watcher.first_s is not None
        assert watcher.final_s is not None
        until = watcher.started_at + watcher.final_s
        later = again.watchers[viewer]
        assert isinstance(later, _Viewer)
        settled_at = later.started_at + SETTLE_S
        views.append(
            Joined(
                opened_s[viewer],
                watcher.first_s,
                watcher.final_s,
                [1000 * late for at, late in watcher.shown if at <= until],
                [1000 * late for at, late in later.shown if at >= settled_at],
                watcher.parts,
                again.links[other].avatar_bytes_sent,
            )
        )
    return views


async def _meet(
    conditions: Conditions, sides: tuple[Side, Side], faces: Sequence[FaceParams], stay_s: float
) -> tuple[LinkPair, list[float]]:
    """One join, and some time together."""
    make_renderer = head_renderer_maker("cpu", TILE_PX)
    now = monotonic_s()
    viewers = [_Viewer(library=side.library, make_renderer=make_renderer, started_at=now) for side in sides]
    pair = LinkPair(sides, (viewers[0], viewers[1]), signaling_s=conditions.rtt_ms / 2000)
    opened = [0.0, 0.0]

    def done() -> bool:
        for number, link in enumerate(pair.links):
            if not opened[number] and link.connected:
                opened[number] = monotonic_s() - now
        return all(viewer.final_s is not None for viewer in viewers)

    try:
        pair.start()
        await pair.play(faces, 0, GIVE_UP_S, done)
        if not done():
            raise CommandError(f"No avatar arrived within {GIVE_UP_S:.0f} s.")
        if stay_s:
            await pair.play(faces, round(GIVE_UP_S * RATE), stay_s)
    finally:
        await pair.aclose()
        for viewer in viewers:
            await viewer.tasks.aclose()
    return pair, opened
