from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator

from avatar_store.errors import UnknownAvatar
from client.avatar_exchange import AvatarExchange
from client.control import AvatarGet
from codec.avatar_transfer import AvatarSender
from codec.errors import AvatarFileError

OLD, NEW = bytes(range(256)) * 40, bytes(reversed(range(256))) * 30
OLD_ID, NEW_ID = (hashlib.sha256(data).hexdigest() for data in (OLD, NEW))


class FakeLibrary:
    """Holds what it was given; `bad` files are no avatars."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.bad: set[bytes] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def model(self, avatar_id: str) -> None:
        if avatar_id not in self.kept:
            raise UnknownAvatar(avatar_id)

    async def keep(self, data: bytes) -> None:
        await self.gate.wait()
        if data in self.bad:
            raise AvatarFileError("no avatar")
        self.kept.add(hashlib.sha256(data).hexdigest())


class Receiving:
    """An exchange, what it shows and what it asks for."""

    def __init__(self) -> None:
        self.library = FakeLibrary()
        self.shown: list[tuple[str | None, str | None]] = []
        self.asked: list[AvatarGet] = []
        self.exchange = AvatarExchange(self.library, lambda *shown: self.shown.append(shown))  # type: ignore[arg-type]

    async def want(self, avatar_id: str, data: bytes) -> None:
        await self.exchange.want(avatar_id, len(data), self.asked.append)

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
