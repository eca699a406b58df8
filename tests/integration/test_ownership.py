"""Whose avatar it is, over real connections: the owner is shown, and nobody else with her file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from avatar_store.keys import OwnerKey, fingerprint
from avatar_store.manifest import manifest_of, sign_manifest
from avatar_store.store import AvatarStore
from client.avatar_trust import Meeting
from client.avatars import AvatarLibrary, Credentials
from client.clock import monotonic_s
from client.face_connection import FaceConnection
from client.peer_stats import PeerStats
from codec.avatar_file import avatar_id
from codec.avatar_owner import with_owner
from codec.params import FaceParams
from renderer.avatar.avatar_model import AvatarModel
from renderer.head.model import HeadModel
from tests.support.fakes import tiny_avatar, write_guests
from tests.support.sctp_pair import until
from visavis.bench.join import small_avatar
from visavis.bench.link_pair import TICK_S, LinkPair, Side, Watcher

ALICE, BOB = 0, 1


@dataclass
class Seen(Watcher):
    """What one of them is shown of the other."""

    avatars: list[str | None] = field(default_factory=list)
    previews: list[AvatarModel] = field(default_factory=list)
    faces: list[FaceParams | None] = field(default_factory=list)

    def on_peer_face(self, member_id: str, params: FaceParams | None, capture_ms: int) -> None:
        self.faces.append(params)

    def on_peer_avatar(self, member_id: str, avatar_id: str | None) -> None:
        self.avatars.append(avatar_id)

    def on_peer_preview(self, member_id: str, model: AvatarModel) -> None:
        self.previews.append(model)


class Room:
    """Alice, who wears an avatar of her own, and Bob, who wears a guest."""

    def __init__(self, pair: LinkPair, watchers: tuple[Seen, Seen]) -> None:
        self.pair, self.watchers = pair, watchers

    def alice(self) -> PeerStats:
        """As Bob's client reports her."""
        return self.pair.links[BOB].stats(monotonic_s())

    async def sees(self, status: str) -> None:
        await until(lambda: self.alice().avatar == status, 20)


Meet = Callable[..., Any]


@pytest.fixture
async def meet(head: HeadModel, guests: Path, tmp_path: Path) -> AsyncIterator[Meet]:
    libraries: list[AvatarLibrary] = []

    async def side(name: str, data: bytes | None) -> Side:
        store = AvatarStore(tmp_path / name, guests=guests)
        library = AvatarLibrary(head, store, [guest_id])
        libraries.append(library)
        worn = guest_id if data is None else await asyncio.to_thread(lambda: store.put(data, own=True))
        return await Side.wearing(worn, library)

    @asynccontextmanager
    async def meet(
        change: Callable[[Side], Side] = lambda side: side, data: bytes | None = None
    ) -> AsyncIterator[Room]:
        file = data or tiny_avatar(head, "Alice's own", 4000)[1]
        alice = change(await side("alice", file))
        watchers = Seen(), Seen()
        pair = LinkPair((alice, await side("bob", None)), watchers)

        async def tick() -> None:
            while True:
                for link in pair.links:
                    link.tick(monotonic_s())
                await asyncio.sleep(TICK_S)

        pair.start()
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(tick())
            try:
                yield Room(pair, watchers)
            finally:
                ticking.cancel()
                await pair.aclose()

    guest_id = await asyncio.to_thread(write_guests, guests, head)
    yield meet
    for library in libraries:
        await library.aclose()


async def test_the_owner_is_shown_with_her_key_and_a_guest_without_one(meet: Meet) -> None:
    async with meet() as room:
        await room.sees("own")
        alice = room.pair.sides[ALICE]
        assert room.watchers[BOB].avatars == [alice.avatar_id]
        assert room.alice().owner == fingerprint(alice.credentials.key.public).replace(" ", "")[:16]
        assert room.alice().notice is None
        bob = room.pair.links[ALICE].stats(monotonic_s())
        assert (bob.avatar, bob.owner) == ("own", None)


async def assert_never_shown(room: Room, reason: str) -> None:
    await room.sees("unverified")
    assert set(room.watchers[BOB].avatars) == {None}
    assert room.watchers[BOB].previews == []
    assert reason in (room.alice().notice or "")
    assert room.alice().owner is None
    assert len(room.watchers[BOB].notices) == 1


async def test_her_file_and_manifest_without_her_key_are_not_enough(meet: Meet) -> None:
    def steal(side: Side) -> Side:
        assert side.credentials is not None
        return replace(side, credentials=Credentials(side.credentials.manifest, OwnerKey.generate()))

    async with meet(steal) as room:
        await assert_never_shown(room, "did not prove")


async def test_who_says_nothing_of_owners_is_a_guest(meet: Meet) -> None:
    async with meet(lambda side: replace(side, credentials=None)) as room:
        await assert_never_shown(room, "not signed")


async def test_a_manifest_of_another_avatar_is_not_enough(meet: Meet, head: HeadModel, tmp_path: Path) -> None:
    def swap(side: Side) -> Side:
        assert side.credentials is not None
        other = tiny_avatar(head, "Another", 100)[1]
        store = AvatarStore(tmp_path / "alice")
        manifest = store.get_manifest(store.put(other, own=True))
        assert manifest is not None
        return replace(side, credentials=Credentials(manifest, side.credentials.key))

    async with meet(swap) as room:
        await assert_never_shown(room, "not signed")


async def test_who_sits_between_them_is_noticed(meet: Meet, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as either can see: each has DTLS with the one in the middle, whose certificates differ."""
    seen = FaceConnection.fingerprints.fget
    assert seen is not None
    connections: list[FaceConnection] = []

    def fingerprints(self: FaceConnection) -> tuple[bytes, bytes] | None:
        if self not in connections:
            connections.append(self)
        found = seen(self)
        assert found is not None
        return found if self is connections[0] else (found[0], bytes(32))

    monkeypatch.setattr(FaceConnection, "fingerprints", property(fingerprints))
    async with meet() as room:
        await assert_never_shown(room, "did not prove")


async def test_a_proof_for_another_room_is_refused_until_both_know_the_room(meet: Meet) -> None:
    async with meet() as room:
        alice, bob = (link._own for link in room.pair.links)
        alice.room_nonces = (bytes([1]) * 32,)
        bob.room_nonces = (bytes([2]) * 32,)
        await assert_never_shown(room, "did not prove")
        bob.room_nonces = (bytes([1]) * 32, bytes([2]) * 32)
        room.pair.links[BOB].room_changed()
        await room.sees("own")
        assert room.watchers[BOB].avatars[-1] == room.pair.sides[ALICE].avatar_id


async def test_what_is_tampered_with_on_the_way_is_not_shown_in_part(meet: Meet, head: HeadModel) -> None:
    """Hashes tell in the end; a part of a file has to be the owner's too."""

    def tamper(side: Side) -> Side:
        changed = bytearray(side.avatar_data)
        changed[len(changed) // 10] ^= 1
        return replace(side, avatar_data=bytes(changed))

    async with meet(tamper, await asyncio.to_thread(small_avatar, head, 0)) as room:
        await room.sees("unverified")
        assert set(room.watchers[BOB].avatars) == {None}
        assert room.watchers[BOB].previews == []


async def test_her_face_under_another_key_is_refused_where_she_is_known(meet: Meet, head: HeadModel) -> None:
    async with meet() as room:
        await room.sees("own")

    def restamp(side: Side) -> Side:
        key = OwnerKey.generate()
        data = with_owner(tiny_avatar(head, "Alice's own", 4000)[1], key.public)
        manifest = sign_manifest(manifest_of(data, key, "mediapipe", 1_700_000_000), key)
        return replace(side, avatar_id=avatar_id(data), avatar_data=data, credentials=Credentials(manifest, key))

    async with meet(restamp) as room:
        await room.sees("unverified")
        assert "somebody else's" in (room.alice().notice or "")
        assert set(room.watchers[BOB].avatars) == {None}


async def test_after_a_reconnection_her_avatar_stands_still_until_it_is_proven_again(meet: Meet) -> None:
    async with meet() as room:
        await room.sees("own")
        link, seen, face = room.pair.links[BOB], room.watchers[BOB], FaceParams.neutral()
        link._show_face(face, 1)
        assert seen.faces[-1] is face
        link._avatar.met(Meeting("b", "a", False, (bytes(32), bytes(32))))
        count = len(seen.faces)
        link._show_face(face, 2)
        assert seen.faces[count:] == []
        link._show_face(None, 3)  # it may rest
        assert seen.faces[count:] == [None]


async def test_another_avatar_in_mid_call_is_proven_too(meet: Meet, head: HeadModel) -> None:
    async with meet() as room:
        await room.sees("own")
        own, side = room.pair.links[ALICE]._own, room.pair.sides[ALICE]
        data = tiny_avatar(head, "A hat", 3000)[1]
        worn = await asyncio.to_thread(lambda: side.library.store.put(data, own=True))
        other = await Side.wearing(worn, side.library)
        own.avatar_id, own.avatar_data, own.credentials = worn, other.avatar_data, other.credentials
        room.pair.links[ALICE].own_avatar_changed()
        await until(lambda: room.watchers[BOB].avatars[-1] == worn, 20)
        own.credentials = Credentials(other.credentials.manifest, OwnerKey.generate())  # type: ignore[union-attr]
        room.pair.links[ALICE].own_avatar_changed()
        await room.sees("unverified")
        assert room.watchers[BOB].avatars[-1] is None
