from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from client.bot import BotConfig
from client.negotiation import LinkState
from tests.support.fakes import tiny_avatar
from tests.support.lossy_link import lossy_link
from tests.support.people import present


async def test_avatar_and_faces_get_through_at_five_percent_loss(
    start_server, make_equipment, head, clip: Path
) -> None:
    server, _ = await start_server()
    (one, store), (two, _) = make_equipment("one"), make_equipment("two")
    _, data = await asyncio.to_thread(tiny_avatar, head, "Ada's own", 4000)
    avatar_id = await asyncio.to_thread(lambda: store.put(data, own=True))
    with lossy_link(0.05) as link:
        async with (
            present(BotConfig(server.url, "room", clip, avatar_id, "Ada", loop=True), one) as ada,
            present(BotConfig(server.url, "room", clip, two.library.guest_ids[0], "Noor", loop=True), two) as noor,
        ):
            assert await noor.avatars.until(bool, 30) == [(ada.call.member_id, avatar_id)]
            await noor.faces.until(lambda items: len(items) > 50, 30)
            counters = noor.call.link(ada.call.member_id).counters()
            assert counters["lost"] > 0
            assert sum(counters["bad_packets"].values()) <= 2  # deltas refer to what arrived
            assert link.lost > 10


async def test_a_network_that_is_away_for_a_while_is_noticed_and_forgiven(
    start_server, make_equipment, clip: Path
) -> None:
    server, _ = await start_server()
    (one, _), (two, _) = make_equipment("one"), make_equipment("two")
    guest = one.library.guest_ids[0]

    def state(bot) -> LinkState:
        (stats,) = bot.call.stats()
        return stats.state

    with lossy_link() as link:
        async with (
            present(BotConfig(server.url, "room", clip, guest, "Ada", loop=True), one) as ada,
            present(BotConfig(server.url, "room", clip, guest, "Noor", loop=True), two) as noor,
        ):
            await noor.faces.until(bool)
            link.up = False
            # The face eases to rest, and then there is nothing any more.
            await noor.faces.until(lambda items: items[-1][1] is None)
            async with asyncio.timeout(10):
                while state(noor) is LinkState.LIVE:  # noqa: ASYNC110 - silence makes no event
                    await asyncio.sleep(0.05)
            assert state(noor) is LinkState.RECONNECTING
            link.up = True
            count = len(noor.faces.items)
            await noor.faces.until(lambda items: len(items) > count + 25)
            assert state(noor) is LinkState.LIVE
            assert state(ada) is LinkState.LIVE


async def test_a_stun_server_that_does_not_answer_does_not_keep_people_apart(
    start_server, make_equipment, clip: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{silent.getsockname()[1]}"
        server, _ = await start_server(stun_urls=(url,))
        (one, _), (two, _) = make_equipment("one"), make_equipment("two")
        guest = one.library.guest_ids[0]
        async with (
            present(BotConfig(server.url, "room", clip, guest, "Ada", loop=True), one) as ada,
            present(BotConfig(server.url, "room", clip, guest, "Noor", loop=True), two) as noor,
        ):
            await noor.faces.until(bool)
            await ada.faces.until(bool)
            silent.setblocking(False)
            assert silent.recv(2048)  # it was asked
