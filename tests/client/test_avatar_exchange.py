from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from typing import cast

import pytest

from avatar_store.errors import ManifestMismatch, UnknownAvatar
from client.avatar_claim import Claim
from client.avatar_exchange import MAX_PREVIEWS, AvatarExchange
from client.avatars import AvatarLibrary
from client.control import AvatarGet
from codec.avatar_layout import HEADER, MAGIC, SECTION
from codec.avatar_transfer import AvatarSender
from codec.errors import AvatarFileError

OLD, NEW = bytes(range(256)) * 40, bytes(reversed(range(256))) * 30
OLD_ID, NEW_ID = (hashlib.sha256(data).hexdigest() for data in (OLD, NEW))


class FakeLibrary:
    """Holds what it was given; `bad` files are no avatars."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.bad: set[bytes] = set()
        self.forged: set[bytes] = set()
        self.parts: list[bytes] = []
        self.building = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def model(self, avatar_id: str) -> None:
        if avatar_id not in self.kept:
            raise UnknownAvatar(avatar_id)

    async def vouch(self, claim: Claim) -> None:
        await self.model(claim.avatar_id)

    async def partial_model(self, beginning: bytes, claim: Claim) -> object:
        self.building += 1
        self.most_at_once = max(self.most_at_once, self.building)
        self.parts.append(beginning)
        await self.gate.wait()
        self.building -= 1
        if beginning in self.forged:
            raise ManifestMismatch("another one")
        if beginning in self.bad:
            raise AvatarFileError("no avatar")
        return beginning

    async def keep(self, data: bytes, claim: Claim) -> None:
        await self.gate.wait()
        if data in self.forged:
            raise ManifestMismatch("another one")
        if data in self.bad:
            raise AvatarFileError("no avatar")
        self.kept.add(hashlib.sha256(data).hexdigest())


class Receiving:
    """An exchange, what it shows and what it asks for."""

    def __init__(self) -> None:
        self.library = FakeLibrary()
        self.shown: list[tuple[str | None, str | None]] = []
        self.asked: list[AvatarGet] = []
        self.previews: list[object] = []
        self.exchange = AvatarExchange(
            cast(AvatarLibrary, self.library), lambda *shown: self.shown.append(shown), self.previews.append
        )

    async def want(self, avatar_id: str, data: bytes, *, permitted: bool = True) -> None:
        self.exchange.claimed(Claim(avatar_id, len(data)))
        if permitted:
            self.exchange.permit()
        await self.exchange.want(self.asked.append)

    async def take(self, messages: Iterator[bytes]) -> None:
        for message in messages:
            if (data := self.exchange.receive(message)) is not None:
                await self.exchange.finish(data)


def pieces(data: bytes) -> Iterator[bytes]:
    sender = AvatarSender(data)
    while (message := sender.next_message()) is not None:
        yield message


async def test_a_change_in_mid_transfer_leaves_the_new_avatar_alone() -> None:
    side = Receiving()
    await side.want(OLD_ID, OLD)
    old = list(pieces(OLD))
    await side.take(iter(old[:3]))
    await side.want(NEW_ID, NEW)
    await side.take(iter(old[3:6]))  # these were on their way
    await side.take(pieces(NEW))
    assert side.shown == [(NEW_ID, None)]
    assert side.asked == [AvatarGet(OLD_ID, 0), AvatarGet(NEW_ID, 0)]
    assert side.exchange.pieces_dropped == 3
    assert side.exchange.status == "own"


async def test_a_refused_avatar_that_is_picked_again_is_a_guest_again() -> None:
    side = Receiving()
    side.library.bad.add(OLD)
    await side.want(OLD_ID, OLD)
    await side.take(pieces(OLD))
    await side.want(NEW_ID, NEW)
    await side.take(pieces(NEW))
    await side.want(OLD_ID, OLD)
    assert side.shown == [(None, "no avatar"), (NEW_ID, None), (None, "no avatar")]
    assert side.exchange.status == "guest"
    assert [get.avatar_id for get in side.asked] == [OLD_ID, NEW_ID]


async def test_an_interrupted_check_is_made_again_without_asking() -> None:
    side = Receiving()
    side.library.gate.clear()
    await side.want(OLD_ID, OLD)
    (data,) = [data for message in pieces(OLD) if (data := side.exchange.receive(message)) is not None]
    try:
        async with asyncio.timeout(0):
            await side.exchange.finish(data)
    except TimeoutError:
        side.library.gate.set()
    await side.want(OLD_ID, OLD)
    assert side.shown == [(OLD_ID, None)]
    assert side.asked == [AvatarGet(OLD_ID, 0)]


async def test_a_known_avatar_that_cannot_be_read_any_more_is_fetched() -> None:
    side = Receiving()
    await side.want(OLD_ID, OLD)
    await side.take(pieces(OLD))
    side.library.kept.clear()
    await side.want(OLD_ID, OLD)
    assert side.asked == [AvatarGet(OLD_ID, 0), AvatarGet(OLD_ID, 0)]


def staged(name: int, sizes: tuple[int, int, int] = (3000, 3000, 3000)) -> bytes:
    """A file with the section headers of version 1, and nothing in them that means anything."""
    parts = zip((b"GAU0", b"GAU1", b"BASE"), sizes, strict=True)
    sections = [SECTION.pack(tag, 2, 0, 0, size) + bytes([name]) * size for tag, size in parts]
    return HEADER.pack(MAGIC, 1, 0) + b"".join(sections)


def part_of(data: bytes, sections: int) -> bytes:
    return data[: HEADER.size + sections * (SECTION.size + 3000)]


def id_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_each_part_that_makes_a_better_head_is_shown_once_and_then_the_avatar() -> None:
    side, data = Receiving(), staged(1)
    await side.want(id_of(data), data)
    for message in pieces(data):
        whole = side.exchange.receive(message)
        if side.exchange.preview_due:
            await side.exchange.show_preview()
    assert whole is not None
    await side.exchange.finish(whole)
    assert side.previews == [part_of(data, 1), part_of(data, 2)]
    assert side.shown == [(id_of(data), None)]


async def test_one_part_is_built_at_a_time_and_what_is_outdated_meanwhile_is_skipped() -> None:
    side, data = Receiving(), staged(1)
    side.library.gate.clear()
    await side.want(id_of(data), data)
    messages = list(pieces(data))
    for message in messages[:3]:
        side.exchange.receive(message)
    async with asyncio.TaskGroup() as group:
        building = group.create_task(side.exchange.show_preview())
        await asyncio.sleep(0)
        for message in messages[3:]:
            whole = side.exchange.receive(message)
        assert not building.done()
        side.library.gate.set()
    assert side.library.most_at_once == 1
    assert side.library.parts == [part_of(data, 1)]  # the rest is about to be shown whole
    assert whole is not None


async def test_a_part_does_not_come_after_the_whole_avatar() -> None:
    side, data = Receiving(), staged(1)
    await side.want(id_of(data), data)
    messages = list(pieces(data))
    for message in messages[:3]:
        side.exchange.receive(message)
    side.library.gate.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(side.exchange.show_preview())
        await asyncio.sleep(0)
        (whole,) = [whole for message in messages[3:] if (whole := side.exchange.receive(message)) is not None]
        finishing = group.create_task(side.exchange.finish(whole))
        side.library.gate.set()
        await finishing
        side.previews.clear()
    assert side.previews == []
    assert side.shown == [(id_of(data), None)]


async def test_a_part_that_is_no_avatar_ends_the_transfer() -> None:
    side, data = Receiving(), staged(1)
    side.library.bad.add(part_of(data, 1))
    await side.want(id_of(data), data)
    for message in list(pieces(data))[:3]:
        side.exchange.receive(message)
    await side.exchange.show_preview()
    assert side.shown == [(None, "no avatar")]
    assert side.exchange.status == "guest"
    assert side.exchange.receive(next(pieces(data))) is None


async def test_a_peer_that_changes_again_and_again_is_not_followed_for_ever() -> None:
    side = Receiving()
    for name in range(MAX_PREVIEWS + 3):
        data = staged(name)
        await side.want(id_of(data), data)
        for message in list(pieces(data))[:3]:
            side.exchange.receive(message)
        await side.exchange.show_preview()
    assert len(side.library.parts) == MAX_PREVIEWS


async def test_the_avatar_that_the_server_names_is_asked_for_before_the_greeting_and_once() -> None:
    side, data = Receiving(), staged(1)
    await side.exchange.expect(id_of(data))
    side.exchange.ask_early(side.asked.append)
    messages = list(pieces(data))
    for message in messages[:4]:
        side.exchange.receive(message)
    assert not side.exchange.preview_due  # the peer has not said that it wears it
    await side.want(id_of(data), data)
    assert side.exchange.preview_due
    await side.take(iter(messages[4:]))
    assert side.asked == [AvatarGet(id_of(data), 0)]
    assert side.shown == [(id_of(data), None)]


async def test_another_avatar_than_the_server_named_is_asked_for_as_ever() -> None:
    side = Receiving()
    await side.exchange.expect(OLD_ID)
    side.exchange.ask_early(side.asked.append)
    await side.want(NEW_ID, NEW)
    await side.take(pieces(NEW))
    assert side.asked == [AvatarGet(OLD_ID, 0), AvatarGet(NEW_ID, 0)]
    assert side.shown == [(NEW_ID, None)]


async def test_an_expected_avatar_that_is_here_is_not_asked_for() -> None:
    side = Receiving()
    side.library.kept.add(OLD_ID)
    await side.exchange.expect(OLD_ID)
    side.exchange.ask_early(side.asked.append)
    await side.want(OLD_ID, OLD)
    assert side.asked == []
    assert side.shown == [(OLD_ID, None)]


async def test_what_came_early_with_another_size_than_announced_is_fetched_anew() -> None:
    side = Receiving()
    await side.exchange.expect(NEW_ID)
    side.exchange.ask_early(side.asked.append)
    side.exchange.receive(next(pieces(OLD)))
    await side.want(NEW_ID, NEW)
    await side.take(pieces(NEW))
    assert side.asked == [AvatarGet(NEW_ID, 0), AvatarGet(NEW_ID, 0)]
    assert side.shown == [(NEW_ID, None)]


async def test_nothing_is_shown_before_the_peer_may_show_it_though_it_is_fetched() -> None:
    side, data = Receiving(), staged(1)
    await side.want(id_of(data), data, permitted=False)
    messages = list(pieces(data))
    for message in messages[:4]:
        side.exchange.receive(message)
    assert not side.exchange.preview_due
    side.exchange.permit()
    assert side.exchange.preview_due
    await side.want(id_of(data), data, permitted=False)
    await side.take(iter(messages[4:]))
    assert (side.shown, side.previews) == ([], [])
    assert (side.exchange.status, side.exchange.progress) == ("loading", 1.0)
    side.exchange.permit()
    assert side.shown == [(id_of(data), None)]


async def test_an_avatar_that_is_here_waits_too_and_is_not_shown_when_the_peer_may_not() -> None:
    side = Receiving()
    side.library.kept.add(OLD_ID)
    await side.want(OLD_ID, OLD, permitted=False)
    assert side.shown == []
    side.exchange.deny("not theirs")
    assert (side.shown, side.exchange.status) == ([(None, "not theirs")], "unverified")


async def test_what_comes_after_a_denial_is_dropped() -> None:
    side, data = Receiving(), staged(1)
    await side.want(id_of(data), data, permitted=False)
    messages = list(pieces(data))
    side.exchange.receive(messages[0])
    side.exchange.deny("not theirs")
    await side.take(iter(messages[1:]))
    await side.exchange.want(side.asked.append)
    side.exchange.permit()
    assert (side.library.kept, side.library.parts) == (set(), [])
    assert side.shown == [(None, "not theirs")]


@pytest.mark.parametrize("sections", [1, 3])
async def test_a_file_that_is_not_what_its_manifest_says_leaves_the_peer_unverified(sections: int) -> None:
    side, data = Receiving(), staged(1)
    side.library.forged.add(part_of(data, sections))
    await side.want(id_of(data), data)
    for message in pieces(data):
        whole = side.exchange.receive(message)
        if side.exchange.preview_due:
            await side.exchange.show_preview()
        if whole is not None:
            await side.exchange.finish(whole)
    assert side.shown == [(None, "another one")]
    assert side.exchange.status == "unverified"
    assert side.library.kept == set()
