from __future__ import annotations

import asyncio
import hashlib
import os
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from avatar_store.keys import OwnerKey
from avatar_store.manifest import Manifest, Part, sign_manifest
from client.avatars import Credentials
from client.bot import BotConfig
from client.control import AvatarShown, KeyRequest
from client.negotiation import LinkState
from client.peer import PeerLink
from tests.support.fakes import tiny_avatar
from tests.support.people import WatchingBot, present


@pytest.fixture
async def room(start_server, make_equipment, clip: Path):
    """Mallory, who speaks the protocol well enough to be connected, and two others."""
    server, _ = await start_server()
    async with AsyncExitStack() as stack:
        bots = []
        for name in ("Mallory", "Ada", "Noor"):
            equipment, _ = make_equipment(name)
            config = BotConfig(server.url, "room", clip, name=name, loop=True, avatar_id=equipment.library.guest_ids[0])
            bots.append(await stack.enter_async_context(present(config, equipment)))
        mallory, ada, noor = bots
        for bot in bots:
            await bot.faces.until(lambda items: len({member for member, *_ in items}) == 2)
        yield mallory, ada, noor


def link_to(bot: WatchingBot, other: WatchingBot) -> PeerLink:
    link = bot.call.link(other.call.member_id)
    assert link is not None
    return link


def vouch_for(mallory: WatchingBot, monkeypatch: pytest.MonkeyPatch, avatar_id: str, data: bytes) -> None:
    """Mallory signs with a key of her own that a file is an avatar of hers."""
    key, head = OwnerKey.generate(), mallory._equipment.library.head
    part = Part("HEAD", 1, "00" * 32)
    manifest = Manifest(avatar_id, key.public.hex(), "11" * 32, head.model_id, "", "Mallory", len(data), 1, (part,))
    credentials = Credentials(sign_manifest(manifest, key), key)

    async def file(avatar_id: str) -> bytes:
        return data

    async def motions(avatar_id: str) -> None:
        pass

    async def worn(avatar_id: str) -> Credentials:
        return credentials

    for method in (file, motions, worn):
        monkeypatch.setattr(mallory._equipment.library, method.__name__, method)


async def expect_untroubled(ada: WatchingBot, noor: WatchingBot) -> None:
    """Ada and Noor still see each other move."""
    for here, there in ((ada, noor), (noor, ada)):
        seen = sum(member == there.call.member_id for member, *_ in here.faces.items)
        await here.faces.until(
            lambda items, seen=seen, there=there: sum(member == there.call.member_id for member, *_ in items) > seen + 5
        )


async def test_garbage_on_every_channel_is_counted_and_nothing_else(room) -> None:
    mallory, ada, noor = room
    victim = link_to(ada, mallory)
    connection = link_to(mallory, ada)._connection
    assert connection is not None
    noise = random.Random(1)
    for size in (0, 1, 7, 8, 30, 1199, 1300, 60_000):
        connection._send("face", noise.randbytes(size), 1 << 20)
        connection._send("avatar", noise.randbytes(size), 1 << 20)
    for text in ("", "[]", "{}", '{"type": "hello"}', "\x00" * 100, '{"type": "avatar_get", "avatar_id": 5}'):
        connection.send_control(text)
    await ada.faces.until(lambda items: sum(victim.counters()["bad_packets"].values()) >= 7)
    await expect_untroubled(ada, noor)
    await ada.faces.until(lambda items: victim.counters()["bad_control"] == 6)


async def test_endless_nonsense_closes_that_peer_with_a_sentence(room) -> None:
    mallory, ada, noor = room
    connection = link_to(mallory, ada)._connection
    assert connection is not None
    for _ in range(60):
        connection.send_control("nonsense")
    (notice,) = await ada.notices.until(bool)
    assert "Mallory" in notice
    assert [params for member, params, _ in ada.faces.items if member == mallory.call.member_id][-1] is None
    await expect_untroubled(ada, noor)
    assert {stats.state for stats in ada.call.stats() if stats.member_id == mallory.call.member_id} == {LinkState.GONE}


async def test_a_gigabyte_is_refused_before_a_byte_of_it_is_asked_for(room) -> None:
    mallory, ada, noor = room
    link_to(mallory, ada)._say(AvatarShown("ab" * 32, 1 << 30))
    (notice,) = await ada.notices.until(bool)
    assert "Mallory's avatar was refused" in notice
    assert (mallory.call.member_id, None) in await ada.avatars.until(lambda items: items[-1][1] is None)
    await expect_untroubled(ada, noor)


async def test_an_avatar_that_is_not_what_was_announced_is_shown_as_a_guest(
    room, head, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory, ada, noor = room
    _, data = await asyncio.to_thread(tiny_avatar, head, "Mallory")
    vouch_for(mallory, monkeypatch, "cd" * 32, data)
    await mallory.call.set_avatar("cd" * 32)
    (notice,) = await ada.notices.until(bool)
    assert "not the one that was announced" in notice
    assert ada.avatars.items[-1] == (mallory.call.member_id, None)
    await expect_untroubled(ada, noor)


async def test_garbage_that_has_the_right_hash_is_no_avatar(room, monkeypatch: pytest.MonkeyPatch) -> None:
    mallory, ada, noor = room
    data = os.urandom(5000)
    vouch_for(mallory, monkeypatch, hashlib.sha256(data).hexdigest(), data)
    await mallory.call.set_avatar(hashlib.sha256(data).hexdigest())
    (notice,) = await ada.notices.until(bool)
    assert "Mallory's avatar was refused" in notice
    await expect_untroubled(ada, noor)


async def test_a_message_without_end_is_cut_off(room, monkeypatch: pytest.MonkeyPatch) -> None:
    mallory, ada, noor = room
    connection = link_to(mallory, ada)._connection
    assert connection is not None
    victim = link_to(ada, mallory)
    session = victim._negotiator.session
    sctp = connection._pc.sctp
    sctp._remote_max_message_size = 0  # an honest peer would not send more than the 256 kB that Ada announced
    connection._channels["control"].send("x" * 6_000_000)
    await ada.faces.until(lambda items: victim._negotiator.session != session, 30)
    await expect_untroubled(ada, noor)


async def test_a_flood_of_key_requests_makes_no_flood_of_packets(room) -> None:
    mallory, ada, noor = room
    counters = link_to(ada, mallory).counters
    before = counters()
    for _ in range(200):
        link_to(mallory, ada)._say(KeyRequest())
    await ada.faces.until(lambda items: counters()["key_frames_out"] > before["key_frames_out"])
    await expect_untroubled(ada, noor)
    assert counters()["packets_out"] - before["packets_out"] < 100
