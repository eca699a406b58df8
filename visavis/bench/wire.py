"""What a pair of clients puts on the wire: two of the product's own links over real sockets on the loopback interface.

Signaling is a function call, avatars are known to both sides, and faces come from a list instead of a camera.
Everything else is as in a call: ICE, DTLS, SCTP, the choice of profile, bundling, playout.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_store.store import AvatarStore
from client import aiortc_setup
from client.avatars import AvatarLibrary
from client.clock import monotonic_s
from codec.face_link import EG0, PROFILES
from codec.params import FaceParams
from renderer.head.model import HeadModel
from visavis.bench.link_pair import RATE, LinkPair, Side
from visavis.bench.report import Figure
from visavis.errors import CommandError

SETTLE_S, MEASURE_S = 3.0, 20.0


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
    side = await Side.wearing(avatar_id, library)
    pair = LinkPair((side, side), profiles=profiles)
    try:
        await pair.connect()
        await pair.play(faces, 0, SETTLE_S)
        before, begun = pair.totals(), monotonic_s()
        await pair.play(faces, round(SETTLE_S * RATE), MEASURE_S)
        after, seconds = pair.totals(), monotonic_s() - begun
    finally:
        await pair.aclose()
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
